//! An ordinary user of this machine, in whose name a store's commands run: with ids of his own in /etc/subuid, or without any.
//!
//! The machine gets no account. Each command lives in a mount namespace in which the user is known, and then gives up being root.
//! `TARE_AS=user` and `TARE_AS=single` let every test run that way (`scripts/without-root`); who wants an ordinary user in any case says
//! `Store::of(Person::with_ranges())`.

use super::image_dir;
use std::ffi::CString;
use std::io::{Error, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    pub uid: u32,
    /// The first of 65536 further ids.
    pub ids: Option<u32>,
    pub way_out: WayOut,
}

/// Whether this machine lets his containers out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// As it is: /dev/net/tun may be root's alone.
    AsItIs,
    /// /dev/net/tun is everybody's.
    Open,
    /// There is no pasta.
    NoPasta,
    /// There is no /dev/net/tun that he may open.
    NoTun,
}

pub const COUNT: u32 = 65536;

/// What the machine looks like to him: one path lies over another.
#[derive(Clone, Debug)]
pub struct Scenery {
    pub from: PathBuf,
    pub over: PathBuf,
    /// Further flags of mount(2).
    pub flags: libc::c_ulong,
}

impl Scenery {
    pub fn new(from: impl Into<PathBuf>, over: impl Into<PathBuf>) -> Scenery {
        Scenery { from: from.into(), over: over.into(), flags: 0 }
    }
}

impl Person {
    pub fn with_ranges() -> Person {
        Person { uid: 1777, ids: Some(2_000_000), way_out: WayOut::AsItIs }
    }

    pub fn single() -> Person {
        Person { uid: 1777, ids: None, way_out: WayOut::AsItIs }
    }

    pub fn on_a_machine_with(self, way_out: WayOut) -> Person {
        Person { way_out, ..self }
    }

    /// Somebody else on the same machine.
    pub fn neighbour(self) -> Person {
        Person { uid: self.uid + 1, ids: self.ids.map(|first| first + COUNT), ..self }
    }

    /// Who `TARE_AS` says; `None`: root, as ever.
    pub fn of_this_run() -> Option<Person> {
        match std::env::var("TARE_AS").ok()?.as_str() {
            "user" => Some(Person::with_ranges()),
            "single" => Some(Person::single()),
            "" | "root" => None,
            other => panic!("TARE_AS={other}: say root, user or single"),
        }
    }

    pub fn name(&self) -> String {
        format!("ann{}", self.uid)
    }

    /// A word for file names.
    pub fn called(&self) -> String {
        format!("{}-{}", self.uid, self.ids.map_or("single", |_| "ranges"))
    }

    /// Who on this machine the user with this number in a container is.
    pub fn outside(&self, inside: u32) -> u32 {
        match inside {
            0 => self.uid,
            _ => self.ids.expect("a person with ranges") + inside - 1,
        }
    }

    /// From here on the command is his. `home`: of his own, made here.
    pub fn takes(&self, command: &mut Command, home: &Path, scenery: &[Scenery]) {
        for dir in [home.to_owned(), self.session(home)] {
            let _ = std::fs::create_dir(&dir);
            self.owns(&dir);
        }
        command.env("HOME", home).env("USER", self.name()).env("XDG_RUNTIME_DIR", self.session(home)).env_remove("XDG_DATA_HOME");
        let scenery = scenery.iter().map(|one| (c_path(&one.from), c_path(&one.over), one.flags));
        let binds: Vec<_> = self.binds().into_iter().map(|(from, to)| (from, to, 0)).chain(scenery).collect();
        let (uid, gid) = (self.uid, self.uid);
        // SAFETY: system calls between fork and exec, on strings made before.
        unsafe {
            command.pre_exec(move || {
                known(libc::unshare(libc::CLONE_NEWNS))?;
                mount(None, c"/", libc::MS_REC | libc::MS_PRIVATE)?;
                for (from, to, flags) in &binds {
                    mount(Some(from), to, libc::MS_BIND)?;
                    if *flags != 0 {
                        mount(None, to, libc::MS_BIND | libc::MS_REMOUNT | flags)?;
                    }
                }
                known(libc::setgroups(1, &raw const gid))?;
                known(libc::setresgid(gid, gid, gid))?;
                known(libc::setresuid(uid, uid, uid))
            });
        }
    }

