//! The `linux.seccomp` section of an OCI specification: read to be compiled, and written for who wants our table as text.

use super::architecture::Architecture;
use super::profile::{Action, Compare, Condition, EPERM, Profile, Rule};
use super::{Filter, compile as compiler, default_table, numbers};
use crate::error::{Context, Error, Result};
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompBuilder, LinuxSeccompFilterFlag,
    LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};

/// What `features` says of us.
pub const ACTIONS: &[&str] = &[
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
];
pub const OPERATORS: &[&str] =
    &["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"];
/// No program for most of them can run on a kernel of ours: a specification may name them without effect.
pub const ARCHITECTURES: &[&str] = &[
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_ARM",
    "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
    "SCMP_ARCH_SH",
    "SCMP_ARCH_SHEB",
    "SCMP_ARCH_X32",
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X86_64",
];
pub const FLAGS: &[&str] =
    &["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];

/// The largest error number that a filter can return (MAX_ERRNO of the kernel).
const MAX_ERRNO: u32 = 4095;
/// Far more than any profile in use has; the sizes below bound the time that a hostile one can take.
const MOST_RULES: usize = 4096;
const MOST_NAMES: usize = 65536;
const MOST_CONDITIONS: usize = 4096;

/// The program of a specification. Names that we do not know are left out: they may belong to other machines, or to a
/// newer kernel, and fall under the default action like everything that is not named.
pub fn compile(seccomp: &LinuxSeccomp) -> Result<Filter> {
    let profile = profile(seccomp).context("seccomp profile")?;
    compiler::compile(&profile, Architecture::NATIVE).map_err(|_| {
        Error::cannot_keep("seccomp profile")
            .because(format!("its program is longer than the {} instructions that the kernel takes", super::instruction::LONGEST))
            .hint("use fewer rules with arguments")
    })
}

/// Names of calls in a specification that no machine we know has: perhaps mistyped.
pub fn unknown_names(seccomp: &LinuxSeccomp) -> Vec<&str> {
    let names = seccomp.syscalls().iter().flatten().flat_map(LinuxSyscall::names).map(String::as_str);
    names.filter(|name| numbers::find(name).is_none()).collect()
}

/// SECCOMP_FILTER_FLAG_… in linux/seccomp.h.
pub mod flag {
    pub const TSYNC: u32 = 1;
    pub const LOG: u32 = 1 << 1;
    pub const SPEC_ALLOW: u32 = 1 << 2;
    pub const NEW_LISTENER: u32 = 1 << 3;
    pub const WAIT_KILLABLE_RECV: u32 = 1 << 5;
}

/// Where nothing is said, as with runc: a filter slows the program down by no mitigations.
pub fn flags(seccomp: &LinuxSeccomp) -> u32 {
    let bit = |flag: &LinuxSeccompFilterFlag| match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => flag::TSYNC,
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => flag::LOG,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => flag::SPEC_ALLOW,
    };
    match seccomp.flags() {
        Some(flags) => flags.iter().fold(0, |all, flag| all | bit(flag)),
        None => flag::SPEC_ALLOW,
    }
}

/// Whether some answer is left to another process, which then needs the filter's descriptor.
pub fn wants_listener(seccomp: &LinuxSeccomp) -> bool {
    let mut actions = seccomp.syscalls().iter().flatten().map(LinuxSyscall::action).chain([seccomp.default_action()]);
    actions.any(|action| action == LinuxSeccompAction::ScmpActNotify)
}

/// Whether that may happen to this call.
pub fn leaves_to_listener(seccomp: &LinuxSeccomp, call: &str) -> bool {
    const NOTIFY: LinuxSeccompAction = LinuxSeccompAction::ScmpActNotify;
    let rules = || seccomp.syscalls().iter().flatten().filter(|rule| rule.names().iter().any(|name| name == call));
    let decided = rules().any(|rule| rule.args().iter().flatten().count() == 0);
    rules().any(|rule| rule.action() == NOTIFY) || seccomp.default_action() == NOTIFY && !decided
}

/// Our own table, for `config.json`.
pub fn default_as_oci(capabilities: u64) -> LinuxSeccomp {
    let profile = default_table::profile(Architecture::NATIVE, capabilities);
    let syscalls: Vec<LinuxSyscall> = profile.rules.iter().map(write_rule).collect();
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .default_errno_ret(u32::from(EPERM))
        .architectures(profile.architectures.iter().map(|one| write_architecture(*one)).collect::<Vec<_>>())
        .syscalls(syscalls)
        .build()
        .expect("nothing is required but what is given")
}

