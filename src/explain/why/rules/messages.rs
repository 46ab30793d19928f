//! Other words of the kernel's (errno(3)) in its output, and what is usually behind them in a container.

use super::super::{Evidence, Finding};
use crate::options::Network;

struct Case {
    words: &'static [&'static str],
    what: fn(&Evidence) -> String,
    tries: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        words: &["no space left on device"],
        what: |_| "the disk below it is full, or the file system in memory that it writes to (a tmpfs, /dev/shm) has met its size".into(),
        tries: &["tare system df, and df -h on the host", "a larger one: --tmpfs DIR:size=256m, --shm-size 256m"],
    },
    Case {
        words: &["resource temporarily unavailable", "can't fork", "cannot fork", "fork: retry"],
        what: |evidence| match evidence.wishes.limits.pids {
            Some(most) if most > 0 => format!("it could make no more processes: its limit is {most} (--pids-limit)"),
            _ => "the kernel could give it no more processes, threads or memory at that moment".into(),
        },
        tries: &["a higher limit: tare update --pids-limit 500 NAME, or fewer workers"],
    },
    Case {
        words: &["cannot allocate memory", "out of memory", "memoryerror", "oomkilled"],
        what: |_| "it asked for memory that it did not get".into(),
        tries: &["a higher limit: tare update --memory 512m NAME", "less at once, if the program can be told so"],
    },
    Case {
        words: &["too many open files"],
        what: |_| "it has as many files open as one process may".into(),
        tries: &["tare run --ulimit nofile=65536 …"],
    },
    Case {
        words: &["address already in use", "address in use"],
        what: |evidence| match evidence.wishes.network {
            Network::Host => "somebody on the host listens on that port already, and this container has the host's network".into(),
            Network::Container(_) => "somebody listens on that port already in the network that it shares with another container".into(),
            _ => "two programs in this container want the same port".into(),
        },
        tries: &["another port, or end the one that has it: ss -ltnp"],
    },
    Case {
        words: &["network is unreachable", "no route to host"],
        what: |evidence| match evidence.wishes.network {
            Network::None => "it has no network: it was made with --network none".into(),
            _ => "there is no way to where it wanted to go".into(),
        },
        tries: &["tare network connect bridge NAME, or tare run without --network none"],
    },
    Case {
        words: &[
            "bad address",
            "temporary failure in name resolution",
            "could not resolve",
            "name or service not known",
            "name does not resolve",
            "no such host",
        ],
        what: |evidence| match evidence.wishes.network {
            Network::None => "names cannot be found without a network (--network none)".into(),
            _ => "a name was not found: containers know each other by name only in a network that was made for them".into(),
        },
        tries: &[
            "tare network create shop, then --network shop for both",
            "the resolver that it asks: tare exec NAME cat /etc/resolv.conf",
        ],
    },
    Case {
        words: &["connection refused"],
        what: |_| "nobody listens where it wanted to connect; localhost in a container is the container itself".into(),
        tries: &[
            "the other's name instead of localhost, in a network of both",
            "a server must listen on 0.0.0.0 and not on 127.0.0.1 to be reached from outside",
        ],
    },
    Case {
        words: &["not a tty", "inappropriate ioctl for device", "input device is not a tty"],
        what: |_| "it wanted a terminal, and has none".into(),
        tries: &["tare run -it …"],
    },
    Case {
        words: &["exec format error"],
        what: |_| "it tried to execute a program for another machine, or a script without #!".into(),
        tries: &["file PROGRAM tells for which machine it is"],
    },
];

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    if evidence.went_well() {
        return Vec::new();
    }
    let found = CASES.iter().find_map(|case| Some((case, evidence.line_with(case.words)?)));
    let Some((case, line)) = found else { return Vec::new() };
    let finding = Finding::guess((case.what)(evidence)).shown(format!("it wrote: {}", line.trim()));
    vec![case.tries.iter().fold(finding, |finding, attempt| finding.attempt(attempt.replace("NAME", &evidence.name)))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::wrote;

    #[test]
    fn words_of_the_kernel_mean_something_in_a_container() {
        let mut evidence = wrote(1, &["wget: bad address 'db'"]);
        assert!(judge(&evidence)[0].what.contains("--network none"));
        evidence.wishes.network = Network::Networks(Vec::new());
        assert!(judge(&evidence)[0].tries[0].contains("tare network create"));
        let mut evidence = wrote(2, &["sh: can't fork: Resource temporarily unavailable"]);
        evidence.wishes.limits.pids = Some(20);
        assert!(judge(&evidence)[0].what.contains("its limit is 20"));
        assert!(judge(&evidence)[0].tries[0].ends_with("--pids-limit 500 web, or fewer workers"));
        assert!(judge(&wrote(0, &["connection refused, retrying", "ok"])).is_empty());
    }
}
