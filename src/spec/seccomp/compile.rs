//! From a profile to a BPF program: first the kind of machine, then the range of the call's number, then its arguments.

use super::architecture::{Architecture, X32_BIT};
use super::graph::{Graph, Place, TooLong};
use super::instruction::{CALL_ARCHITECTURE, CALL_NUMBER, SockFilter, argument};
use super::numbers::{COUNTED_ALIKE_FROM, X32_OWN, numbers};
use super::profile::{Action, Compare, Condition, ENOSYS, Profile, Rule};
use super::ranges::{Ranges, overlay};
use std::collections::BTreeMap;

/// Numbers from here on are no entries of a table: the few private calls of 32-bit ARM (__ARM_NR_BASE).
const PRIVATE_FROM: u32 = 0xf0000;

/// `native` is the kind of the host: it is always covered, and asked for first.
pub fn compile(profile: &Profile, native: Architecture) -> Result<Vec<SockFilter>, TooLong> {
    let mut graph = Graph::default();
    // A call that came in another way has other numbers, so no rule means anything: libseccomp kills the thread. A process
    // without one of its threads hangs, so we end it whole.
    let mut start = graph.verdict(Action::KillProcess.verdict());
    let listed = |architecture| profile.architectures.contains(&architecture);
    let covered: Vec<Architecture> =
        Architecture::ALL.into_iter().filter(|one| *one != Architecture::X32 && (*one == native || listed(*one))).collect();
    let native_last = covered.iter().filter(|one| **one != native).chain(covered.iter().filter(|one| **one == native));
    for architecture in native_last {
        let with_x32 = *architecture == Architecture::X86_64 && listed(Architecture::X32);
        let calls = calls_of(&mut graph, profile, *architecture, with_x32);
        start = graph.if_equal(architecture.audit(), calls, start);
    }
    let start = graph.load(CALL_ARCHITECTURE, start);
    graph.program(start)
}

fn calls_of(graph: &mut Graph, profile: &Profile, architecture: Architecture, with_x32: bool) -> Place {
    // x32 shares all numbers with x86_64 but those of its own, which no 64-bit program can use: one line of numbers serves
    // both, when the mark is taken off.
    let named_on = if with_x32 { Architecture::X32 } else { architecture };
    let line = ground(graph, profile, architecture, with_x32);
    let mut single = BTreeMap::new();
    for (number, rules) in rules_by_number(profile, named_on) {
        let default = graph.verdict(profile.default.verdict());
        let place = if rules.iter().any(|(conditions, _)| conditions.is_empty()) {
            let first = rules.iter().find(|(conditions, _)| conditions.is_empty());
            first.map_or(default, |(_, action)| graph.verdict(action.verdict()))
        } else {
            any_of(graph, &rules, architecture, default)
        };
        single.insert(number, place);
    }
    let search = search_in_two(graph, &overlay(&line, &single));
    let search = if with_x32 { graph.and(!X32_BIT, search) } else { search };
    graph.load(CALL_NUMBER, search)
}

/// The calls that all machines count alike are asked for apart from the others, so that all machines share these questions.
fn search_in_two(graph: &mut Graph, line: &Ranges) -> Place {
    let cut = |line: &Ranges, at: u32| {
        let n = line.partition_point(|(start, _)| *start <= at);
        let mut upper = vec![(0, line[n - 1].1)];
        upper.extend_from_slice(&line[n..]);
        let lower = line.iter().copied().take_while(|(start, _)| *start < at).collect::<Ranges>();
        (lower, upper)
    };
    let (history, alike) = cut(line, COUNTED_ALIKE_FROM);
    let (alike, own) = cut(&alike, *X32_OWN.start());
    let (history, alike, own) = (graph.search(&history), graph.search(&alike), graph.search(&own));
    let alike = graph.if_at_least(*X32_OWN.start(), own, alike);
    graph.if_at_least(COUNTED_ALIKE_FROM, alike, history)
}

