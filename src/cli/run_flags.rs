//! The flags of `run` and `create`: how they are spelt, and how their words become wishes.
//!
//! The files that flags name (`--env-file`, `--label-file`, seccomp profiles) are read here, because parsers open no files.

use crate::error::{Context, Error, Kind, Result};
use crate::names;
use crate::options::{
    Seccomp, Wishes, detach_keys, devices, env_file, labels, limits, mounts, namespaces, security, signals, ulimits, users,
};
use crate::spec::capabilities;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::Read;
use std::path::PathBuf;

/// A command line of `run` or `create`, checked.
#[derive(Debug, Default, PartialEq)]
pub struct Parsed {
    pub wishes: Wishes,
    pub image: String,
    pub name: Option<String>,
    pub detach: bool,
    /// The streams that the caller's terminal is connected to.
    pub attach: Attach,
    /// Signals that reach us go on to the container.
    pub sig_proxy: bool,
    pub detach_keys: Vec<u8>,
    /// `--pull never`: an image that is not here is not looked for elsewhere.
    pub never_pull: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attach {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

/// No profile is longer; Docker's own has 20 kB.
const LONGEST_PROFILE: u64 = 1 << 20;

pub fn define(command: clap::Command) -> clap::Command {
    let runs = command.get_name() == "run";
    let usage = format!("tare {} [OPTIONS] IMAGE [COMMAND] [ARG...]", command.get_name());
    let command = command.override_usage(usage).disable_help_flag(true).args_override_self(true);
    let command = if runs { command.args(run_only()) } else { command };
    command.args(process()).args(sight()).args(rights()).args(limit()).args(naming()).arg(
        // Options end at the image: what follows belongs to the command in the container, dashes and all.
        Arg::new("words")
            .value_names(["IMAGE", "COMMAND"])
            .help("The image, then the command with its arguments")
            .num_args(1..)
            .trailing_var_arg(true),
    )
}

fn run_only() -> [Arg; 3] {
    [
        switch("detach", Some('d'), "Run in the background and print the container's id"),
        switch("sig-proxy", None, "Pass signals on to the container (default true)"),
        value("detach-keys", None, "KEYS", "Keys that leave the container running (default ctrl-p,ctrl-q)"),
    ]
}

fn process() -> [Arg; 13] {
    [
        switch("interactive", Some('i'), "Keep stdin open"),
        switch("tty", Some('t'), "Give the container a terminal"),
        list("attach", Some('a'), "STREAM", "Connect to stdin, stdout or stderr only"),
        list("env", Some('e'), "NAME=VALUE", "Set a variable; NAME alone takes its value from here"),
        list("env-file", None, "FILE", "Read variables from a file"),
        value("workdir", Some('w'), "DIR", "Working directory inside"),
        value("user", Some('u'), "USER[:GROUP]", "User inside, by name or number"),
        value("entrypoint", None, "COMMAND", "Run this instead of the image's entrypoint"),
        switch("init", None, "Our reaper as pid 1 (default: unless the image brings an init)"),
        value("stop-signal", None, "SIGNAL", "Signal that asks the container to end"),
        value("stop-timeout", None, "SECONDS", "Time it has before it is killed"),
        list("ulimit", None, "NAME=SOFT[:HARD]", "Limit of each process"),
        Arg::new("help").long("help").action(ArgAction::Help).help("Print this help"),
    ]
}

fn sight() -> [Arg; 10] {
    [
        value("hostname", Some('h'), "NAME", "Host name inside"),
        value("network", None, "none|host", "Network: loopback only, or the host's").alias("net"),
        value("pid", None, "host", "See the host's processes"),
        value("ipc", None, "host", "Use the host's shared memory"),
        value("uts", None, "host", "Use the host's name"),
        list("volume", Some('v'), "SOURCE:TARGET[:ro]", "Show a directory of the host"),
        list("mount", None, "type=bind|tmpfs,…", "Mount, in words"),
        list("tmpfs", None, "TARGET[:OPTIONS]", "An empty file system in memory"),
        switch("read-only", None, "The root file system cannot be written"),
        list("device", None, "SOURCE[:TARGET][:rwm]", "Show a device of the host"),
    ]
}

fn rights() -> [Arg; 4] {
    [
        switch("privileged", None, "All rights; hardly a container any more"),
        list("cap-add", None, "CAPABILITY", "Add a capability"),
        list("cap-drop", None, "CAPABILITY", "Take a capability away"),
        list("security-opt", None, "OPTION", "seccomp=FILE|unconfined, no-new-privileges"),
    ]
}

fn limit() -> [Arg; 5] {
    [
        value("memory", Some('m'), "BYTES", "Memory limit, for example 512m"),
        value("memory-swap", None, "BYTES", "Memory and swap together; -1: unlimited"),
        value("cpus", None, "NUMBER", "Processors, for example 1.5"),
        value("cpu-shares", Some('c'), "NUMBER", "Weight among containers (1024 is everybody's)"),
        value("pids-limit", None, "NUMBER", "Processes at most; -1: unlimited"),
    ]
}

fn naming() -> [Arg; 6] {
    [
        value("name", None, "NAME", "Name of the container"),
        list("label", Some('l'), "KEY=VALUE", "Label of the container"),
        list("label-file", None, "FILE", "Read labels from a file"),
        switch("rm", None, "Remove the container when it ends"),
        value("pull", None, "missing|never", "Whether a missing image may be fetched"),
        switch("quiet", Some('q'), "Say nothing about fetching"),
    ]
}

/// `--init`, `--init=false`: a value only behind `=`, so that `--rm alpine` is not read as one.
fn switch(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg =
        Arg::new(name).long(name).help(help).num_args(0..=1).require_equals(true).default_missing_value("true").hide_possible_values(true);
    // The value is only for scripts; in the help it would be noise.
    let arg = arg.value_name("BOOL");
    if let Some(short) = short { arg.short(short) } else { arg }
}

fn value(name: &'static str, short: Option<char>, value_name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name(value_name).help(help).allow_hyphen_values(true);
    if let Some(short) = short { arg.short(short) } else { arg }
}

fn list(name: &'static str, short: Option<char>, value_name: &'static str, help: &'static str) -> Arg {
    value(name, short, value_name, help).action(ArgAction::Append)
}

/// The words of one command line, asked for by flag.
struct Flags<'a>(&'a ArgMatches);

impl<'a> Flags<'a> {
    /// A flag that this command does not have was not given.
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.try_get_one::<String>(name).ok().flatten().map(String::as_str)
    }
    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.try_get_many::<String>(name).ok().flatten().into_iter().flatten().map(String::as_str)
    }
    fn switch(&self, name: &str) -> Result<Option<bool>> {
        self.parse(name, mounts::parse_bool)
    }
    fn on(&self, name: &str) -> Result<bool> {
        Ok(self.switch(name)?.unwrap_or(false))
    }
    /// The value of a flag, with the flag named in the error.
    fn parse<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
        self.text(name).map(|text| parse(text).map_err(|e| blame(name, text, e))).transpose()
    }
    fn parse_all<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
        self.all(name).map(|text| parse(text).map_err(|e| blame(name, text, e))).collect()
    }
}

