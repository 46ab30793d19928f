//! A signal ended it: which one, what it means, and who sent it as far as anybody knows.

use super::super::{Evidence, Finding};
use crate::record::{Asked, Asker, Ended};
use crate::sys::signal;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let Some(ended) = evidence.ran().filter(|_| !evidence.is_running()) else { return Vec::new() };
    if !ended.error.is_empty() {
        return Vec::new();
    }
    match ended.signal {
        Some(number) if ended.out_of_memory && signal::name(number) == "SIGKILL" => Vec::new(),
        Some(number) => vec![by_signal(evidence, ended, number)],
        None => asked_to_end(ended, &evidence.name).into_iter().collect(),
    }
}

fn by_signal(evidence: &Evidence, ended: &Ended, number: i32) -> Finding {
    let name = signal::name(number);
    let shown = |finding: Finding| finding.shown(format!("exit code {} is 128 + {number}, and {number} is {name}", ended.exit_code));
    if let Some(asked) = ended.asked.as_ref().filter(|asked| asked.signal == number) {
        return shown(sent_by_us(asked, &name, evidence));
    }
    shown(match name.as_str() {
        "SIGSEGV" => crash(
            evidence,
            "it used memory that is not its own (a segmentation fault): a bug in the program, or a library that does not fit",
        ),
        "SIGBUS" => crash(evidence, "it touched memory that could not be filled: a mapped file became shorter, or /dev/shm is full")
            .attempt("a larger /dev/shm: tare run --shm-size 256m …"),
        "SIGILL" => {
            crash(evidence, "it used an instruction that this processor does not have: it was built for a newer one, or jumped astray")
        }
        "SIGFPE" => crash(evidence, "it divided by zero, or the like"),
        "SIGABRT" => crash(
            evidence,
            "it gave up by itself (abort): a check in it, or in its C library, failed; it usually says so in its last lines",
        ),
        "SIGSYS" => Finding::likely("it made a system call that its seccomp filter kills for")
            .attempt("strace -f tells which call; tare run --security-opt seccomp=unconfined … without the filter, to be sure"),
        "SIGXCPU" => {
            Finding::likely("it used up the processor time that it was given").attempt("a longer one: tare run --ulimit cpu=SECONDS …")
        }
        "SIGXFSZ" => Finding::likely("it wrote a file longer than it may").attempt("a larger one: tare run --ulimit fsize=BYTES …"),
        "SIGPIPE" => Finding::likely("it wrote to a pipe that nobody reads any more"),
        "SIGKILL" if ended.from_outside => {
            Finding::known("somebody on the host, not in the container, has killed it, and it was no tare command")
                .shown("its first process died of SIGKILL; in a pid namespace of its own nobody inside can send it that: pid_namespaces(7)")
                .attempt("look who it may have been: the host's journal, a supervisor, dmesg | grep -i 'killed process'")
        }
        "SIGKILL" => Finding::known("it was killed by SIGKILL, and not by a tare command")
            .shown("a process in the container, one on the host, or the kernel can have sent it")
            .attempt("dmesg | grep -i 'killed process' tells whether the machine ran out of memory"),
        "SIGTERM" | "SIGINT" | "SIGQUIT" | "SIGHUP" => {
            Finding::known(format!("somebody asked it to end with {name}, and no tare command did"))
                .shown("a process in the container, one on the host, or who sat before its terminal")
        }
        _ => Finding::known(format!("it died of {name}, which no tare command has sent")),
    })
}

fn crash(evidence: &Evidence, what: &str) -> Finding {
    // `kill -SEGV` looks the same from here.
    Finding::likely(format!("it crashed: {what}")).attempt(format!(
        "run it by hand and look: tare run -it --cap-add SYS_PTRACE --entrypoint sh {}, then gdb or strace",
        evidence.image
    ))
}

