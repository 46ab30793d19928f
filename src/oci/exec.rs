//! `exec`: a further process in a container.

use crate::error::{Context as _, Error, Result};
use crate::oci::{Context, create, environment, id, stay};
use crate::runtime::agent::Client;
use crate::runtime::cgroup::Group;
use crate::runtime::filter::Filter;
use crate::runtime::placement::Placement;
use crate::runtime::plan::Person;
use crate::runtime::strict::lifecycle;
use crate::runtime::strict::shelf::{Kept, Status};
use crate::runtime::strict::{newer, rights};
use crate::runtime::{Streams, enter, own_program};
use crate::sys::{Errno, file, identity, process, signal, socket, terminal};
use clap::{Arg, ArgAction, ArgMatches};
use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities, LinuxNamespaceType, Process, Spec};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Far more than any process description has.
const LONGEST_PROCESS: u64 = 16 << 20;

pub fn define(command: clap::Command) -> clap::Command {
    let value = |name: &'static str, value_name, help| Arg::new(name).long(name).value_name(value_name).help(help);
    let list = |name: &'static str, value_name, help| value(name, value_name, help).action(ArgAction::Append);
    let switch = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command.args([
        value("process", "FILE", "The process as JSON").short('p'),
        Arg::new("tty")
            .short('t')
            .long("tty")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .default_value("false")
            .value_parser(clap::value_parser!(bool))
            .help("Give it a terminal"),
        value("user", "UID[:GID]", "Its user, in numbers").short('u'),
        value("cwd", "DIR", "Its working directory"),
        list("env", "NAME=VALUE", "A variable").short('e'),
        list("cap", "CAPABILITY", "A further capability").short('c'),
        list("additional-gids", "GID", "A further group").short('g'),
        switch("no-new-privs", "It gains no rights by executing"),
        value("apparmor", "PROFILE", "Its AppArmor profile"),
        value("process-label", "LABEL", "Its SELinux label"),
        value("cgroup", "PATH", "A group below the container's"),
        value("pid-file", "FILE", "Write its pid there"),
        value("console-socket", "PATH", "Hand the terminal over there"),
        value("pidfd-socket", "PATH", "Hand a pidfd of it over there"),
        value("preserve-fds", "NUMBER", "Descriptors from 3 on that it gets").value_parser(clap::value_parser!(u16)).default_value("0"),
        switch("detach", "Do not wait for it").short('d'),
        switch("ignore-paused", "Also where the container stands still"),
        Arg::new("id").value_name("ID").required(true).help("The container's id"),
        Arg::new("words").value_name("COMMAND").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true).help("The command"),
    ])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    own_program::be_read_only()?;
    let preserved = create::preserved(matches, 0)?;
    let kept = context.shelf.find(id(matches))?;
    check_status(&kept, kept.status(&context.shelf), matches.get_flag("ignore-paused"))?;
    let spec = newer::read(&context.shelf.place(&kept.id).config())?;
    let (spec, newer) = spec.ok_or_else(|| Error::damaged(format!("container {} has no config.json", kept.id)))?;
    let process = describe(matches, &spec)?;
    if !process.cwd().is_absolute() {
        return Err(Error::usage(format!("working directory {:?}", process.cwd())).because("not an absolute path"));
    }
    let linux = spec.linux().as_ref();
    let seccomp = linux.and_then(|linux| linux.seccomp().as_ref());
    let filter = seccomp.map(|seccomp| Filter::of_specification(seccomp, newer.waits_killable)).transpose()?;
    let mut person = Person::new(&process, None, filter.unwrap_or_default())?;
    person.preserved = preserved;
    person.placement = Placement::new(
        &process,
        linux.and_then(|linux| linux.memory_policy().as_ref()),
        linux.and_then(|linux| linux.personality().as_ref()),
    )?;
    let namespaces = spec.linux().iter().flat_map(|linux| linux.namespaces().iter().flatten());
    let own = if namespaces.into_iter().any(|one| one.typ() == LinuxNamespaceType::User) { u64::MAX } else { identity::own_capabilities() };
    context.log.left_out(&rights::fit(&mut person.capabilities, own));

    let console = matches.get_one::<String>("console-socket");
    let detach = matches.get_flag("detach");
    if person.terminal && detach && console.is_none() {
        return Err(Error::usage("nobody is named who takes the terminal").hint("--console-socket PATH"));
    }
    let console = console.map(|path| socket::connect(Path::new(path)).with_context(|| format!("cannot reach {path}"))).transpose()?;
    let group = group(matches, &kept)?;
    if kept.own_keyring {
        // Else it would have the caller's, with keys of the host.
        identity::new_session_keyring().context("cannot make a keyring")?;
    }
    let streams = terminal::standard_streams().context("cannot hold our own streams")?;
    let init = process::pidfd_of(kept.pid).with_context(|| format!("container {} has just ended", kept.id))?;
    let created = enter::enter(init.as_fd(), kept.pid, group.as_ref(), &person, own_streams(&streams))?;
    let mut terminal = created.until_ready(|| Ok(String::new()))?;
    if let (Some(master), Some(console)) = (&terminal, console) {
        socket::send_with(console.as_fd(), b"/dev/ptmx", &[master.as_fd()]).context("cannot hand the terminal over")?;
        terminal = None;
    }
    if let Some(pid_file) = matches.get_one::<String>("pid-file") {
        lifecycle::write_pid_file(Path::new(pid_file), created.pid)?;
    }
    if let Some(path) = matches.get_one::<String>("pidfd-socket") {
        lifecycle::hand_over(Path::new(path), b"pidfd", &created.pidfd)?;
    }
    let state = kept.for_hooks(kept.status(&context.shelf));
    let client = Client { pid: created.pid, pidfd: created.pidfd.as_fd(), oci_version: &kept.oci_version, state: &state };
    let serve = |number| person.filter.agent.as_ref().map_or(Ok(()), |agent| agent.serve(&client, number));
    created.go_on(&serve).inspect_err(|_| {
        let _ = signal::send(created.pidfd.as_fd(), signal::KILL);
    })?;
    if detach {
        return Ok(0);
    }
    stay::until_end(created.pid, &created.pidfd, terminal, None)
}