/// Flag and value first, then what is wrong with it.
fn blame(flag: &str, value: &str, error: Error) -> Error {
    match error.kind() {
        Kind::Usage => error.context(format!("invalid value {value:?} for --{flag}")),
        _ => error.context(format!("cannot keep --{flag} {value}")),
    }
}

pub fn parse(matches: &ArgMatches) -> Result<Parsed> {
    let flags = Flags(matches);
    let mut words = flags.all("words").map(str::to_owned);
    let image =
        words.next().filter(|image| !image.is_empty()).ok_or_else(|| Error::usage("no image is named").hint("tare run IMAGE [COMMAND]"))?;
    let command: Vec<String> = words.collect();
    let wishes = wishes(&flags, command)?;
    let detach = flags.on("detach")?;
    if detach && flags.all("attach").next().is_some() {
        return Err(Error::usage("--attach and --detach contradict each other"));
    }
    Ok(Parsed {
        image,
        name: flags.parse("name", |name| names::check(name).map(|()| name.to_owned()))?,
        detach,
        attach: attach(&flags, detach, wishes.interactive)?,
        sig_proxy: flags.switch("sig-proxy")?.unwrap_or(true),
        detach_keys: flags.parse("detach-keys", detach_keys::parse)?.unwrap_or_else(|| detach_keys::DEFAULT.to_vec()),
        never_pull: flags.parse("pull", pull)?.unwrap_or(false),
        wishes,
    })
}

