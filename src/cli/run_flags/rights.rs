//! What it may: capabilities, system calls, devices.

use super::words::{Flag, Flags, list, read_file, switch};
use crate::error::Result;
use crate::options::{Seccomp, Wishes, device_rules, security};
use crate::spec::capabilities;

/// No profile is longer; Docker's own has 20 kB.
const LONGEST_PROFILE: u64 = 1 << 20;

pub const FLAGS: &[Flag] = &[
    switch("privileged", None, "All rights; hardly a container any more"),
    list("cap-add", None, "CAPABILITY", "Add a capability"),
    list("cap-drop", None, "CAPABILITY", "Take a capability away"),
    list("security-opt", None, "OPTION", "seccomp=FILE|unconfined, no-new-privileges"),
    list("device-cgroup-rule", None, "RULE", "Devices it may make and open, for example 'c 10:200 rwm'"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.privileged = flags.on("privileged")?;
    wishes.cap_add = flags.parse_all("cap-add", capability)?;
    wishes.cap_drop = flags.parse_all("cap-drop", capability)?;
    wishes.device_rules = flags.parse_all("device-cgroup-rule", |rule| device_rules::parse(rule).map(|_| rule.to_owned()))?;
    security_options(flags, wishes)
}

fn capability(text: &str) -> Result<String> {
    match text.to_ascii_uppercase().as_str() {
        "ALL" | "CAP_ALL" => {}
        _ => drop(capabilities::parse(text)?),
    }
    Ok(text.to_owned())
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