/// Duplicates: who enters the container first puts our own three away.
fn own_streams(streams: &[OwnedFd; 3]) -> Streams<'_> {
    let [input, output, error] = streams;
    Streams::Separate { input: Some(input.as_fd()), output: output.as_fd(), error: error.as_fd() }
}

fn check_status(kept: &Kept, status: Status, ignore_paused: bool) -> Result<()> {
    let refused = |why: &str| Err(Error::conflict(format!("cannot execute in container {}", kept.id)).because(why));
    match status {
        Status::Paused if !ignore_paused => refused("it is paused"),
        Status::Stopped | Status::Creating => refused(&format!("it is {}", status.word())),
        _ => Ok(()),
    }
}

/// The whole process from a file, or the container's own with what the flags change.
fn describe(matches: &ArgMatches, spec: &Spec) -> Result<Process> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let first = spec.process().clone().ok_or_else(|| Error::damaged("config.json has no process"))?;
    if let Some(path) = text("process") {
        let what = || format!("cannot read {path}");
        let bytes = match file::read_bounded(Path::new(path), LONGEST_PROCESS) {
            // An engine may hand it over in a pipe.
            Err(Errno::EINVAL) => {
                let mut bytes = Vec::new();
                std::fs::File::open(path).and_then(|file| file.take(LONGEST_PROCESS).read_to_end(&mut bytes)).with_context(what)?;
                bytes
            }
            other => other.with_context(what)?,
        };
        let described = serde_json::from_slice(&bytes).map_err(|e| Error::damaged(format!("{path} is damaged")).because(e))?;
        return Ok(as_the_first(described, &first));
    }
    let mut process = first;
    let words: Vec<String> = matches.get_many::<String>("words").into_iter().flatten().cloned().collect();
    if words.is_empty() {
        return Err(Error::usage("no command to execute").hint("tare oci exec ID COMMAND"));
    }
    process.set_args(Some(words)).set_terminal(matches.get_one::<bool>("tty").copied());
    if let Some(cwd) = text("cwd") {
        process.set_cwd(cwd.into());
    }
    environment::set(&mut process, &matches.get_many("env").into_iter().flatten().cloned().collect::<Vec<_>>());
    if matches.get_flag("no-new-privs") {
        process.set_no_new_privileges(Some(true));
    }
    if let Some(profile) = text("apparmor") {
        process.set_apparmor_profile(Some(profile.to_owned()));
    }
    if let Some(label) = text("process-label") {
        process.set_selinux_label(Some(label.to_owned()));
    }
    change_user(&mut process, text("user"), matches)?;
    add_capabilities(&mut process, matches)?;
    Ok(process)
}