fn sent_by_us(asked: &Asked, name: &str, evidence: &Evidence) -> Finding {
    match asked.by {
        Asker::Kill => Finding::known(format!("tare kill has sent it {name}, and it died of that")),
        Asker::Stop => Finding::known(format!("tare stop asked it to end with {name}, and it did")),
        Asker::Patience if !evidence.reaper && evidence.wishes.init == Some(false) => {
            Finding::known("it did not end when tare stop asked it to, and was killed when the time was over")
                .shown("it was made with --init=false: its command is pid 1, which a signal without a handler does not end")
                .attempt("leave out --init=false, so that tare's reaper is pid 1; more time would only help a program that has a handler")
        }
        Asker::Patience => Finding::known("it did not end when tare stop asked it to, and was killed when the time was over")
            .shown("a program that is pid 1, or a shell that waits for a child, often does not hear SIGTERM at all")
            .attempt(format!("let it have more time: tare stop -t 60 {}", evidence.name))
            .attempt("in a shell script, end with `exec PROGRAM`: then the signal reaches the program itself"),
        Asker::Shutdown => Finding::known("it was stopped because the machine went down (tare system stop)"),
    }
}

/// The command heard the signal and chose its own code.
fn asked_to_end(ended: &Ended, container: &str) -> Option<Finding> {
    let asked = ended.asked.as_ref()?;
    let name = signal::name(asked.signal);
    let by = match asked.by {
        Asker::Kill => format!("tare kill has sent it {name}"),
        Asker::Stop | Asker::Patience => format!("tare stop asked {container} to end with {name}"),
        Asker::Shutdown => "the machine went down (tare system stop)".to_owned(),
    };
    Some(
        Finding::known(format!("{by}, and it put its things in order and ended by itself")).shown(format!("exit code {}", ended.exit_code)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::ended;

    fn killed(number: i32, change: impl Fn(&mut Ended)) -> Finding {
        let mut evidence = ended(128 + number);
        let record = evidence.ended.as_mut().unwrap();
        record.signal = Some(number);
        change(record);
        judge(&evidence).remove(0)
    }

    #[test]
    fn who_sent_it_is_told_where_it_is_known() {
        let by = |by| killed(15, |ended| ended.asked = Some(Asked { signal: 15, by })).what;
        assert!(by(Asker::Stop).contains("tare stop asked"), "{}", by(Asker::Stop));
        assert!(by(Asker::Kill).contains("tare kill"));
        assert!(killed(9, |ended| ended.asked = Some(Asked { signal: 9, by: Asker::Patience })).what.contains("time was over"));
        assert!(killed(9, |ended| ended.from_outside = true).what.contains("on the host"));
        assert!(killed(9, |_| {}).evidence[0].contains("container, one on the host, or the kernel"));
        assert!(killed(15, |_| {}).what.contains("no tare command did"));
    }

    #[test]
    fn crashes_are_told_in_words_and_the_sum_is_shown() {
        let crash = killed(11, |_| {});
        assert!(crash.what.contains("segmentation fault") && crash.certainty == crate::explain::why::Certainty::Likely);
        assert_eq!(crash.evidence, ["exit code 139 is 128 + 11, and 11 is SIGSEGV"]);
        assert!(killed(31, |_| {}).what.contains("seccomp"));
    }

    #[test]
    fn a_death_for_want_of_memory_is_told_by_another_rule() {
        let mut evidence = ended(137);
        let record = evidence.ended.as_mut().unwrap();
        (record.signal, record.out_of_memory) = (Some(9), true);
        assert!(judge(&evidence).is_empty());
        assert!(judge(&ended(1)).is_empty());
    }

    #[test]
    fn a_command_that_heard_the_signal_ended_by_itself() {
        let mut evidence = ended(0);
        evidence.ended.as_mut().unwrap().asked = Some(Asked { signal: 15, by: Asker::Stop });
        assert!(judge(&evidence)[0].what.contains("ended by itself"));
    }
}
