//! The process becomes somebody: user, directory, filter, capabilities, and then the user's program.
//!
//! The order matters. The user is looked up while every file can be read. The filter is loaded while we may still load one,
//! and so must allow what follows it; with no_new_privs it comes as late as can be. Capabilities go last.

use crate::runtime::child::{At, Failure, Inherited, Never, Result};
use crate::runtime::labels::Label;
use crate::runtime::plan::Person;
use crate::spec::user::{self, User};
use crate::sys::identity::{self, Capabilities};
use crate::sys::user_namespace::{self, Range};
use crate::sys::{Errno, file, inside, mount, process};
use crate::trace::{self, Step};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Longer files of users are refused: an image may bring gigabytes (CVE-2024-9676).
const LONGEST_USER_FILE: u64 = 10 << 20;

pub fn become_somebody(person: &Person, inherited: &Inherited) -> Result<Never> {
    trace::begin(Step::FindUser);
    let user = find_user(person)?;
    give_streams(person, &user, inherited.of_another_user_namespace)?;
    if person.no_new_privileges {
        identity::no_new_privileges().at(Step::FilterCalls, "set no_new_privs")?;
    }
    let label = person.label.as_ref().map(hold_label).transpose()?;
    let step = trace::begin(Step::BoundCapabilities);
    identity::limit_bounding_set(person.capabilities.bounding).at(step, "limit the bounding set")?;
    process::close_on_exec_from(3).and_then(|()| process::keep_on_exec(3..3 + person.preserved)).at(Step::Execute, "close descriptors")?;
    if !person.no_new_privileges {
        person.filter.load(inherited.socket.as_fd())?;
    }
    trace::begin(Step::ChangeIdentity);
    identity::keep_capabilities(true).at(Step::ChangeIdentity, "keep capabilities")?;
    check_groups(person)?;
    identity::become_user(user.uid, user.gid, &user.groups).map_err(|errno| refused(&user, errno))?;
    identity::keep_capabilities(false).at(Step::ChangeIdentity, "keep capabilities no more")?;
    trace::begin(Step::EnterDirectory);
    enter_directory(person.cwd)?;
    let step = trace::begin(Step::DropCapabilities);
    identity::set_capabilities(&capabilities_of(person, user.uid)).at(step, "set capabilities")?;
    if person.no_new_privileges {
        person.filter.load(inherited.socket.as_fd())?;
    }
    trace::begin(Step::Execute);
    execute(person, &user, inherited, label.as_ref())
}

/// Why the kernel does not let us become somebody: mostly he has no id in our user namespace.
fn refused(user: &User, errno: Errno) -> Failure {
    let cannot = || Failure::new(Step::ChangeIdentity, errno, format!("become {}:{}", user.uid, user.gid));
    let Some((uids, gids)) = Some(errno).filter(|errno| *errno == Errno::EINVAL).and_then(|_| user_namespace::own_maps().ok()) else {
        return cannot();
    };
    let without_id = |what: &str, map: &[Range], id: u32| {
        let count: u64 = map.iter().map(|(_, _, count)| u64::from(*count)).sum();
        (!user_namespace::is_in(map, id)).then(|| match count {
            1 => format!("there is no {what} {id} here, only 0"),
            count => format!("there is no {what} {id} here, only {count} of them"),
        })
    };
    let group = || user.groups.iter().chain([&user.gid]).find_map(|gid| without_id("group", &gids, *gid));
    without_id("user", &uids, user.uid).or_else(group).map_or_else(cannot, |what| Failure::new(Step::FindUser, errno, what))
}

/// Whom the machine's root has given no ids may not change his groups at all: user_namespaces(7).
fn check_groups(person: &Person) -> Result<()> {
    match person.further_groups.first() {
        Some(group) if user_namespace::groups_are_fixed() => {
            Err(Failure::new(Step::FindUser, Errno::EINVAL, format!("group {group} cannot be added, there is only one group here")))
        }
        _ => Ok(()),
    }
}

