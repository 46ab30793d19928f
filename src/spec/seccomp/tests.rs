//! Runs compiled filters as the kernel would, and compares every answer with a plain reading of the profile.

use super::architecture::{Architecture, X32_BIT};
use super::capability_names::{DEFAULT, EVERY, bit};
use super::compile::compile;
use super::default_table::{self, GROUPS, NOTABLY_REFUSED};
use super::instruction::{self, SockFilter};
use super::numbers::{X32_OWN, find};
use super::profile::{Action, Compare, Condition, ENOSYS, EPERM, Profile, Rule};
use std::collections::HashMap;

fn numbers(name: &str, machine: Architecture) -> impl Iterator<Item = u32> {
    find(name).into_iter().flat_map(move |call| call.numbers(machine))
}

#[derive(Clone, Copy, Debug)]
struct Call {
    audit: u32,
    number: u32,
    arguments: [u64; 6],
}

/// The kernel's interpreter, with the checks that it makes when a program is loaded.
fn run(program: &[SockFilter], call: &Call) -> u32 {
    let word = |offset: u32| match offset {
        instruction::CALL_NUMBER => call.number,
        instruction::CALL_ARCHITECTURE => call.audit,
        16..64 if offset.is_multiple_of(4) => (call.arguments[(offset as usize - 16) / 8] >> (8 * (offset % 8))) as u32,
        _ => panic!("nothing lies at {offset}"),
    };
    let (mut accumulator, mut at) = (0, 0);
    loop {
        let SockFilter { code, jt, jf, k } = program[at];
        at += 1;
        let mut go = |yes: bool| at += usize::from(if yes { jt } else { jf });
        match code {
            instruction::LOAD => accumulator = word(k),
            instruction::AND => accumulator &= k,
            instruction::JUMP => at += k as usize,
            instruction::IF_EQUAL => go(accumulator == k),
            instruction::IF_AT_LEAST => go(accumulator >= k),
            instruction::IF_ANY_BIT => go(accumulator & k != 0),
            instruction::RETURN => return k,
            _ => panic!("unknown instruction {code:#x}"),
        }
    }
}

/// A profile read plainly, rule by rule.
struct Reading<'a> {
    profile: &'a Profile<'a>,
    native: Architecture,
    /// Which rules name a call.
    rules: HashMap<(Architecture, u32), Vec<&'a Rule<'a>>>,
    newest: HashMap<Architecture, u32>,
}

impl<'a> Reading<'a> {
    fn new(profile: &'a Profile<'a>, native: Architecture) -> Reading<'a> {
        let mut reading = Reading { profile, native, rules: HashMap::new(), newest: HashMap::new() };
        for (machine, rule) in Architecture::ALL.iter().flat_map(|machine| profile.rules.iter().map(move |rule| (*machine, rule))) {
            for number in rule.names.iter().flat_map(|name| numbers(name, machine)) {
                reading.rules.entry((machine, number)).or_default().push(rule);
                let newest = reading.newest.entry(machine).or_default();
                *newest = if number < 0xf0000 { number.max(*newest) } else { *newest };
            }
        }
        reading
    }

    fn covers(&self, machine: Architecture) -> bool {
        machine == self.native || self.profile.architectures.contains(&machine)
    }

    fn answer(&self, call: &Call) -> u32 {
        let machines = Architecture::ALL.into_iter().filter(|one| *one != Architecture::X32 && self.covers(*one));
        let Some(machine) = machines.into_iter().find(|one| one.audit() == call.audit) else { return Action::KillProcess.verdict() };
        let x32 = machine == Architecture::X86_64 && self.covers(Architecture::X32);
        if machine == Architecture::X86_64 && !x32 && (X32_BIT..u32::MAX).contains(&call.number) {
            return Action::KillProcess.verdict();
        }
        let (named_on, number) = if x32 { (Architecture::X32, call.number & !X32_BIT) } else { (machine, call.number) };
        let rules = || self.rules.get(&(named_on, number)).into_iter().flatten().filter(|rule| rule.action != self.profile.default);
        let unconditional = rules().find(|rule| rule.conditions.is_empty());
        let matches =
            |rule: &&&Rule| rule.alternatives().iter().any(|all| all.iter().all(|condition| holds(condition, machine, &call.arguments)));
        if let Some(rule) = unconditional.or_else(|| rules().find(matches)) {
            return rule.action.verdict();
        }
        let newer = self.newest.get(&machine).is_some_and(|newest| number > *newest) && !(x32 && X32_OWN.contains(&number));
        if newer && !self.profile.default.lets_pass() { Action::Errno(ENOSYS).verdict() } else { self.profile.default.verdict() }
    }
}

