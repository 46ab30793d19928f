//! Variables that the caller adds to those of config.json.

use crate::sys::process;
use oci_spec::runtime::Process;

/// A program finds the first of two variables with one name, so the old one goes.
pub fn set(process: &mut Process, variables: &[String]) {
    let name = |variable: &str| variable.split('=').next().unwrap_or_default().to_owned();
    let mut env = process.env().clone().unwrap_or_default();
    env.retain(|old| !variables.iter().any(|new| name(new) == name(old)));
    env.extend_from_slice(variables);
    process.set_env(Some(env));
}

/// The sockets that a service manager has opened for us (sd_listen_fds(3)). They are ours only where our pid stands beside them.
pub fn listening() -> u16 {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<i32>().ok());
    match (number("LISTEN_PID"), number("LISTEN_FDS")) {
        (Some(pid), Some(count)) if pid == process::own_pid() => u16::try_from(count).unwrap_or(0),
        _ => 0,
    }
}

/// The same words for the container's first process, which is number 1 there.
pub fn of_sockets() -> Vec<String> {
    if listening() == 0 {
        return Vec::new();
    }
    let names = std::env::var("LISTEN_FDNAMES").ok().map(|names| format!("LISTEN_FDNAMES={names}"));
    ["LISTEN_PID=1".to_owned(), format!("LISTEN_FDS={}", listening())].into_iter().chain(names).collect()
}