fn wishes(flags: &Flags, command: Vec<String>) -> Result<Wishes> {
    let mut wishes = Wishes {
        entrypoint: flags.text("entrypoint").map(|text| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] }),
        command,
        env: env(flags)?,
        user: flags.parse("user", |user| users::parse(user).map(|_| user.to_owned()))?.filter(|user| !user.is_empty()),
        workdir: flags.parse("workdir", workdir)?,
        stop_signal: flags.parse("stop-signal", |signal| signals::parse(signal).map(|_| signal.to_owned()))?,
        stop_timeout: flags.parse("stop-timeout", stop_timeout)?,
        init: flags.switch("init")?,
        interactive: flags.on("interactive")?,
        terminal: flags.on("tty")?,
        hostname: flags.parse("hostname", hostname)?,
        network: flags.parse("network", namespaces::parse_network)?.unwrap_or_default(),
        host_pid: flags.parse("pid", namespaces::parse_shared)?.unwrap_or(false),
        host_ipc: flags.parse("ipc", namespaces::parse_ipc)?.unwrap_or(false),
        host_uts: flags.parse("uts", namespaces::parse_shared)?.unwrap_or(false),
        mounts: mounts_of(flags)?,
        read_only: flags.on("read-only")?,
        devices: flags.parse_all("device", devices::parse)?,
        privileged: flags.on("privileged")?,
        cap_add: flags.parse_all("cap-add", capability)?,
        cap_drop: flags.parse_all("cap-drop", capability)?,
        limits: limits_of(flags)?,
        labels: labels_of(flags)?,
        remove: flags.on("rm")?,
        ..Wishes::default()
    };
    for ulimit in flags.parse_all("ulimit", ulimits::parse)? {
        ulimits::add(&mut wishes.ulimits, ulimit);
    }
    security_options(flags, &mut wishes)?;
    if wishes.host_uts && wishes.hostname.is_some() {
        return Err(
            Error::usage("--hostname and --uts host contradict each other").hint("without --uts host the container has a name of its own")
        );
    }
    Ok(wishes)
}

fn env(flags: &Flags) -> Result<Vec<String>> {
    let own = |name: &str| std::env::var(name).ok();
    let mut env = Vec::new();
    for file in flags.all("env-file") {
        let text = read_file("env-file", file, env_file::LONGEST_FILE)?;
        env.extend(env_file::parse_file(&text, own).map_err(|e| blame("env-file", file, e))?);
    }
    env.extend(flags.parse_all("env", |text| env_file::parse(text, own))?);
    Ok(env)
}

fn labels_of(flags: &Flags) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for file in flags.all("label-file") {
        let text = read_file("label-file", file, env_file::LONGEST_FILE)?;
        for label in labels::parse_file(&text).map_err(|e| blame("label-file", file, e))? {
            labels::add(&mut all, label);
        }
    }
    for label in flags.parse_all("label", labels::parse)? {
        labels::add(&mut all, label);
    }
    Ok(all)
}

fn mounts_of(flags: &Flags) -> Result<Vec<crate::options::Mount>> {
    if ["volume", "mount", "tmpfs"].iter().all(|name| flags.all(name).next().is_none()) {
        return Ok(Vec::new());
    }
    let here: PathBuf = std::env::current_dir().context("cannot find the current directory")?;
    let mut all = Vec::new();
    for volume in flags.parse_all("volume", |text| mounts::parse_volume(text, &here))? {
        if volume.relabel && std::path::Path::new("/sys/fs/selinux/enforce").exists() {
            return Err(Error::cannot_keep("cannot keep --volume with z or Z: relabelling for SELinux is not built yet"));
        }
        all.push(volume.mount);
    }
    all.extend(flags.parse_all("mount", |text| mounts::parse_mount(text, &here))?);
    all.extend(flags.parse_all("tmpfs", mounts::parse_tmpfs)?);
    mounts::check_targets(&all)?;
    Ok(all)
}

