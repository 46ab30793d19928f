//! What to say when the words typed are not ours: flags that Docker has and we have not yet, and commands that were perhaps meant.

use crate::error::Error;
use crate::names;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Docker's flags of `run` and `create` that come later; each is refused by its name, so that nobody looks for a typing error.
const NOT_BUILT: &[&str] = &[
    "--add-host",
    "--annotation",
    "--blkio-weight",
    "--blkio-weight-device",
    "--cgroup-parent",
    "--cgroupns",
    "--cidfile",
    "--cpu-count",
    "--cpu-percent",
    "--cpu-period",
    "--cpu-quota",
    "--cpu-rt-period",
    "--cpu-rt-runtime",
    "--cpuset-cpus",
    "--cpuset-mems",
    "--device-cgroup-rule",
    "--device-read-bps",
    "--device-read-iops",
    "--device-write-bps",
    "--device-write-iops",
    "--disable-content-trust",
    "--dns",
    "--dns-option",
    "--dns-opt",
    "--dns-search",
    "--domainname",
    "--expose",
    "--gpus",
    "--group-add",
    "--health-cmd",
    "--health-interval",
    "--health-retries",
    "--health-start-interval",
    "--health-start-period",
    "--health-timeout",
    "--ip",
    "--ip6",
    "--isolation",
    "--kernel-memory",
    "--link",
    "--link-local-ip",
    "--log-driver",
    "--log-opt",
    "--mac-address",
    "--memory-reservation",
    "--memory-swappiness",
    "--net-alias",
    "--network-alias",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--oom-score-adj",
    "--platform",
    "--publish",
    "-p",
    "--publish-all",
    "-P",
    "--restart",
    "--runtime",
    "--shm-size",
    "--storage-opt",
    "--sysctl",
    "--use-api-socket",
    "--userns",
    "--volume-driver",
];

/// clap's refusal in our own words: one line, and a hint where something is near. `None`: it is no refusal, but help or version.
pub fn refusal(error: &clap::Error, commands: &[&str]) -> Option<Error> {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        Some(ContextValue::Strings(words)) => words.first().map(String::as_str),
        _ => None,
    };
    Some(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::InvalidSubcommand => {
            let typed = word(ContextKind::InvalidSubcommand).unwrap_or_default();
            Error::usage(format!("unknown command {typed}")).hint(command(typed, commands))
        }
        ErrorKind::UnknownArgument => {
            let flag = word(ContextKind::InvalidArg).unwrap_or_default();
            let flag = flag.split_once('=').map_or(flag, |(flag, _)| flag);
            match word(ContextKind::SuggestedArg) {
                _ if NOT_BUILT.contains(&flag) => Error::cannot_keep(format!("{flag} is not built yet")).hint(instead_of(flag)),
                Some(near) => Error::usage(format!("unknown flag {flag}")).hint(format!("did you mean {near}?")),
                None => Error::usage(format!("unknown flag {flag}")).hint("--help lists the flags of a command"),
            }
        }
        _ => {
            let whole = error.to_string();
            let first = whole.split("\n\n").next().unwrap_or_default();
            let text: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
            Error::usage(text.join(" ")).hint("--help shows how it is used")
        }
    })
}

fn instead_of(flag: &str) -> &'static str {
    match flag {
        "-p" | "-P" | "--publish" | "--publish-all" | "--expose" => {
            "use --network host: the container then listens on this machine's ports"
        }
        "--cpu-period" | "--cpu-quota" => "use --cpus",
        "--shm-size" => "use --tmpfs /dev/shm:size=SIZE,mode=1777",
        "--add-host" => "bind a hosts file of your own: -v ./hosts:/etc/hosts:ro",
        "--dns" | "--dns-search" | "--dns-opt" | "--dns-option" => "bind a file of your own: -v ./resolv.conf:/etc/resolv.conf:ro",
        "--cidfile" => "use tare run -d, which prints the id",
        _ => "leave it out",
    }
}

/// The hint for a command that does not exist.
pub fn command(typed: &str, commands: &[&str]) -> String {
    names::did_you_mean(typed, commands.iter().copied()).unwrap_or_else(|| "tare help lists the commands".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_command_is_recognised() {
        assert_eq!(command("rnu", &["run", "ps", "logs"]), "did you mean run?");
        assert_eq!(command("frobnicate", &["run", "ps"]), "tare help lists the commands");
    }
}