pub(super) fn profile(seccomp: &LinuxSeccomp) -> Result<Profile<'_>> {
    let syscalls: &[LinuxSyscall] = seccomp.syscalls().as_deref().unwrap_or_default();
    let names: usize = syscalls.iter().map(|rule| rule.names().len()).sum();
    let conditions: usize = syscalls.iter().map(|rule| rule.args().iter().flatten().count() * rule.names().len()).sum();
    for (what, count, most) in
        [("rules", syscalls.len(), MOST_RULES), ("names", names, MOST_NAMES), ("conditions", conditions, MOST_CONDITIONS)]
    {
        if count > most {
            return Err(Error::damaged(format!("it has {count} {what}, more than {most}")));
        }
    }
    let default = action(seccomp.default_action(), seccomp.default_errno_ret()).context("defaultAction")?;
    let architectures = seccomp.architectures().iter().flatten().filter_map(read_architecture).collect();
    let rules = syscalls.iter().enumerate().map(|(n, rule)| read_rule(rule).with_context(|| format!("syscalls[{n}]")));
    Ok(Profile { default, architectures, rules: rules.collect::<Result<_>>()? })
}

fn read_rule(rule: &LinuxSyscall) -> Result<Rule<'_>> {
    if rule.names().is_empty() {
        return Err(Error::damaged("it names no call"));
    }
    let conditions = rule.args().iter().flatten().map(read_condition).collect::<Result<_>>()?;
    Ok(Rule { names: rule.names().iter().map(String::as_str).collect(), action: action(rule.action(), rule.errno_ret())?, conditions })
}

fn action(action: LinuxSeccompAction, errno: Option<u32>) -> Result<Action> {
    let number = errno.unwrap_or(u32::from(EPERM));
    // The specification wants an error where a number is given that could not be returned.
    let takes_number = matches!(action, LinuxSeccompAction::ScmpActErrno | LinuxSeccompAction::ScmpActTrace);
    if !takes_number && errno.is_some_and(|number| number != 0) {
        return Err(Error::damaged("errnoRet").because("this action returns no error number").hint("leave errnoRet out"));
    }
    if number > MAX_ERRNO {
        return Err(Error::damaged(format!("errnoRet {number}")).because(format!("error numbers end at {MAX_ERRNO}")));
    }
    let number = number as u16;
    Ok(match action {
        // SCMP_ACT_KILL has meant the thread ever since; the specification keeps the name for that.
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => Action::KillThread,
        LinuxSeccompAction::ScmpActKillProcess => Action::KillProcess,
        LinuxSeccompAction::ScmpActTrap => Action::Trap,
        LinuxSeccompAction::ScmpActErrno => Action::Errno(number),
        LinuxSeccompAction::ScmpActNotify => Action::Notify,
        LinuxSeccompAction::ScmpActTrace => Action::Trace(number),
        LinuxSeccompAction::ScmpActLog => Action::Log,
        LinuxSeccompAction::ScmpActAllow => Action::Allow,
    })
}

fn read_condition(argument: &LinuxSeccompArg) -> Result<Condition> {
    let (value, second) = (argument.value(), argument.value_two().unwrap_or(0));
    let index = u8::try_from(argument.index()).ok().filter(|index| *index < 6);
    let index = index.ok_or_else(|| Error::damaged(format!("args index {}", argument.index())).because("a call has arguments 0 to 5"))?;
    let (compare, value) = match argument.op() {
        LinuxSeccompOperator::ScmpCmpNe => (Compare::NotEqual, value),
        LinuxSeccompOperator::ScmpCmpLt => (Compare::Less, value),
        LinuxSeccompOperator::ScmpCmpLe => (Compare::LessOrEqual, value),
        LinuxSeccompOperator::ScmpCmpEq => (Compare::Equal, value),
        LinuxSeccompOperator::ScmpCmpGe => (Compare::GreaterOrEqual, value),
        LinuxSeccompOperator::ScmpCmpGt => (Compare::Greater, value),
        // The mask comes first, what must be left of the argument second.
        LinuxSeccompOperator::ScmpCmpMaskedEq => (Compare::MaskedEqual(value), second),
    };
    Ok(Condition { index, compare, value })
}

/// None for machines whose programs no kernel of ours can run: a specification may list them without effect.
fn read_architecture(arch: &Arch) -> Option<Architecture> {
    match arch {
        Arch::ScmpArchNative => Some(Architecture::NATIVE),
        Arch::ScmpArchX86 => Some(Architecture::X86),
        Arch::ScmpArchX86_64 => Some(Architecture::X86_64),
        Arch::ScmpArchX32 => Some(Architecture::X32),
        Arch::ScmpArchArm => Some(Architecture::Arm),
        Arch::ScmpArchAarch64 => Some(Architecture::Aarch64),
        _ => None,
    }
}

fn write_architecture(architecture: Architecture) -> Arch {
    match architecture {
        Architecture::X86_64 => Arch::ScmpArchX86_64,
        Architecture::X32 => Arch::ScmpArchX32,
        Architecture::X86 => Arch::ScmpArchX86,
        Architecture::Aarch64 => Arch::ScmpArchAarch64,
        Architecture::Arm => Arch::ScmpArchArm,
    }
}

