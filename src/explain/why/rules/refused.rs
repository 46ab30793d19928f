//! "Operation not permitted" in its output: which call it may have been, and which rule refuses it.
//!
//! Neither the kernel nor a seccomp filter tells anybody which call was refused, only the program that made it. So the words that it
//! wrote are compared with what people usually want in vain; what comes out is a guess.

use super::super::{Evidence, Finding};
use super::{flag_of, mount_above};
use crate::options::{Mount, Seccomp};
use crate::spec::capabilities;
use crate::spec::seccomp::default_table::{NOTABLY_REFUSED, comes_with};

const WORDS: &[&str] = &["operation not permitted", "permission denied", "eperm"];

/// Words in the line, all in small letters; the capability that the kernel asks for; calls that the filter knows.
struct Case {
    words: &'static [&'static str],
    what: &'static str,
    capability: &'static str,
    calls: &'static [&'static str],
    /// Something better than giving the capability.
    instead: &'static str,
}

const fn case(
    words: &'static [&'static str],
    what: &'static str,
    capability: &'static str,
    calls: &'static [&'static str],
    instead: &'static str,
) -> Case {
    Case { words, what, capability, calls, instead }
}

/// The special ones before the general ones.
const CASES: &[Case] = &[
    case(&["umount", "mount"], "mounting", "CAP_SYS_ADMIN", &["mount", "umount2"], "let tare mount it: -v, --mount, --tmpfs"),
    case(&["unshare", "clone", "newuidmap", "bwrap"], "making new namespaces", "CAP_SYS_ADMIN", &["unshare", "clone"], ""),
    case(&["nsenter", "setns"], "joining namespaces", "CAP_SYS_ADMIN", &["setns"], ""),
    case(
        &["rtnetlink", "ip link", "ip addr", "ip route", "iptables", "nft", "ifconfig", "tun"],
        "changing the network",
        "CAP_NET_ADMIN",
        &[],
        "it has a network of its own, so this gives no power over the host's",
    ),
    case(&["ping", "raw socket", "socket(af_packet", "tcpdump"], "sending raw packets", "CAP_NET_RAW", &[], ""),
    case(&["sethostname", "hostname"], "changing the host name", "CAP_SYS_ADMIN", &["sethostname"], "tare run --hostname NAME"),
    case(
        &["settimeofday", "clock_settime", "set date", "hwclock", "ntp"],
        "setting the clock",
        "CAP_SYS_TIME",
        &["clock_settime", "settimeofday"],
        "the clock is the whole machine's; only boot and monotonic time can be shifted: --time-offset",
    ),
    case(&["ptrace", "strace", "gdb"], "looking into processes of others", "CAP_SYS_PTRACE", &["ptrace"], ""),
    case(&["klogctl", "dmesg", "syslog"], "reading the kernel's log", "CAP_SYSLOG", &["syslog"], ""),
    case(
        &["insmod", "modprobe", "init_module"],
        "loading modules",
        "CAP_SYS_MODULE",
        &["init_module", "finit_module"],
        "load it on the host; who may load modules owns the host",
    ),
    case(&["chroot"], "chroot", "CAP_SYS_CHROOT", &["chroot"], ""),
    case(&["mknod"], "making devices", "CAP_MKNOD", &["mknod"], "give it the device: --device /dev/NAME"),
    case(&["io_uring"], "io_uring", "", &["io_uring_setup"], "most programs fall back to other calls if they are told to"),
    case(&["perf_event", "perf"], "reading performance counters", "CAP_PERFMON", &["perf_event_open"], ""),
    case(&["bpf"], "loading eBPF programs", "CAP_BPF", &["bpf"], ""),
    case(&["keyctl", "add_key", "keyring"], "using the kernel's key rings", "", &["keyctl"], ""),
    case(&["swapon", "swapoff"], "swap", "CAP_SYS_ADMIN", &["swapon"], ""),
    case(&["userfaultfd"], "userfaultfd", "CAP_SYS_PTRACE", &["userfaultfd"], ""),
    case(&["reboot", "halt", "poweroff"], "reboot", "CAP_SYS_BOOT", &["reboot"], "tare stop ends a container"),
    case(&["set_mempolicy", "mbind", "numactl"], "placing memory", "CAP_SYS_NICE", &["mbind", "set_mempolicy"], ""),
    case(&["renice", "nice:", "setpriority", "sched_setscheduler", "chrt"], "raising priorities", "CAP_SYS_NICE", &[], ""),
    case(&["ulimit", "setrlimit", "rlimit"], "raising limits", "CAP_SYS_RESOURCE", &[], "tare run --ulimit nofile=65536 …"),
    case(
        &["chown"],
        "giving files away",
        "CAP_CHOWN",
        &["chown"],
        "a directory of the host that belongs to somebody else: -v ./dir:/dir:U gives it to the container's user",
    ),
    case(
        &["setuid", "setgid", "su:", "sudo", "setgroups"],
        "becoming somebody else",
        "CAP_SETUID",
        &[],
        "start as that user: tare run --user NAME",
    ),
    case(
        &["bind(", "bind:", "bind to", "listen"],
        "listening on a port below 1024",
        "CAP_NET_BIND_SERVICE",
        &[],
        "listen above 1024 and publish that: -p 80:8080",
    ),
];

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    // What a shell could not execute is looked into by another rule.
    let is_elsewhere = |line: &&str| evidence.was_denied && evidence.not_found.as_ref().is_some_and(|word| line.contains(word.as_str()));
    let line = evidence.line_with(WORDS).filter(|line| !evidence.went_well() && !is_elsewhere(line));
    let Some(line) = line else { return Vec::new() };
    let small = line.to_lowercase();
    let is_refusal = !small.contains("permission denied");
    let found = CASES.iter().find(|case| case.words.iter().any(|word| has_word(&small, word)));
    let finding = match found {
        Some(case) => of_case(evidence, case),
        None if is_refusal => Some(unclear(evidence)),
        None => Some(of_file(evidence, line)),
    };
    finding.map(|finding| finding.shown(format!("it wrote: {}", line.trim()))).into_iter().collect()
}