/// Where the label is to be written, below a procfs that nobody can have mounted anything over (CVE-2019-16884, CVE-2025-52881).
fn hold_label(label: &Label) -> Result<(OwnedFd, &'static CStr)> {
    let proc = mount::private_proc().at(Step::ChangeIdentity, "open a procfs")?;
    let exists = |attribute: &&CStr| file::exists_beneath(proc.as_fd(), attribute);
    let attribute = label.attributes.iter().copied().find(exists);
    attribute.map(|attribute| (proc, attribute)).ok_or_else(|| Failure::new(Step::ChangeIdentity, Errno::ENOENT, "find /proc/self/attr"))
}

/// The terminal, and pipes: their user may open them again by the names /dev/stdin, /dev/stdout and /dev/stderr. Nothing else
/// is touched: /dev/null is the host's (CVE-2026-88265). In a user namespace the pipes belong to somebody outside, who must give
/// them himself, and the group of terminals may not exist.
fn give_streams(person: &Person, user: &User, of_another_user_namespace: bool) -> Result<()> {
    const TERMINALS: u32 = 5;
    let give = |fd, gid, what| match file::change_owner_of(fd, user.uid, gid) {
        Err(Errno::EPERM | Errno::EINVAL) if of_another_user_namespace || !user_namespace::is_machine_s_root() => Ok(()),
        other => other.at(Step::OpenTerminal, what),
    };
    if person.terminal {
        return give(file::standard_streams()[0], TERMINALS, "give the terminal to the user");
    }
    for fd in file::standard_streams() {
        if user.uid != 0 && file::is_pipe(fd).at(Step::OpenTerminal, "look at the streams")? {
            give(fd, user.gid, "give the streams to the user")?;
        }
    }
    Ok(())
}

/// Another user than root has the capabilities within reach (bounding) but not in hand, as with Docker: exec would drop them anyway.
fn capabilities_of(person: &Person, uid: u32) -> Capabilities {
    match (uid, person.user) {
        (0, _) | (_, None) => person.capabilities,
        _ => Capabilities { bounding: person.capabilities.bounding, ..Capabilities::default() },
    }
}

fn find_user(person: &Person) -> Result<User> {
    let has_home = person.env.iter().any(|variable| variable.to_bytes().strip_prefix(b"HOME=").is_some_and(|home| !home.is_empty()));
    let Some(wish) = person.user else {
        let home = if has_home {
            String::new()
        } else {
            // Only a number is asked for: a file that cannot be read, or that is hidden, leaves it without a home and no more.
            user::resolve(&person.uid.to_string(), &user_file("passwd").unwrap_or_default(), "").unwrap_or_default().home
        };
        let mut groups: Vec<u32> = Vec::new();
        for gid in person.groups {
            if !groups.contains(gid) {
                groups.push(*gid);
            }
        }
        return Ok(User { uid: person.uid, gid: person.gid, groups, home });
    };
    let missing = |reason: String| Failure::new(Step::FindUser, Errno::ENOENT, reason);
    let groups = user_file("group")?;
    let mut found = user::resolve(wish, &user_file("passwd")?, &groups).map_err(missing)?;
    for further in person.further_groups {
        let gid = user::group(further, &groups).map_err(missing)?;
        if !found.groups.contains(&gid) {
            found.groups.push(gid);
        }
    }
    Ok(found)
}

/// An image may have none. Opened without waiting, in case it is a fifo, and only up to a bound.
fn user_file(name: &str) -> Result<String> {
    let path = Path::new("/etc").join(name);
    match inside::read_bounded(&path, LONGEST_USER_FILE) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(String::new()),
        Err(errno) => Err(Failure::new(Step::FindUser, errno, format!("cannot read the container's {}", path.display()))),
    }
}