fn holds(condition: &Condition, machine: Architecture, arguments: &[u64; 6]) -> bool {
    let width = if machine.has_32_bit_arguments() { u64::from(u32::MAX) } else { u64::MAX };
    let (argument, value) = (arguments[usize::from(condition.index)], condition.value & width);
    match condition.compare {
        Compare::NotEqual => argument != value,
        Compare::Less => argument < value,
        Compare::LessOrEqual => argument <= value,
        Compare::Equal => argument == value,
        Compare::GreaterOrEqual => argument >= value,
        Compare::Greater => argument > value,
        Compare::MaskedEqual(mask) => argument & mask & width == value,
    }
}

/// Numbers around everything that a table of calls contains.
fn all_numbers() -> impl Iterator<Item = u32> {
    let ends = [0xeffff, 0xf0000, 0xf0001, 0xf0002, 0xf0005, 0xf0006, 0x3fff_ffff, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];
    (0..600).chain((0..600).map(|number| number | X32_BIT)).chain(ends)
}

/// Values around every one that a condition compares an argument with.
fn telling_values<'a>(conditions: impl Iterator<Item = &'a Condition>) -> Vec<u64> {
    let mut values = vec![0, 1, 2, 40, 1 << 32, 40 | 1 << 32, 0xffff_ffff, u64::MAX];
    for condition in conditions {
        let mask = if let Compare::MaskedEqual(mask) = condition.compare { mask } else { 0 };
        for value in [condition.value, condition.value | mask, condition.value | !mask, mask & mask.wrapping_neg()] {
            values.extend([value, value.wrapping_sub(1), value.wrapping_add(1), value ^ 1 << 32, value & 0xffff_ffff]);
        }
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Tries every number on every kind of machine, with all arguments that matter to the rules about that number.
fn check(profile: &Profile, native: Architecture) -> Vec<SockFilter> {
    let program = compile(profile, native).unwrap();
    let reading = Reading::new(profile, native);
    for number in all_numbers() {
        let rules = |machine| reading.rules.get(&(machine, number & !X32_BIT));
        let rules = Architecture::ALL.into_iter().filter_map(rules).flatten();
        let values = telling_values(rules.flat_map(|rule| &rule.conditions));
        let pairs = values.iter().flat_map(|value| [(*value, 0), (8, *value), (3, *value)]);
        for (audit, (first, second)) in pairs.flat_map(|pair| AUDITED.map(|audit| (audit, pair))) {
            let width = if audit & 0x8000_0000 == 0 { 0xffff_ffff } else { u64::MAX };
            let arguments = [first, second, first, second, first, second].map(|value| value & width);
            let call = Call { audit, number, arguments };
            let (got, wanted) = (run(&program, &call), reading.answer(&call));
            assert_eq!(got, wanted, "{call:x?} on {native:?}: {got:#x} instead of {wanted:#x}");
        }
    }
    program
}

/// Ours, and two that are always foreign: none, and s390x.
const AUDITED: [u32; 6] = [0xc000_003e, 0x4000_0003, 0xc000_00b7, 0x4000_0028, 0, 0x8000_0016];

fn x86_64(name: &str, arguments: [u64; 6]) -> Call {
    Call { audit: Architecture::X86_64.audit(), number: numbers(name, Architecture::X86_64).next().unwrap(), arguments }
}

fn answer(capabilities: u64, name: &str, first: u64) -> u32 {
    let program = compile(&default_table::profile(Architecture::X86_64, capabilities), Architecture::X86_64).unwrap();
    run(&program, &x86_64(name, [first, 0, 0, 0, 0, 0]))
}

const ALLOWED: u32 = 0x7fff_0000;
const REFUSED: u32 = 0x0005_0001;

#[test]
fn every_answer_of_the_default_filter_is_what_the_table_says() {
    for native in [Architecture::X86_64, Architecture::Aarch64, Architecture::X86, Architecture::Arm] {
        for capabilities in [0, DEFAULT, DEFAULT | bit("CAP_SYS_ADMIN"), EVERY] {
            check(&default_table::profile(native, capabilities), native);
        }
    }
}

#[test]
fn the_default_filter_is_small() {
    let count = |native| compile(&default_table::profile(native, DEFAULT), native).unwrap().len();
    // Each instruction costs about half a microsecond at every start: the kernel translates and tries the filter when it is loaded.
    assert!(count(Architecture::X86_64) <= 180, "{} instructions for x86_64, i386 and x32", count(Architecture::X86_64));
    assert!(count(Architecture::Aarch64) <= 180, "{} instructions for aarch64 and arm", count(Architecture::Aarch64));
}

#[test]
fn the_filter_made_ahead_of_time_is_the_one_that_would_be_compiled_now() {
    let now = compile(&default_table::profile(Architecture::NATIVE, DEFAULT), Architecture::NATIVE).unwrap();
    assert_eq!(*super::default_filter(DEFAULT), now);
    // CAP_NET_ADMIN opens no call: its filter is the same.
    assert!(matches!(super::default_filter(DEFAULT | bit("CAP_NET_ADMIN")), std::borrow::Cow::Borrowed(_)));
    assert_ne!(*super::default_filter(DEFAULT | bit("CAP_SYS_ADMIN")), now);
}

#[test]
fn the_native_machine_is_asked_for_first() {
    let program = compile(&default_table::profile(Architecture::X86_64, DEFAULT), Architecture::X86_64).unwrap();
    assert_eq!((program[0].code, program[0].k), (instruction::LOAD, instruction::CALL_ARCHITECTURE));
    assert_eq!((program[1].code, program[1].k), (instruction::IF_EQUAL, Architecture::X86_64.audit()));
}

#[test]
fn notable_calls_are_refused_by_default_and_exist() {
    for name in NOTABLY_REFUSED.iter().flat_map(|(names, _)| names.split_ascii_whitespace()) {
        assert!(find(name).is_some(), "{name}");
        if numbers(name, Architecture::X86_64).next().is_some() {
            let wanted = if name == "clone3" { 0x0005_0000 | u32::from(ENOSYS) } else { REFUSED };
            assert_eq!(answer(DEFAULT, name, 0), wanted, "{name}");
        }
    }
}

#[test]
fn every_name_in_the_table_is_a_call_and_every_group_has_a_reason() {
    for group in GROUPS {
        assert!(!group.why.is_empty() && !group.calls.is_empty(), "{}", group.what);
        for name in group.calls.split_ascii_whitespace() {
            assert!(find(name).is_some(), "{name}");
        }
    }
}

#[test]
fn capabilities_open_the_calls_that_need_them() {
    let cases = [
        ("CAP_SYS_ADMIN", "mount"),
        ("CAP_SYS_ADMIN", "clone3"),
        ("CAP_SYS_ADMIN", "unshare"),
        ("CAP_SYS_PTRACE", "pidfd_getfd"),
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
        ("CAP_SYS_CHROOT", "chroot"),
        ("CAP_BPF", "bpf"),
        ("CAP_PERFMON", "perf_event_open"),
        ("CAP_SYSLOG", "syslog"),
        ("CAP_SYS_TIME", "clock_settime"),
    ];
    for (capability, name) in cases {
        assert_eq!(answer(bit(capability), name, 0), ALLOWED, "{name} with {capability}");
        assert_ne!(answer(EVERY & !bit(capability) & !bit("CAP_SYS_ADMIN"), name, 0), ALLOWED, "{name} without {capability}");
    }
}

#[test]
fn sockets_of_the_hypervisor_and_of_the_kernel_s_cryptography_are_refused_also_in_disguise() {
    for family in [38, 40, 40 | 1 << 32, 38 | 0xffff_ffff << 32, 12, 19, 46, 1000] {
        assert_eq!(answer(DEFAULT, "socket", family), REFUSED, "{family:#x}");
    }
    for family in [1, 2, 10, 16, 17, 39] {
        assert_eq!(answer(DEFAULT, "socket", family), ALLOWED, "{family}");
    }
}

#[test]
fn clone_makes_threads_but_no_namespaces() {
    const FLAGS_OF_A_THREAD: u64 = 0x003d_0f00;
    assert_eq!(answer(DEFAULT, "clone", FLAGS_OF_A_THREAD), ALLOWED);
    assert_eq!(answer(DEFAULT, "clone", FLAGS_OF_A_THREAD | 0x1000_0000), REFUSED);
    assert_eq!(answer(DEFAULT | bit("CAP_SYS_ADMIN"), "clone", 0x1000_0000), ALLOWED);
}

#[test]
fn calls_newer_than_the_table_look_like_an_older_kernel() {
    let program = super::default_filter(DEFAULT);
    let call = |number| Call { audit: Architecture::NATIVE.audit(), number, arguments: [0; 6] };
    assert_eq!(run(&program, &call(480)), 0x0005_0000 | u32::from(ENOSYS));
    assert_eq!(run(&program, &call(u32::MAX)), 0x0005_0000 | u32::from(ENOSYS));
}

fn rule(name: &'static str, action: Action, conditions: &[(u8, Compare, u64)]) -> Rule<'static> {
    let conditions = conditions.iter().map(|(index, compare, value)| Condition { index: *index, compare: *compare, value: *value });
    Rule { names: vec![name], action, conditions: conditions.collect() }
}

#[test]
fn comparisons_are_of_64_bits() {
    use Compare::*;
    const BORDER: u64 = 0x1_0000_0005;
    let compares = [NotEqual, Less, LessOrEqual, Equal, GreaterOrEqual, Greater, MaskedEqual(0xff_0000_00ff)];
    let values = [0, 5, BORDER, 0xffff_ffff, 0xff_0000_0000, u64::MAX];
    // Each comparison with each value on a call of its own.
    let names = GROUPS.iter().flat_map(|group| group.calls.split_ascii_whitespace());
    let comparisons = compares.into_iter().flat_map(|compare| values.map(|value| (1, compare, value)));
    let rules = names.zip(comparisons).map(|(name, comparison)| rule(name, Action::Allow, &[comparison])).collect();
    check(&Profile { default: Action::Errno(EPERM), architectures: vec![Architecture::X86], rules }, Architecture::X86_64);
}

#[test]
fn any_of_several_rules_and_all_conditions_of_one_must_hold() {
    use Compare::*;
    let rules = vec![
        rule("read", Action::Allow, &[(0, Equal, 3), (1, Greater, 7)]),
        rule("read", Action::Allow, &[(0, Equal, 8), (1, MaskedEqual(0xf0), 0x10)]),
        rule("read", Action::Trap, &[(0, Less, 2)]),
        rule("read", Action::Errno(5), &[(0, Equal, 1)]),
        rule("write", Action::Allow, &[(0, Equal, 1), (0, Equal, 2)]),
        rule("open", Action::KillThread, &[(0, Equal, 1)]),
        rule("open", Action::Errno(9), &[]),
        rule("open", Action::Allow, &[]),
        rule("close", Action::Errno(EPERM), &[(0, Equal, 2)]),
        rule("close", Action::Allow, &[(0, Less, 40)]),
    ];
    let profile = Profile { default: Action::Errno(EPERM), architectures: vec![Architecture::X32, Architecture::X86], rules };
    let program = check(&profile, Architecture::X86_64);
    let answer = |name, first, second| run(&program, &x86_64(name, [first, second, 0, 0, 0, 0]));
    assert_eq!(answer("read", 3, 8), ALLOWED);
    assert_eq!(answer("read", 3, 7), REFUSED);
    assert_eq!(answer("read", 8, 0x1f), ALLOWED);
    assert_eq!(answer("read", 1, 0), Action::Trap.verdict(), "the first rule that matches");
    assert_eq!(answer("write", 2, 0), ALLOWED, "one argument twice means either");
    assert_eq!(answer("open", 1, 0), Action::Errno(9).verdict(), "the first rule without conditions wins");
    assert_eq!(answer("close", 2, 0), ALLOWED, "a rule that repeats the default overrules nothing");
}

#[test]
fn a_profile_that_allows_by_default_lets_new_calls_pass() {
    let rules = vec![rule("unshare", Action::KillProcess, &[])];
    let program = check(&Profile { default: Action::Allow, architectures: vec![], rules }, Architecture::X86_64);
    let call = |audit, number| run(&program, &Call { audit, number, arguments: [0; 6] });
    assert_eq!(call(Architecture::X86_64.audit(), 480), ALLOWED);
    assert_eq!(call(Architecture::X86_64.audit(), X32_BIT), 0x8000_0000, "x32 was not listed");
    assert_eq!(call(Architecture::X86.audit(), 3), 0x8000_0000, "i386 was not listed");
}

#[test]
fn a_rule_for_a_socket_call_also_holds_inside_socketcall() {
    let rules = vec![rule("connect", Action::Allow, &[]), rule("semop", Action::Allow, &[])];
    let program = compile(&Profile { default: Action::Errno(EPERM), architectures: vec![], rules }, Architecture::X86).unwrap();
    let call = |number, first| run(&program, &Call { audit: Architecture::X86.audit(), number, arguments: [first, 0, 0, 0, 0, 0] });
    assert_eq!((call(102, 3), call(102, 2), call(362, 0)), (ALLOWED, REFUSED, ALLOWED));
    assert_eq!((call(117, 1), call(117, 0x1_0001), call(117, 2)), (ALLOWED, ALLOWED, REFUSED));
}

#[test]
fn far_jumps_arrive() {
    // Every other number has a condition of its own: hundreds of instructions between the first question and the last answer.
    let names: Vec<&str> = GROUPS.iter().flat_map(|group| group.calls.split_ascii_whitespace()).collect();
    let rules = names.iter().enumerate().step_by(2).map(|(n, name)| {
        let value = 7 + (n as u64) * 3 + ((n as u64 % 3) << 32);
        Rule {
            names: vec![name],
            action: Action::Errno(n as u16 + 2),
            conditions: vec![Condition { index: 0, compare: Compare::Equal, value }],
        }
    });
    let profile = Profile { default: Action::Allow, architectures: vec![Architecture::X86], rules: rules.collect() };
    let program = check(&profile, Architecture::X86_64);
    assert!(program.len() > 600 && program.iter().any(|one| one.code == instruction::JUMP), "{}", program.len());
}

#[test]
fn a_program_longer_than_the_kernel_takes_is_refused() {
    let rules = (0..3000).map(|n| rule("read", Action::Errno((n % 4000) as u16 + 2), &[(0, Compare::Equal, n)])).collect();
    let profile = Profile { default: Action::Allow, architectures: vec![], rules };
    assert_eq!(compile(&profile, Architecture::X86_64), Err(super::graph::TooLong));
}