/// At the beginning of a word: `nft` is not in `drift`.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '/' && !word.contains('/'))
            || line[..at].ends_with("bin/")
    })
}

fn of_case(evidence: &Evidence, case: &Case) -> Option<Finding> {
    let short = case.capability.trim_start_matches("CAP_");
    let bit = capabilities::names::find(case.capability);
    let lacks = bit.is_some_and(|bit| evidence.capabilities & bit == 0);
    let refused = case.calls.iter().find_map(|call| NOTABLY_REFUSED.iter().find(|(calls, _)| calls.split(' ').any(|known| known == *call)));
    let mut finding = match (lacks, refused) {
        (true, _) => Finding::guess(format!("{} needs {}, which this container does not have", case.what, case.capability)),
        (false, Some(_)) if evidence.has_seccomp() => {
            Finding::guess(format!("{} is refused by the seccomp filter that every container gets", case.what))
        }
        // It has what the kernel asks for: the reason is another one.
        _ if !evidence.user.is_empty() && evidence.user != "root" && evidence.user != "0" => Finding::guess(format!(
            "{} was refused because it runs as {}: only root has {} in hand",
            case.what, evidence.user, case.capability
        )),
        _ => return Some(unclear(evidence)),
    };
    if let Some((calls, why)) = refused.filter(|_| evidence.has_seccomp()) {
        finding = finding.shown(format!(
            "the filter refuses {}: {why}",
            calls.split(' ').filter(|call| case.calls.contains(call)).collect::<Vec<_>>().join(", ")
        ));
    }
    if !case.instead.is_empty() {
        finding = finding.attempt(case.instead);
    }
    finding = match (lacks, bit) {
        (true, Some(bit)) => finding.attempt(format!("if it must be: tare run --cap-add {short} …{}", of_filter(evidence, case, bit))),
        _ if refused.is_some() => finding.attempt("to be sure: tare run --security-opt seccomp=unconfined …, and never leave it so"),
        _ => finding,
    };
    Some(finding)
}

/// What the filter makes of one that is given this capability.
fn of_filter(evidence: &Evidence, case: &Case, capability: u64) -> &'static str {
    let has_usual = evidence.has_seccomp() && evidence.wishes.seccomp == Seccomp::Default;
    let is_refused = |call: &&str| NOTABLY_REFUSED.iter().any(|(calls, _)| calls.split(' ').any(|known| known == *call));
    match () {
        () if !has_usual || case.calls.is_empty() => "",
        () if case.calls.iter().any(|call| comes_with(call, capability)) => ", which opens the filter for it as well",
        () if case.calls.iter().any(is_refused) => " with --security-opt seccomp=unconfined, because the filter refuses it, too",
        () => "",
    }
}

