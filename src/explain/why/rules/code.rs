//! What an exit code means, where the command chose it itself.

use super::super::{Evidence, Finding};
use super::typed;
use crate::sys::signal;

const SECOND: u64 = 1_000_000_000;
/// A service that is gone so soon has gone into the background, or had nothing to do.
const SOON: u64 = 3 * SECOND;
const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "fish"];

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let Some(ended) = evidence.ran().filter(|ended| !evidence.is_running() && ended.signal.is_none() && ended.error.is_empty()) else {
        return Vec::new();
    };
    let finding = match ended.exit_code {
        // Asked for, it is told by another rule.
        0 if ended.asked.is_some() => return Vec::new(),
        0 => well(evidence, ended.finished.saturating_sub(ended.started)),
        1 => own(1, "a failure, without saying which; most programs use it for everything"),
        2 => own(2, "a failure; shells and many tools use 2 for words that they do not understand: look at its arguments")
            .shown(format!("command  {}", typed(&evidence.args))),
        125 => own(125, "what env, timeout and container engines use when they themselves fail, here one inside the container"),
        126 => own(126, "what a shell says of a command that it found and could not execute: no permission, or no program"),
        127 => own(127, "what a shell says of a command that it did not find")
            .attempt(format!("tare run --rm -it --entrypoint sh {} and look whether it is there", evidence.image)),
        255 => own(255, "-1, or anything out of range: ssh and many programs use it for any failure"),
        code @ 129..=192 => {
            let number = code - 128;
            let name = signal::name(number);
            own(code, &format!("128 + {number}: a shell, or another program in it, reports so that its own child died of {name}"))
        }
        code => own(code, "a failure; what this number means is told by the program's manual alone"),
    };
    vec![match evidence.last_line().filter(|_| ended.exit_code != 0) {
        Some(_) => finding,
        None if ended.exit_code == 0 => finding,
        None => finding.attempt(format!("run it by hand and look: tare run --rm -it --entrypoint sh {}", evidence.image)),
    }]
}

fn own(code: i32, meaning: &str) -> Finding {
    Finding::known(format!("its command ended by itself and chose exit code {code}: {meaning}"))
}

fn well(evidence: &Evidence, lived: u64) -> Finding {
    let done = Finding::known(
        "its command ended by itself and reported success (exit code 0): a container lives as long as its command, and no longer",
    );
    let program = evidence.args.first().map_or("", |program| program.rsplit('/').next().unwrap_or(program));
    let is_bare_shell = SHELLS.contains(&program) && evidence.args.iter().skip(1).all(|word| word.starts_with('-') && word != "-c");
    let image = &evidence.image;
    match () {
        () if is_bare_shell && !evidence.wishes.interactive => done
            .shown(format!(
                "its command is {}, a shell; nobody could type anything, so it had reached the end of its input at once",
                typed(&evidence.args)
            ))
            .attempt(format!("tare run -it {image}, to sit before it"))
            .attempt(format!("tare run -d {image} sleep infinity, then tare exec -it NAME {program}, to keep it")),
        () if lived < SOON && !SHELLS.contains(&program) && evidence.output.as_ref().is_some_and(Vec::is_empty) => done
            .shown(format!("command  {}", typed(&evidence.args)))
            .shown("it ended within moments; a service that goes into the background ends its container with it")
            .attempt("if it is a service, tell it to stay in front (nginx -g 'daemon off;', httpd -f, sshd -D)"),
        () => done.shown(format!("command  {}", typed(&evidence.args))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::{ended, wrote};

    fn what(code: i32) -> String {
        judge(&ended(code))[0].what.clone()
    }

    #[test]
    fn known_codes_have_a_meaning() {
        for (code, words) in [
            (0, "success"),
            (1, "a failure"),
            (2, "arguments"),
            (126, "could not execute"),
            (127, "did not find"),
            (137, "SIGKILL"),
            (139, "SIGSEGV"),
            (143, "SIGTERM"),
            (77, "manual"),
        ] {
            assert!(what(code).contains(words), "{code}: {}", what(code));
        }
    }

    #[test]
    fn a_shell_that_nobody_sits_before_ends_at_once() {
        let mut evidence = ended(0);
        evidence.args = vec!["/bin/sh".into()];
        assert!(judge(&evidence)[0].tries[0].starts_with("tare run -it box"));
        evidence.args = vec!["sh".into(), "-c".into(), "true".into()];
        assert!(judge(&evidence)[0].tries.is_empty());
    }

    #[test]
    fn a_service_that_goes_into_the_background_is_suspected() {
        let mut evidence = ended(0);
        evidence.ended.as_mut().unwrap().finished = 11 * SECOND;
        assert!(judge(&evidence)[0].evidence[1].contains("background"));
        evidence.output = Some(vec!["done".into()]);
        assert!(judge(&evidence)[0].tries.is_empty());
    }

    #[test]
    fn what_a_signal_ended_has_no_code_of_its_own() {
        let mut evidence = wrote(137, &[]);
        evidence.ended.as_mut().unwrap().signal = Some(9);
        assert!(judge(&evidence).is_empty());
    }
}