/// The line before any rule is laid over it.
///
/// Calls newer than all that the profile names are answered as an older kernel would, by ENOSYS: a C library that tries
/// the new call first then takes the old one, while EPERM would make the program give up. runc does the same.
fn ground(graph: &mut Graph, profile: &Profile, architecture: Architecture, with_x32: bool) -> Ranges {
    let default = graph.verdict(profile.default.verdict());
    let names = profile.rules.iter().flat_map(|rule| &rule.names);
    let newest = names.flat_map(|name| numbers(name, architecture)).filter(|number| *number < PRIVATE_FROM).max();
    let newer = match newest {
        Some(_) if !profile.default.lets_pass() => graph.verdict(Action::Errno(ENOSYS).verdict()),
        _ => default,
    };
    let mut line = vec![(0, default), (newest.map_or(0, |number| number + 1), newer)];
    if with_x32 {
        line.extend([(*X32_OWN.start(), default), (*X32_OWN.end() + 1, newer)]);
    } else if architecture == Architecture::X86_64 {
        // -1 has the mark too, but is what a tracer writes over the number of a call that it suppresses.
        line.extend([(X32_BIT, graph.verdict(Action::KillProcess.verdict())), (u32::MAX, newer)]);
    }
    overlay(&line, &BTreeMap::new())
}

type Conditional = (Vec<Condition>, Action);

/// Which rules speak about which call, in the order of the profile.
fn rules_by_number(profile: &Profile, architecture: Architecture) -> BTreeMap<u32, Vec<Conditional>> {
    let mut found: BTreeMap<u32, Vec<Conditional>> = BTreeMap::new();
    // libseccomp takes no rule that repeats the default, so runc leaves them out: they overrule nothing.
    for rule in profile.rules.iter().filter(|rule| rule.action != profile.default) {
        for name in &rule.names {
            for number in numbers(name, architecture) {
                let rules = rule.alternatives().into_iter().map(|conditions| (conditions.to_vec(), rule.action));
                found.entry(number).or_default().extend(rules);
            }
            if let (Architecture::X86, Some((number, condition))) = (architecture, inside_another(name, rule)) {
                found.entry(number).or_default().push((vec![condition], rule.action));
            }
        }
    }
    found
}

/// Old i386 programs do everything with sockets by one call, everything with System V messages by another; its first
/// argument says what. A rule for the modern call holds for that way too, unless it has conditions: then the arguments
/// lie in memory, where no filter can look.
fn inside_another(name: &str, rule: &Rule) -> Option<(u32, Condition)> {
    const SOCKET: [&str; 20] = [
        "socket",
        "bind",
        "connect",
        "listen",
        "accept",
        "getsockname",
        "getpeername",
        "socketpair",
        "send",
        "recv",
        "sendto",
        "recvfrom",
        "shutdown",
        "setsockopt",
        "getsockopt",
        "sendmsg",
        "recvmsg",
        "accept4",
        "recvmmsg",
        "sendmmsg",
    ];
    const MESSAGES: [(&str, u64); 12] = [
        ("semop", 1),
        ("semget", 2),
        ("semctl", 3),
        ("semtimedop", 4),
        ("msgsnd", 11),
        ("msgrcv", 12),
        ("msgget", 13),
        ("msgctl", 14),
        ("shmat", 21),
        ("shmdt", 22),
        ("shmget", 23),
        ("shmctl", 24),
    ];
    if !rule.conditions.is_empty() {
        return None;
    }
    let socket = SOCKET.iter().position(|one| *one == name).map(|n| ("socketcall", n as u64 + 1));
    let (call, value) = socket.or_else(|| MESSAGES.iter().find(|(one, _)| *one == name).map(|(_, value)| ("ipc", *value)))?;
    Some((numbers(call, Architecture::X86).next()?, Condition { index: 0, compare: Compare::Equal, value }))
}

/// The first rule whose conditions all hold.
fn any_of(graph: &mut Graph, rules: &[Conditional], architecture: Architecture, default: Place) -> Place {
    let mut no = default;
    let mut rest = rules;
    while let Some((conditions, action)) = rest.last() {
        let yes = graph.verdict(action.verdict());
        // Rules about the same argument with the same answer are one set of values.
        let alike = rest.iter().rev().take_while(|rule| rule.1 == *action && simple_index(rule) == simple_index(&rest[rest.len() - 1]));
        let (alike, index) = (alike.count(), simple_index(&rest[rest.len() - 1]));
        if let Some(index) = index {
            let values = rest[rest.len() - alike..].iter().flat_map(|(conditions, _)| values(&conditions[0], architecture)).collect();
            no = one_of(graph, index, values, yes, no);
            rest = &rest[..rest.len() - alike];
        } else {
            no = conditions.iter().rev().fold(yes, |yes, condition| holds(graph, condition, architecture, yes, no));
            rest = &rest[..rest.len() - 1];
        }
    }
    no
}

