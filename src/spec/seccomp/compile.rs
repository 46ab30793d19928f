//! From a profile to a BPF program: first the kind of machine, then the range of the call's number, then its arguments.

use super::architecture::{Architecture, X32_BIT};
use super::graph::{Graph, Place, TooLong};
use super::instruction::{CALL_ARCHITECTURE, CALL_NUMBER, SockFilter, argument};
use super::numbers::{COUNTED_ALIKE_FROM, Call, X32_OWN, find};
use super::profile::{Action, Compare, Condition, ENOSYS, Profile};
use super::ranges::{Ranges, merged, overlay};

/// Numbers from here on are no entries of a table: the few private calls of 32-bit ARM (__ARM_NR_BASE).
const PRIVATE_FROM: u32 = 0xf0000;

/// What a profile says about one call: one of the alternatives of one rule.
#[derive(Clone, Copy)]
struct Saying<'a> {
    conditions: &'a [Condition],
    action: Action,
}

/// `native` is the kind of the host: it is always covered, and asked for first.
pub fn compile(profile: &Profile, native: Architecture) -> Result<Vec<SockFilter>, TooLong> {
    let mut graph = Graph::default();
    // A call that came in another way has other numbers, so no rule means anything: libseccomp kills the thread. A process
    // without one of its threads hangs, so we end it whole.
    let mut start = graph.verdict(Action::KillProcess.verdict());
    let listed = |architecture| profile.architectures.contains(&architecture);
    let sayings = sayings(profile);
    let others = Architecture::ALL.into_iter().filter(|one| *one != Architecture::X32 && *one != native && listed(*one));
    for architecture in others.chain([native]) {
        let with_x32 = architecture == Architecture::X86_64 && listed(Architecture::X32);
        let calls = calls_of(&mut graph, profile.default, &sayings, architecture, with_x32);
        start = graph.if_equal(architecture.audit(), calls, start);
    }
    let start = graph.load(CALL_ARCHITECTURE, start);
    graph.program(start)
}

/// In the order of the profile. Names that no machine has are left out.
fn sayings<'a>(profile: &'a Profile) -> Vec<(Call, Saying<'a>)> {
    let mut found = Vec::new();
    for rule in &profile.rules {
        let alternatives = rule.alternatives();
        for name in &rule.names {
            let Some(call) = find(name) else { continue };
            found.extend(alternatives.iter().map(|conditions| (call, Saying { conditions, action: rule.action })));
            // Without conditions there is one alternative.
            if let (true, Some((call, conditions))) = (rule.conditions.is_empty(), inside_another(name)) {
                found.push((call, Saying { conditions, action: rule.action }));
            }
        }
    }
    found
}