fn limits_of(flags: &Flags) -> Result<crate::options::Limits> {
    let limits = crate::options::Limits {
        memory: flags.parse("memory", limits::parse_memory)?.flatten(),
        memory_swap: flags.parse("memory-swap", limits::parse_memory_swap)?.flatten(),
        nano_cpus: flags.parse("cpus", limits::parse_cpus)?,
        cpu_shares: flags.parse("cpu-shares", limits::parse_cpu_shares)?.flatten(),
        pids: flags.parse("pids-limit", limits::parse_pids)?,
    };
    limits::check(&limits)?;
    Ok(limits)
}

fn security_options(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    use security::SecurityOption::*;
    for option in flags.parse_all("security-opt", security::parse)? {
        match option {
            NoNewPrivileges(on) => wishes.no_new_privileges = on,
            SeccompDefault => wishes.seccomp = Seccomp::Default,
            SeccompUnconfined => wishes.seccomp = Seccomp::Unconfined,
            SeccompFile(file) => wishes.seccomp = Seccomp::Profile(read_file("security-opt seccomp", &file, LONGEST_PROFILE)?),
            NothingToDo => {}
        }
    }
    Ok(())
}

fn attach(flags: &Flags, detach: bool, interactive: bool) -> Result<Attach> {
    let mut attach = Attach::default();
    let mut any = false;
    for stream in flags.all("attach") {
        any = true;
        match stream.to_ascii_lowercase().as_str() {
            "stdin" => attach.stdin = true,
            "stdout" => attach.stdout = true,
            "stderr" => attach.stderr = true,
            _ => return Err(blame("attach", stream, Error::usage("no such stream").hint("one of stdin, stdout, stderr"))),
        }
    }
    Ok(if any || detach { attach } else { Attach { stdin: interactive, stdout: true, stderr: true } })
}

fn workdir(text: &str) -> Result<String> {
    if !text.starts_with('/') || text.contains('\0') {
        return Err(Error::usage("not an absolute path").hint("the directory is one inside the container, beginning with /"));
    }
    Ok(text.to_owned())
}

/// A host name goes to the kernel and into /etc/hosts, so it is one word of few letters (hostname(7); HOST_NAME_MAX is 64).
fn hostname(text: &str) -> Result<String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if text.is_empty() || text.len() > 64 || !letters || text.starts_with(['-', '.']) {
        return Err(Error::usage("not a host name").hint("at most 64 letters, digits, dots and dashes"));
    }
    Ok(text.to_owned())
}

/// -1 waits for ever, which 136 years come close to.
fn stop_timeout(text: &str) -> Result<u32> {
    match text {
        "-1" => Ok(u32::MAX),
        _ => text.parse().map_err(|_| Error::usage("not a number of seconds").hint("-1 means to wait for ever")),
    }
}

fn pull(text: &str) -> Result<bool> {
    match text {
        "missing" => Ok(false),
        "never" => Ok(true),
        "always" => {
            Err(Error::cannot_keep("fetching images from a registry is not built yet").hint("bring it with tare load or tare import"))
        }
        _ => Err(Error::usage("unknown word").hint("missing or never")),
    }
}

fn capability(text: &str) -> Result<String> {
    match text.to_ascii_uppercase().as_str() {
        "ALL" | "CAP_ALL" => {}
        _ => drop(capabilities::parse(text)?),
    }
    Ok(text.to_owned())
}

/// A whole text file, with a bound: `/dev/zero` is a file name too.
fn read_file(flag: &str, path: &str, longest: u64) -> Result<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().with_context(|| format!("cannot read {path:?} for --{flag}"))?;
    if bytes.len() as u64 > longest {
        return Err(Error::usage(format!("{path:?} for --{flag} is longer than {longest} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("{path:?} for --{flag} is not text in UTF-8")))
}

#[cfg(test)]
mod tests;