/// The argument that a rule of one condition without a mask looks at.
fn simple_index((conditions, _): &Conditional) -> Option<u8> {
    match conditions[..] {
        [Condition { index, compare, .. }] if !matches!(compare, Compare::MaskedEqual(_)) => Some(index),
        _ => None,
    }
}

fn holds(graph: &mut Graph, condition: &Condition, architecture: Architecture, yes: Place, no: Place) -> Place {
    match condition.compare {
        Compare::MaskedEqual(mask) => {
            let width = width(architecture);
            bits_equal(graph, condition.index, mask & width, condition.value & width, yes, no)
        }
        _ => one_of(graph, condition.index, values(condition, architecture), yes, no),
    }
}

/// All bits that an argument can have. A rule written for 64 bits (-1) means the lower half on a 32-bit machine.
fn width(architecture: Architecture) -> u64 {
    if architecture.has_32_bit_arguments() { u32::MAX.into() } else { u64::MAX }
}

/// BPF knows 32 bits: both halves are compared, and a half that nobody asks about is left out.
fn bits_equal(graph: &mut Graph, index: u8, mask: u64, value: u64, yes: Place, no: Place) -> Place {
    if value & !mask != 0 {
        return no;
    }
    let halves = [(argument(index), mask as u32, value as u32), (argument(index) + 4, (mask >> 32) as u32, (value >> 32) as u32)];
    halves.into_iter().filter(|(_, mask, _)| *mask != 0).fold(yes, |yes, (offset, mask, value)| {
        let compared = match (mask, value) {
            (_, 0) => graph.if_any_bit(mask, no, yes),
            (u32::MAX, _) => graph.if_equal(value, yes, no),
            _ => {
                let equal = graph.if_equal(value, yes, no);
                graph.and(mask, equal)
            }
        };
        graph.load(offset, compared)
    })
}

/// First and last value.
type Span = (u64, u64);

fn values(condition: &Condition, architecture: Architecture) -> Vec<Span> {
    let value = condition.value & width(architecture);
    let below = value.checked_sub(1).map(|last| (0, last));
    let above = value.checked_add(1).map(|first| (first, u64::MAX));
    let spans = match condition.compare {
        Compare::NotEqual => [below, above],
        Compare::Less => [below, None],
        Compare::LessOrEqual => [Some((0, value)), None],
        Compare::Equal | Compare::MaskedEqual(_) => [Some((value, value)), None],
        Compare::GreaterOrEqual => [Some((value, u64::MAX)), None],
        Compare::Greater => [above, None],
    };
    spans.into_iter().flatten().collect()
}

/// Is the argument in one of the spans: a line of upper halves, and where a span ends within one, a line of lower halves.
fn one_of(graph: &mut Graph, index: u8, spans: Vec<Span>, yes: Place, no: Place) -> Place {
    let upper = |value: u64| (value >> 32) as u32;
    let place = |value: u64| if spans.iter().any(|(first, last)| (*first..=*last).contains(&value)) { yes } else { no };
    let borders = || spans.iter().flat_map(|(first, last)| [Some(*first), last.checked_add(1)]).flatten();
    let mut cuts: Vec<u32> =
        borders().flat_map(|border| [Some(upper(border)), upper(border).checked_add(1)]).flatten().chain([0]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut line: Ranges = Vec::new();
    for cut in cuts {
        let base = u64::from(cut) << 32;
        let within = borders().filter(|border| upper(*border) == cut).map(|border| (border as u32, place(border)));
        let mut lower: Ranges = within.chain([(0, place(base))]).collect();
        lower.sort_unstable();
        lower.dedup();
        let lower = overlay(&lower, &BTreeMap::new());
        let searched = graph.search(&lower);
        let half = if lower.len() == 1 { searched } else { graph.load(argument(index), searched) };
        line.push((cut, half));
    }
    let line = overlay(&line, &BTreeMap::new());
    let searched = graph.search(&line);
    if line.len() == 1 { searched } else { graph.load(argument(index) + 4, searched) }
}