    /// Like that of a login: for him alone.
    pub fn session(&self, home: &Path) -> PathBuf {
        home.join("session")
    }

    pub fn owns(&self, path: &Path) {
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.uid)).unwrap_or_else(|e| panic!("cannot give {}: {e}", path.display()));
        if path.is_dir() {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(path, mode).expect("a mode");
        }
    }

    /// What this thread makes from now on is his, as if he had made the scene of the test himself; it keeps its powers.
    pub fn is_whose_files_are_made(&self) {
        nix::unistd::setfsgid(nix::unistd::Gid::from_raw(self.uid));
        nix::unistd::setfsuid(nix::unistd::Uid::from_raw(self.uid));
        let may = caps::read(None, caps::CapSet::Permitted).expect("our capabilities");
        // The kernel takes those over files away from whoever stops being root there.
        caps::set(None, caps::CapSet::Effective, &may).expect("our capabilities again");
    }

    /// Files in which he is known, and where they go.
    fn binds(&self) -> Vec<(CString, CString)> {
        let dir = image_dir().join(format!(".{}", self.called()));
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (name, uid) = (self.name(), self.uid);
        let range = self.ids.map_or(String::new(), |first| format!("{name}:{first}:{COUNT}\n"));
        let files = [
            ("/etc/passwd", format!("{}{name}:x:{uid}:{uid}::/:/bin/sh\n", text("/etc/passwd"))),
            ("/etc/group", format!("{}{name}:x:{uid}:\n", text("/etc/group"))),
            ("/etc/subuid", range.clone()),
            ("/etc/subgid", range),
        ];
        let _ = std::fs::create_dir_all(&dir);
        let there = |(target, content): (&str, String)| {
            let file = dir.join(target.rsplit('/').next().expect("a name"));
            if !file.exists() || text(file.to_str().expect("utf-8")) != content {
                // Others may be reading it.
                let new = file.with_extension(std::process::id().to_string());
                std::fs::write(&new, &content).and_then(|()| std::fs::rename(&new, &file)).expect("a file of the user's");
            }
            Path::new(target).exists().then(|| (c_path(&file), c_path(Path::new(target))))
        };
        let mut binds: Vec<(CString, CString)> = files.into_iter().filter_map(there).collect();
        binds.extend(self.way_out.bind(&dir));
        binds
    }
}

impl WayOut {
    fn bind(self, dir: &Path) -> Option<(CString, CString)> {
        let path = |path: &Path| CString::new(path.as_os_str().as_bytes()).expect("a path");
        let node = |name: &str, mode: u32| {
            let node = dir.join(name);
            // SAFETY: a C string that outlives the call. That it is there already is as good.
            unsafe { libc::mknod(path(&node).as_ptr(), libc::S_IFCHR, libc::makedev(10, 200)) };
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(&node, mode).expect("a device file");
            Some((path(&node), path(Path::new("/dev/net/tun"))))
        };
        match self {
            WayOut::AsItIs => None,
            WayOut::Open => node("tun", 0o666),
            WayOut::NoTun => node("tun-of-root", 0o600),
            WayOut::NoPasta => Some((c"/dev/null".to_owned(), c"/usr/bin/pasta".to_owned())),
        }
    }
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("a path")
}

fn mount(from: Option<&CString>, to: &std::ffi::CStr, flags: libc::c_ulong) -> Result<()> {
    let from = from.map_or(std::ptr::null(), |from| from.as_ptr());
    // SAFETY: C strings that outlive the call.
    known(unsafe { libc::mount(from, to.as_ptr(), std::ptr::null(), flags, std::ptr::null()) })
}

fn known(answer: libc::c_int) -> Result<()> {
    if answer < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}