fn calls_of(graph: &mut Graph, default: Action, sayings: &[(Call, Saying)], architecture: Architecture, with_x32: bool) -> Place {
    // x32 shares all numbers with x86_64 but those of its own, which no 64-bit program can use: one line of numbers serves
    // both, when the mark is taken off.
    let named_on = if with_x32 { Architecture::X32 } else { architecture };
    // libseccomp takes no rule that repeats the default, so runc leaves them out: they overrule nothing.
    let telling = sayings.iter().filter(|(_, saying)| saying.action != default);
    let mut numbered: Vec<(u32, Saying)> =
        telling.flat_map(|(call, saying)| call.numbers(named_on).map(|number| (number, *saying))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    let default_place = graph.verdict(default.verdict());
    let mut single = Vec::new();
    for sayings in numbered.chunk_by(|one, other| one.0 == other.0) {
        let place = match sayings.iter().find(|(_, saying)| saying.conditions.is_empty()) {
            // The first rule without conditions wins over all others, as in libseccomp.
            Some((_, saying)) => graph.verdict(saying.action.verdict()),
            None => any_of(graph, sayings, architecture, default_place),
        };
        single.push((sayings[0].0, place));
    }
    let newest = sayings.iter().flat_map(|(call, _)| call.numbers(architecture)).filter(|number| *number < PRIVATE_FROM).max();
    let line = ground(graph, default, newest, architecture, with_x32);
    let search = search_in_parts(graph, &overlay(&line, &single));
    let search = if with_x32 { graph.and(!X32_BIT, search) } else { search };
    graph.load(CALL_NUMBER, search)
}

/// The calls that all machines count alike are asked for apart from the others, so that all machines share these questions.
fn search_in_parts(graph: &mut Graph, line: &Ranges) -> Place {
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
fn ground(graph: &mut Graph, default: Action, newest: Option<u32>, architecture: Architecture, with_x32: bool) -> Ranges {
    let default_place = graph.verdict(default.verdict());
    let newer = match newest {
        Some(_) if !default.lets_pass() => graph.verdict(Action::Errno(ENOSYS).verdict()),
        _ => default_place,
    };
    let mut line = vec![(0, default_place), (newest.map_or(0, |number| number + 1), newer)];
    if with_x32 {
        line.extend([(*X32_OWN.start(), default_place), (*X32_OWN.end() + 1, newer)]);
    } else if architecture == Architecture::X86_64 {
        // -1 has the mark too, but is what a tracer writes over the number of a call that it suppresses.
        line.extend([(X32_BIT, graph.verdict(Action::KillProcess.verdict())), (u32::MAX, newer)]);
    }
    merged(line)
}

/// Old i386 programs do everything with sockets by one call, everything with System V messages by another; its first
/// argument says what. A rule for the modern call holds for that way too, unless it has conditions: then the arguments
/// lie in memory, where no filter can look.
fn inside_another(name: &str) -> Option<(Call, &'static [Condition])> {
    const fn number(value: u64) -> Condition {
        Condition { index: 0, compare: Compare::Equal, value }
    }
    // The upper half of ipc's number is a version, which changes nothing about what is done.
    const fn lower_half(value: u64) -> Condition {
        Condition { index: 0, compare: Compare::MaskedEqual(0xffff), value }
    }
    #[rustfmt::skip]
    const SOCKET: [(&str, Condition); 20] = [
        ("accept", number(5)), ("accept4", number(18)), ("bind", number(2)), ("connect", number(3)), ("getpeername", number(7)),
        ("getsockname", number(6)), ("getsockopt", number(15)), ("listen", number(4)), ("recv", number(10)), ("recvfrom", number(12)),
        ("recvmmsg", number(19)), ("recvmsg", number(17)), ("send", number(9)), ("sendmmsg", number(20)), ("sendmsg", number(16)),
        ("sendto", number(11)), ("setsockopt", number(14)), ("shutdown", number(13)), ("socket", number(1)), ("socketpair", number(8)),
    ];
    #[rustfmt::skip]
    const MESSAGES: [(&str, Condition); 12] = [
        ("msgctl", lower_half(14)), ("msgget", lower_half(13)), ("msgrcv", lower_half(12)), ("msgsnd", lower_half(11)), ("semctl", lower_half(3)),
        ("semget", lower_half(2)), ("semop", lower_half(1)), ("semtimedop", lower_half(4)), ("shmat", lower_half(21)), ("shmctl", lower_half(24)),
        ("shmdt", lower_half(22)), ("shmget", lower_half(23)),
    ];
    static WAYS: [(&str, &[(&str, Condition)]); 2] = [("ipc", &MESSAGES), ("socketcall", &SOCKET)];
    WAYS.iter().find_map(|(way, inside)| {
        let n = inside.binary_search_by_key(&name, |(name, _)| name).ok()?;
        Some((find(way)?, std::slice::from_ref(&inside[n].1)))
    })
}

/// The first rule whose conditions all hold.
fn any_of(graph: &mut Graph, sayings: &[(u32, Saying)], architecture: Architecture, default: Place) -> Place {
    let mut no = default;
    // From the last to the first. Rules about the same argument with the same answer are one set of values.
    let alike = |one: &(u32, Saying), other: &(u32, Saying)| {
        one.1.action == other.1.action && one.1.simple_index().is_some() && one.1.simple_index() == other.1.simple_index()
    };
    for sayings in sayings.chunk_by(alike).rev() {
        let Saying { conditions, action } = sayings[0].1;
        let yes = graph.verdict(action.verdict());
        no = match sayings[0].1.simple_index() {
            Some(index) => {
                let spans = sayings.iter().flat_map(|(_, saying)| values(&saying.conditions[0], architecture)).collect();
                one_of(graph, index, spans, yes, no)
            }
            None => conditions.iter().rev().fold(yes, |yes, condition| holds(graph, condition, architecture, yes, no)),
        };
    }
    no
}

impl Saying<'_> {
    /// The argument that a rule of one condition without a mask looks at.
    fn simple_index(&self) -> Option<u8> {
        match self.conditions {
            [Condition { index, compare, .. }] if !matches!(compare, Compare::MaskedEqual(_)) => Some(*index),
            _ => None,
        }
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
        let lower = merged(lower);
        let searched = graph.search(&lower);
        let half = if lower.len() == 1 { searched } else { graph.load(argument(index), searched) };
        line.push((cut, half));
    }
    let line = merged(line);
    let searched = graph.search(&line);
    if line.len() == 1 { searched } else { graph.load(argument(index) + 4, searched) }
}