/// What is not described is as with the container's first process.
fn as_the_first(mut process: Process, first: &Process) -> Process {
    if process.capabilities().is_none() {
        process.set_capabilities(first.capabilities().clone());
    }
    if process.oom_score_adj().is_none() {
        process.set_oom_score_adj(first.oom_score_adj());
    }
    process
}

/// Numbers and nothing else: a name that is read as 0 would be root (CVE-2026-30892).
fn change_user(process: &mut Process, wish: Option<&str>, matches: &ArgMatches) -> Result<()> {
    let number = |text: &str| match text.parse::<u32>() {
        Ok(number) if number != u32::MAX && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err(Error::usage(format!("{text:?} is not the number of a user or group"))),
    };
    let mut user = process.user().clone();
    if let Some(wish) = wish {
        let (uid, gid) = wish.split_once(':').map_or((wish, None), |(uid, gid)| (uid, Some(gid)));
        user.set_uid(number(uid)?);
        if let Some(gid) = gid {
            user.set_gid(number(gid)?);
        }
    }
    let more = matches.get_many::<String>("additional-gids").into_iter().flatten();
    let mut groups = user.additional_gids().clone().unwrap_or_default();
    groups.extend(more.map(|gid| number(gid)).collect::<Result<Vec<_>>>()?);
    user.set_additional_gids(Some(groups));
    process.set_user(user);
    Ok(())
}

fn add_capabilities(process: &mut Process, matches: &ArgMatches) -> Result<()> {
    let more = matches.get_many::<String>("cap").into_iter().flatten();
    let parse = |name: &String| {
        let bare = name.to_ascii_uppercase();
        let bare = bare.strip_prefix("CAP_").unwrap_or(&bare);
        bare.parse::<Capability>().map_err(|_| Error::usage(format!("unknown capability {name}")))
    };
    let more = more.map(parse).collect::<Result<Vec<_>>>()?;
    if more.is_empty() {
        return Ok(());
    }
    let old = process.capabilities().clone().unwrap_or_default();
    let with = |set: &Option<Capabilities>| Some(set.iter().flatten().copied().chain(more.iter().copied()).collect::<Capabilities>());
    let mut sets = LinuxCapabilities::default();
    sets.set_bounding(with(old.bounding())).set_effective(with(old.effective())).set_permitted(with(old.permitted()));
    sets.set_inheritable(old.inheritable().clone()).set_ambient(old.ambient().clone());
    process.set_capabilities(Some(sets));
    Ok(())
}

fn group(matches: &ArgMatches, kept: &Kept) -> Result<Option<Group>> {
    let Some(below) = matches.get_one::<String>("cgroup") else { return Ok(kept.group()) };
    // runc takes `controller:path` for cgroup v1 too; a path alone means every controller, which cgroup v2 has only.
    let below = below.rsplit(':').next().unwrap_or(below);
    let path = lifecycle::beneath(&kept.cgroup, Path::new(below))?;
    let open = Group::open(&path).ok_or_else(|| Error::no_such(format!("the container has no group {below}")))?;
    Ok(Some(open))
}