/// A working directory that is missing is made, as Docker does: images name directories that a volume should fill. Only for the
/// first process: who enters a container names a directory that is there.
pub fn make_working_directory(cwd: &Path) -> Result<()> {
    match inside::make_dirs(cwd, 0o755) {
        Ok(()) | Err(Errno::EROFS | Errno::EACCES) => Ok(()),
        Err(errno) => Err(errno).at(Step::EnterDirectory, || cwd.display().to_string()),
    }
}

/// As the user, who must be able to be there; and where we are must have a name below the root (CVE-2024-21626).
fn enter_directory(cwd: &Path) -> Result<()> {
    let what = || cwd.display().to_string();
    mount::change_dir(cwd).at(Step::EnterDirectory, what)?;
    match std::env::current_dir() {
        Ok(path) if path.is_absolute() => Ok(()),
        _ => Err(Failure::new(Step::EnterDirectory, Errno::ENOENT, format!("{} outside the container", cwd.display()))),
    }
}

/// The last execve is the sealed program's, not ours: whatever `/proc/self/exe` in a command leads to, it is not a file of the
/// host (CVE-2019-5736).
fn execute(person: &Person, user: &User, inherited: &Inherited, label: Option<&(OwnedFd, &CStr)>) -> Result<Never> {
    let mut env = person.env.clone();
    env.retain(|variable| variable.to_bytes() != b"HOME=");
    if !env.iter().any(|variable| variable.to_bytes().starts_with(b"HOME=")) {
        env.push(CString::new(format!("HOME={}", user.home)).unwrap_or_default());
    }
    let command = &person.args[0];
    let candidates = candidates(person);
    let number = |number: usize| CString::new(number.to_string()).unwrap_or_default();
    // Behind the descriptors that are the user's.
    let socket = 3 + person.preserved;
    let attribute = label.map_or(c"", |(_, attribute)| attribute).to_owned();
    let text = person.label.as_ref().map(|label| label.text.clone()).unwrap_or_default();
    let mut words = vec![c"tare-exec".to_owned(), number(socket as usize), attribute, text, number(candidates.len())];
    words.extend(candidates);
    words.extend(person.args.iter().cloned());
    let program = file::duplicate_above(inherited.program, socket + 8).at(Step::Execute, "hold the program")?;
    let proc = label.map(|(proc, _)| file::duplicate_above(proc.as_fd(), socket + 8)).transpose().at(Step::Execute, "hold the procfs")?;
    process::place(inherited.socket, socket).at(Step::Execute, "place the socket")?;
    if let Some(proc) = &proc {
        process::place(proc.as_fd(), socket + 1).at(Step::Execute, "place the procfs")?;
    }
    if inherited.dies_with_reaper {
        // After all that the kernel forgets it by.
        process::die_with_parent().at(Step::Execute, "ask to die with the reaper")?;
    }
    let errno = process::exec_fd(program.as_fd(), &words, &env);
    Err(Failure::new(Step::Execute, errno, command.to_string_lossy()))
}

/// Whether there is anything to execute, asked early, so that whoever creates the container hears of it.
pub fn look_for_command(person: &Person) -> Result<()> {
    let mut answer = Errno::ENOENT;
    for path in candidates(person) {
        match file::may_execute(&path) {
            Ok(()) => return Ok(()),
            Err(Errno::EACCES) => answer = Errno::EACCES,
            Err(_) => {}
        }
    }
    Err(Failure::new(Step::Execute, answer, person.args[0].to_string_lossy()))
}

fn candidates(person: &Person) -> Vec<CString> {
    let command = &person.args[0];
    if command.to_bytes().contains(&b'/') { vec![command.clone()] } else { in_path(command, person) }
}

/// Where the container's PATH would find it, in order.
fn in_path(command: &CStr, person: &Person) -> Vec<CString> {
    let path = person.env.iter().rev().find_map(|variable| variable.to_bytes().strip_prefix(b"PATH=")).unwrap_or(b"/bin:/usr/bin");
    let dirs = path.split(|byte| *byte == b':').filter(|dir| !dir.is_empty());
    dirs.filter_map(|dir| CString::new([dir, b"/", command.to_bytes()].concat()).ok()).collect()
}