fn write_rule(rule: &Rule) -> LinuxSyscall {
    let names: Vec<String> = rule.names.iter().map(|name| (*name).to_owned()).collect();
    let builder = LinuxSyscallBuilder::default().names(names);
    // The table allows or returns an error number, nothing else.
    let builder = match rule.action {
        Action::Errno(number) => builder.action(LinuxSeccompAction::ScmpActErrno).errno_ret(u32::from(number)),
        _ => builder.action(LinuxSeccompAction::ScmpActAllow),
    };
    let builder =
        if rule.conditions.is_empty() { builder } else { builder.args(rule.conditions.iter().map(write_condition).collect::<Vec<_>>()) };
    builder.build().expect("nothing is required but what is given")
}

fn write_condition(condition: &Condition) -> LinuxSeccompArg {
    let builder = LinuxSeccompArgBuilder::default().index(usize::from(condition.index)).value(condition.value);
    let builder = match condition.compare {
        Compare::NotEqual => builder.op(LinuxSeccompOperator::ScmpCmpNe),
        Compare::Less => builder.op(LinuxSeccompOperator::ScmpCmpLt),
        Compare::LessOrEqual => builder.op(LinuxSeccompOperator::ScmpCmpLe),
        Compare::Equal => builder.op(LinuxSeccompOperator::ScmpCmpEq),
        Compare::GreaterOrEqual => builder.op(LinuxSeccompOperator::ScmpCmpGe),
        Compare::Greater => builder.op(LinuxSeccompOperator::ScmpCmpGt),
        Compare::MaskedEqual(mask) => builder.op(LinuxSeccompOperator::ScmpCmpMaskedEq).value(mask).value_two(condition.value),
    };
    builder.build().expect("nothing is required but what is given")
}

#[cfg(test)]
mod tests {
    use super::super::capability_names::{DEFAULT, EVERY};
    use super::*;

    fn section(json: &str) -> LinuxSeccomp {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn our_table_as_text_compiles_to_our_filter() {
        for capabilities in [0, DEFAULT, EVERY] {
            let text = serde_json::to_string(&default_as_oci(capabilities)).unwrap();
            assert_eq!(compile(&section(&text)).unwrap(), *super::super::default_filter(capabilities));
        }
    }

    #[test]
    fn every_action_has_the_kernel_s_value() {
        let cases = [
            ("SCMP_ACT_KILL", 0),
            ("SCMP_ACT_KILL_THREAD", 0),
            ("SCMP_ACT_KILL_PROCESS", 0x8000_0000),
            ("SCMP_ACT_TRAP", 0x0003_0000),
            ("SCMP_ACT_ERRNO", 0x0005_0001),
            ("SCMP_ACT_TRACE", 0x7ff0_0001),
            ("SCMP_ACT_LOG", 0x7ffc_0000),
            ("SCMP_ACT_NOTIFY", 0x7fc0_0000),
            ("SCMP_ACT_ALLOW", 0x7fff_0000),
        ];
        for (name, value) in cases {
            let seccomp = section(&format!(r#"{{"defaultAction":"{name}"}}"#));
            assert_eq!(profile(&seccomp).unwrap().default.verdict(), value, "{name}");
            assert_eq!(wants_listener(&seccomp), name == "SCMP_ACT_NOTIFY");
        }
    }

    #[test]
    fn flags_become_the_kernel_s_bits() {
        let seccomp = section(r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}"#);
        assert_eq!(flags(&seccomp), flag::LOG | flag::SPEC_ALLOW);
        assert_eq!(flags(&section(r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":[]}"#)), 0);
        assert_eq!(flags(&section(r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#)), flag::SPEC_ALLOW);
    }

    #[test]
    fn unknown_names_are_left_out_and_can_be_reported() {
        let seccomp = section(r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","raed"],"action":"SCMP_ACT_ALLOW"}]}"#);
        assert_eq!(unknown_names(&seccomp), ["raed"]);
        let without = section(r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}"#);
        assert_eq!(compile(&seccomp).unwrap(), compile(&without).unwrap());
    }

    #[test]
    fn a_rule_that_cannot_be_kept_is_refused_with_its_place() {
        let cases = [
            (r#"{"names":["read"],"action":"SCMP_ACT_ALLOW","errnoRet":5}"#, "seccomp profile: syscalls[0]: errnoRet"),
            (r#"{"names":["read"],"action":"SCMP_ACT_ERRNO","errnoRet":4096}"#, "seccomp profile: syscalls[0]: errnoRet 4096"),
            (r#"{"names":[],"action":"SCMP_ACT_ALLOW"}"#, "seccomp profile: syscalls[0]: it names no call"),
            (
                r#"{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]}"#,
                "seccomp profile: syscalls[0]: args index 6",
            ),
        ];
        for (rule, message) in cases {
            let seccomp = section(&format!(r#"{{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{rule}]}}"#));
            let error = compile(&seccomp).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        let many = vec![r#"{"names":["read"],"action":"SCMP_ACT_ALLOW"}"#; MOST_RULES + 1].join(",");
        assert!(compile(&section(&format!(r#"{{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{many}]}}"#))).is_err());
    }
}
