//! Process 1.

use super::{Example, Page};
use crate::explain::live::status;
use crate::sys::process;
use crate::trace::Step;

const WORDS: &str = "
The first process of a pid namespace has number 1 in there, and two burdens
that no other process has.

It inherits every orphan. A process that has ended stays in the table as a
zombie until its parent asks how it ended; when the parent is gone, pid 1 is
asked to. A program that does not know this collects zombies until no process
can be made any more.

It gets no default action for signals. SIGTERM ends any other program that
does not care for it; pid 1 that has no handler does not even notice. So
\"stop\" waits ten seconds and kills, and ctrl-c seems dead.

When pid 1 ends, the kernel kills everybody else in the namespace. That is why
a container lives as long as its command, and no longer.

tare puts a reaper of one memory page there (\"tare-init\"): it passes signals
on, collects orphans, and ends as the command has ended. An image with an init
of its own gets none, and --init=false switches it off.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::BecomeReaper),
        further: "man 7 pid_namespaces; tare top NAME; tare tree NAME",
    }
}

fn live(example: &Example) -> Vec<String> {
    if example.is_at_rest() {
        return example.at_rest();
    }
    let line = |pid: i32| {
        let look = process::look(pid)?;
        let pids = status::of(pid)?.pids.iter().map(i32::to_string).collect::<Vec<_>>().join(" → ");
        Some(format!("{pids:<18} {}", look.command.chars().take(50).collect::<String>()))
    };
    let mut lines = vec![format!("{:<18} {}", "pid here → inside", "command")];
    let both = if example.first == example.command { vec![example.first] } else { vec![example.first, example.command] };
    lines.extend(both.into_iter().filter_map(line));
    if example.seen.is_none() {
        lines.extend(line(1).map(|line| format!("{line}   (pid 1 of this machine)")));
    } else if example.seen.as_ref().is_some_and(|seen| !seen.record.reaper) {
        lines.push("no reaper: the command itself is pid 1".to_owned());
    }
    lines
}