fn unclear(evidence: &Evidence) -> Finding {
    let held = if evidence.wishes.privileged {
        "all, it is privileged".to_owned()
    } else {
        capabilities::of_mask(evidence.capabilities).map(|name| &name["CAP_".len()..]).collect::<Vec<_>>().join(" ").to_lowercase()
    };
    Finding::guess("the kernel has refused something; which call it was it tells nobody but the program")
        .shown(format!("capabilities within its reach: {held}"))
        .attempt("strace -f PROGRAM in the container tells the call (tare run --cap-add SYS_PTRACE …)")
        .attempt(
            "to see whether the filter or a capability is behind it: once with --security-opt seccomp=unconfined, once with --cap-add ALL",
        )
}

fn of_file(evidence: &Evidence, line: &str) -> Finding {
    let path = super::read_only::path_in(line);
    let mount = path.as_ref().and_then(|path| mount_above(evidence, path));
    let who = if evidence.user.is_empty() { "root".to_owned() } else { evidence.user.clone() };
    match (path, mount) {
        (Some(path), Some(Mount::Tmpfs { target, .. })) => {
            Finding::guess(format!("user {who} may not use {path}, by its owner and mode, or by the options of the mount {target}"))
                .shown(format!("{target} is a tmpfs, in memory and not in the layers; it is noexec if nothing else was said"))
                .attempt(format!("--tmpfs {target}:exec to execute what lies there, {target}:mode=1777 to let everybody write"))
        }
        (Some(path), Some(mount)) => {
            Finding::guess(format!("{path} lies in the mount {}, and its owner there is not the container's user ({who})", mount.target()))
                .attempt(match evidence.is_running() {
                    true => format!("look: tare exec {} ls -ln {}", evidence.name, mount.target()),
                    false => format!("look: tare run --rm {} {} ls -ln {}", flag_of(mount), evidence.image, mount.target()),
                })
                .attempt("-v DIR:TARGET:idmap shows your files as the container user's, :U gives them away")
        }
        (Some(path), None) => Finding::guess(format!("user {who} may not use {path}, by its owner and mode"))
            .attempt(format!("look: tare run --rm {} ls -ld {path}", evidence.image)),
        (None, _) => Finding::guess(format!("user {who} was refused a file, by its owner and mode")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::wrote;

    fn about(line: &str) -> Finding {
        judge(&wrote(1, &[line])).remove(0)
    }

    #[test]
    fn what_people_want_in_vain_is_recognised() {
        for (line, words) in [
            ("mount: permission denied (are you root?)", "mounting needs CAP_SYS_ADMIN"),
            ("unshare: unshare(0x10000000): Operation not permitted", "new namespaces needs CAP_SYS_ADMIN"),
            ("ip: RTNETLINK answers: Operation not permitted", "changing the network needs CAP_NET_ADMIN"),
            ("date: can't set date: Operation not permitted", "setting the clock needs CAP_SYS_TIME"),
            ("dmesg: klogctl: Operation not permitted", "the kernel's log needs CAP_SYSLOG"),
            ("io_uring_setup: Operation not permitted", "io_uring is refused by the seccomp filter"),
            ("something: Operation not permitted", "tells nobody but the program"),
            ("cat: can't open '/secret/x': Permission denied", "user root may not use /secret/x"),
        ] {
            assert!(about(line).what.contains(words), "{line}: {}", about(line).what);
        }
        assert!(judge(&wrote(1, &["fine"])).is_empty());
    }

    #[test]
    fn the_rule_of_the_filter_is_shown_and_a_better_way_comes_first() {
        let finding = about("mount: /x: Operation not permitted");
        assert!(finding.evidence[0].starts_with("the filter refuses mount, umount2:"), "{:?}", finding.evidence);
        assert!(finding.tries[0].contains("--tmpfs") && finding.tries[1].contains("--cap-add SYS_ADMIN"));
        assert_eq!(finding.certainty, crate::explain::why::Certainty::Guess);
        assert!(finding.tries[1].ends_with("opens the filter for it as well"), "{:?}", finding.tries);
    }

    #[test]
    fn only_some_capabilities_open_the_filter() {
        let mut evidence = wrote(1, &["chown: /x: Operation not permitted"]);
        evidence.capabilities = 0;
        assert!(judge(&evidence)[0].tries.iter().any(|attempt| attempt.ends_with("--cap-add CHOWN …")), "{:?}", judge(&evidence));
        let swap = about("swapon: /x: Operation not permitted");
        assert!(swap.tries[0].contains("seccomp=unconfined"), "{:?}", swap.tries);
    }

    #[test]
    fn a_word_is_found_at_its_beginning_only() {
        assert!(has_word("/usr/sbin/iptables: x", "iptables") && has_word("ping: x", "ping"));
        assert!(!has_word("drift: x", "rift") && !has_word("/mnt/umountain", "mount"));
    }
}
