//! Why a container ended, in a few words: what its exit code alone does not tell.

use crate::record::{Asked, Asker, Ended};
use crate::sys::signal;

impl Ended {
    pub const MONITOR_LOST: &str = "monitor lost";
    pub const MACHINE_DOWN: &str = "machine went down";
    pub const CUT_OFF: &str = "its start was cut off";

    /// Its monitor was killed, and it died with it.
    pub fn lost(started: u64) -> Ended {
        Ended { exit_code: 137, started, finished: started, error: Ended::MONITOR_LOST.to_owned(), ..Ended::default() }
    }

    /// Empty where the code says it all. `ps` shows it behind the status, `inspect` as `State.Reason`.
    pub fn reason(&self) -> String {
        if [Ended::MONITOR_LOST, Ended::MACHINE_DOWN, Ended::CUT_OFF].contains(&self.error.as_str()) {
            return self.error.clone();
        }
        if !self.error.is_empty() && self.started != 0 {
            return "could not be started again".to_owned();
        }
        if self.out_of_memory && self.exit_code != 0 {
            return "out of memory".to_owned();
        }
        match (self.signal, &self.asked) {
            (Some(signal), Some(asked)) if asked.signal == signal => asked.reason(),
            (Some(signal), _) => self.reason_of(signal),
            (None, _) => String::new(),
        }
    }

    /// Some signals are sent by the kernel alone, for one reason (signal(7)); the words name the flag that helps.
    fn reason_of(&self, signal: i32) -> String {
        let name = signal::name(signal);
        match name.as_str() {
            "SIGKILL" if self.from_outside => "killed by SIGKILL from outside".to_owned(),
            "SIGKILL" => "killed by SIGKILL, not by tare".to_owned(),
            "SIGXCPU" => "used up its processor time: --ulimit cpu".to_owned(),
            "SIGXFSZ" => "wrote too long a file: --ulimit fsize".to_owned(),
            "SIGSYS" => "forbidden system call: --security-opt seccomp".to_owned(),
            "SIGSEGV" | "SIGBUS" | "SIGILL" | "SIGFPE" | "SIGABRT" => format!("crashed: {name}"),
            _ => format!("killed by {name}"),
        }
    }
}

impl Asked {
    fn reason(&self) -> String {
        match self.by {
            Asker::Kill => format!("{} by tare kill", signal::name(self.signal)),
            Asker::Stop => "stopped".to_owned(),
            Asker::Patience => "killed: did not stop in time".to_owned(),
            Asker::Shutdown => "stopped with the machine".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn killed(signal: i32) -> Ended {
        Ended { exit_code: 128 + signal, started: 1, finished: 2, signal: Some(signal), ..Ended::default() }
    }

    fn asked(signal: i32, by: Asker) -> Option<Asked> {
        Some(Asked { signal, by })
    }

    #[test]
    fn a_code_that_the_command_chose_needs_no_words() {
        assert_eq!(Ended { exit_code: 3, ..Ended::default() }.reason(), "");
        assert_eq!(Ended { exit_code: 143, asked: asked(15, Asker::Stop), ..Ended::default() }.reason(), "");
        assert_eq!(Ended { out_of_memory: true, ..Ended::default() }.reason(), "", "a child was killed, and the command lived with it");
    }

    #[test]
    fn who_sent_the_signal_is_told_where_it_is_known() {
        assert_eq!(Ended { asked: asked(9, Asker::Kill), ..killed(9) }.reason(), "SIGKILL by tare kill");
        assert_eq!(Ended { asked: asked(15, Asker::Stop), ..killed(15) }.reason(), "stopped");
        assert_eq!(Ended { asked: asked(9, Asker::Patience), ..killed(9) }.reason(), "killed: did not stop in time");
        assert_eq!(Ended { asked: asked(1, Asker::Kill), ..killed(9) }.reason(), "killed by SIGKILL, not by tare", "it survived the first");
        assert_eq!(Ended { from_outside: true, ..killed(9) }.reason(), "killed by SIGKILL from outside");
    }

    #[test]
    fn what_the_kernel_judged_is_named() {
        assert_eq!(Ended { out_of_memory: true, ..killed(9) }.reason(), "out of memory");
        assert!(killed(24).reason().contains("--ulimit cpu"));
        assert!(killed(25).reason().contains("--ulimit fsize"));
        assert!(killed(31).reason().contains("seccomp"));
        assert_eq!((killed(11).reason(), killed(10).reason()), ("crashed: SIGSEGV".to_owned(), "killed by SIGUSR1".to_owned()));
        assert_eq!(Ended::lost(5).reason(), "monitor lost");
    }
}
