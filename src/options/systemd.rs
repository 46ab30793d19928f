//! `--systemd`: whether a container is furnished for systemd, which wants more than other programs
//! (systemd.io, "The Container Interface"). The word and its meanings are podman's.

use crate::error::{Error, Result};
use crate::options::{Pid, Wishes};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Systemd {
    /// Where the command is systemd, or an init by its usual path, and is process 1.
    #[default]
    Detected,
    Never,
    Always,
}

/// Asked with it, systemd switches its machine off in good order (systemd(1)).
pub const STOP_SIGNAL: &str = "SIGRTMIN+3";

pub fn parse(text: &str) -> Result<Systemd> {
    match text.to_ascii_lowercase().as_str() {
        "always" => Ok(Systemd::Always),
        "true" | "1" => Ok(Systemd::Detected),
        "false" | "0" => Ok(Systemd::Never),
        _ => Err(Error::usage("neither true, false nor always").hint("true: where the command is systemd or an init")),
    }
}

/// What it would have of its own elsewhere: process 1, and the view of groups in which it may write.
pub fn check(wishes: &Wishes) -> Result<()> {
    let other = match () {
        () if wishes.systemd != Systemd::Always => return Ok(()),
        () if wishes.init == Some(true) => "--init",
        () if wishes.pid != Pid::Own => "--pid",
        () if wishes.host_group_view => "--cgroupns host",
        () => return Ok(()),
    };
    Err(Error::usage(format!("--systemd always and {other} contradict each other"))
        .because("systemd must be process 1, with control groups of its own")
        .hint("leave one of them out"))
}

/// `command`: what the container executes; `reaper`: whether that is process 1 or our reaper is.
pub fn is_furnished_for(wishes: &Wishes, command: &[String], reaper: bool) -> bool {
    let possible = !reaper && wishes.pid == Pid::Own && !wishes.host_group_view;
    match wishes.systemd {
        Systemd::Never => false,
        Systemd::Always => possible,
        Systemd::Detected => possible && command.first().is_some_and(|program| is_systemd(program)),
    }
}

fn is_systemd(program: &str) -> bool {
    const PATHS: &[&str] = &["/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"];
    PATHS.contains(&program) || program.rsplit('/').next() == Some("systemd")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn furnished(systemd: Systemd, command: &str, reaper: bool) -> bool {
        is_furnished_for(&Wishes { systemd, ..Wishes::default() }, &[command.to_owned()], reaper)
    }

    #[test]
    fn systemd_is_recognised_where_it_is_process_1() {
        for program in ["/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd", "systemd"] {
            assert!(furnished(Systemd::Detected, program, false), "{program}");
            assert!(!furnished(Systemd::Detected, program, true) && !furnished(Systemd::Never, program, false), "{program}");
        }
        for program in ["sh", "/init", "init", "/usr/bin/systemd-run", "tini"] {
            assert!(!furnished(Systemd::Detected, program, false) && furnished(Systemd::Always, program, false), "{program}");
        }
    }

    #[test]
    fn what_it_cannot_be_with_is_said() {
        let wishes = |change: fn(&mut Wishes)| {
            let mut wishes = Wishes { systemd: Systemd::Always, ..Wishes::default() };
            change(&mut wishes);
            wishes
        };
        assert!(check(&wishes(|_| {})).is_ok() && check(&wishes(|wishes| wishes.init = Some(false))).is_ok());
        for wrong in [
            wishes(|wishes| wishes.init = Some(true)),
            wishes(|wishes| wishes.pid = Pid::Host),
            wishes(|wishes| wishes.host_group_view = true),
        ] {
            assert!(check(&wrong).is_err() && !is_furnished_for(&wrong, &["x".to_owned()], wrong.init == Some(true)), "{wrong:?}");
        }
        assert!(parse("maybe").is_err());
        assert_eq!((parse("TRUE").unwrap(), parse("false").unwrap()), (Systemd::Detected, Systemd::Never));
    }
}
