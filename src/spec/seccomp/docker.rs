//! A profile file as `--security-opt seccomp=FILE` takes it: Docker's form, in which rules depend on capabilities,
//! on the machine and on the kernel. What holds for one container becomes an OCI section.

use super::architecture::Architecture;
use super::capability_names;
use crate::error::{Context, Error, Result};
use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSyscall};
use serde::Deserialize;
use serde_json::value::{Map, Value};

/// Docker's own profile has 20 kB.
const LONGEST: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct File {
    /// Docker says either these …
    architectures: Option<Vec<String>>,
    /// … or what to cover on which machine.
    arch_map: Option<Vec<Family>>,
    syscalls: Option<Vec<Group>>,
    /// What means the same in an OCI section.
    #[serde(flatten)]
    section: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Family {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    /// The old form of a rule has one name.
    name: Option<String>,
    names: Option<Vec<String>>,
    action: LinuxSeccompAction,
    errno_ret: Option<u32>,
    args: Option<Vec<LinuxSeccompArg>>,
    #[serde(default)]
    includes: Option<Only>,
    #[serde(default)]
    excludes: Option<Only>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Only {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// What the rules of a file may depend on.
struct Container {
    capabilities: u64,
    kernel: (u32, u32),
}

/// `release` is that of the running kernel, as in 6.18.44-cloud.
pub fn from_docker_json(text: &str, capabilities: u64, release: &str) -> Result<LinuxSeccomp> {
    // Only who asks about the version needs to know it.
    let kernel = version(release).unwrap_or_default();
    read(text, &Container { capabilities, kernel }).context("seccomp profile")
}

fn read(text: &str, container: &Container) -> Result<LinuxSeccomp> {
    if text.len() > LONGEST {
        return Err(Error::damaged(format!("it has {} bytes, more than {LONGEST}", text.len())));
    }
    let broken = |e: serde_json::Error| Error::damaged(e.to_string());
    let File { architectures, arch_map, syscalls, mut section } = serde_json::from_str(text).map_err(broken)?;
    if !section.contains_key("defaultAction") {
        return Err(Error::damaged("defaultAction is missing").hint("to run without a filter, write --security-opt seccomp=unconfined"));
    }
    // The type of the section has no word for this flag; it only concerns filters with a listener.
    let flags = section.get("flags").and_then(Value::as_array);
    if flags.is_some_and(|flags| flags.iter().any(|flag| flag == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")) {
        return Err(Error::cannot_keep("flag SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV").because("notifications are not built yet"));
    }
    section.retain(|_, value| !value.is_null());
    let mut seccomp: LinuxSeccomp = serde_json::from_value(Value::Object(section)).map_err(broken)?;
    seccomp.set_architectures(Some(architectures_of(architectures, arch_map)?));
    let mut rules = Vec::new();
    for (n, group) in syscalls.unwrap_or_default().into_iter().enumerate() {
        if group.holds(container).with_context(|| format!("syscalls[{n}]"))? {
            rules.push(group.into_rule().with_context(|| format!("syscalls[{n}]"))?);
        }
    }
    seccomp.set_syscalls(Some(rules));
    // The errors of a rule are told when the file is read, not when a container starts.
    super::oci::profile(&seccomp)?;
    Ok(seccomp)
}

fn architectures_of(architectures: Option<Vec<String>>, families: Option<Vec<Family>>) -> Result<Vec<Arch>> {
    let (listed, families) = (architectures.unwrap_or_default(), families.unwrap_or_default());
    if !listed.is_empty() && !families.is_empty() {
        return Err(Error::damaged("it has both architectures and archMap").hint("use one of them"));
    }
    let own = families.into_iter().find(|family| Architecture::from_scmp(&family.architecture) == Some(Architecture::NATIVE));
    let covered =
        own.into_iter().flat_map(|family| std::iter::once(family.architecture).chain(family.sub_architectures.unwrap_or_default()));
    // Machines that no kernel of ours can run programs of are listed without effect.
    let known = |name: String| serde_json::from_value::<Arch>(Value::String(name)).ok();
    Ok(listed.into_iter().chain(covered).filter_map(known).collect())
}

impl Group {
    fn holds(&self, container: &Container) -> Result<bool> {
        let native = Architecture::NATIVE.docker();
        let has = |name: &String| capability_names::find(name).is_some_and(|bit| container.capabilities & bit != 0);
        let nothing = Only::default();
        let (includes, excludes) = (self.includes.as_ref().unwrap_or(&nothing), self.excludes.as_ref().unwrap_or(&nothing));
        let listed = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| list.iter().any(|one| one == native));
        let kernel_is = |wish: &Option<String>| wish.as_deref().map(|wish| Ok(container.kernel >= version(wish)?)).transpose();
        // Of the includes all must hold, of the excludes none.
        let excluded =
            listed(&excludes.arches) || excludes.caps.iter().flatten().any(has) || kernel_is(&excludes.min_kernel)?.unwrap_or(false);
        let included = includes.arches.as_ref().is_none_or(|list| list.is_empty() || listed(&includes.arches))
            && includes.caps.iter().flatten().all(has)
            && kernel_is(&includes.min_kernel)?.unwrap_or(true);
        Ok(included && !excluded)
    }

    fn into_rule(self) -> Result<LinuxSyscall> {
        let names = match (self.name, self.names.unwrap_or_default()) {
            (Some(_), names) if !names.is_empty() => return Err(Error::damaged("it has both name and names").hint("use names")),
            (Some(name), _) if !name.is_empty() => vec![name],
            (_, names) => names,
        };
        let mut rule = LinuxSyscall::default();
        rule.set_names(names).set_action(self.action).set_errno_ret(self.errno_ret).set_args(self.args);
        Ok(rule)
    }
}

fn version(text: &str) -> Result<(u32, u32)> {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    let parsed = numbers.next().zip(numbers.next()).and_then(|(major, minor)| Some((major.ok()?, minor.ok()?)));
    parsed.ok_or_else(|| Error::damaged(format!("minKernel {text:?}")).hint("write major and minor version, such as 4.8"))
}

#[cfg(test)]
mod tests {
    use super::super::capability_names::{DEFAULT, bit};
    use super::*;

    const KERNEL: &str = "6.18.44-cloud-amd64\n";

    fn names(text: &str, capabilities: u64) -> Vec<String> {
        let seccomp = from_docker_json(text, capabilities, KERNEL).unwrap();
        seccomp.syscalls().iter().flatten().flat_map(|rule| rule.names().clone()).collect()
    }

    fn file(rules: &str) -> String {
        format!(r#"{{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"syscalls":[{rules}]}}"#)
    }

    #[test]
    fn rules_hold_for_the_capabilities_and_kernel_that_they_name() {
        let text = file(
            r#"{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[],"comment":"","includes":{},"excludes":{}},
               {"names":["b"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN","CAP_CHOWN"]}},
               {"names":["c"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}},
               {"names":["d"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
               {"names":["e"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"6.19"}},
               {"names":["f"],"action":"SCMP_ACT_ALLOW","excludes":{"minKernel":"6.18"}},
               {"names":["g"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}},
               {"name":"h","action":"SCMP_ACT_ALLOW","args":null,"excludes":{"arches":["s390x"]}}"#,
        );
        assert_eq!(names(&text, DEFAULT), ["a", "c", "d", "h"]);
        assert_eq!(names(&text, DEFAULT | bit("CAP_SYS_ADMIN")), ["a", "b", "d", "h"]);
        assert_eq!(names(&text, bit("CAP_SYS_ADMIN")), ["a", "d", "h"]);
    }

    #[test]
    fn the_map_of_machines_gives_the_host_s_own_and_its_companions() {
        let text = r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":null,"archMap":[
            {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]},
            {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]},
            {"architecture":"SCMP_ARCH_LOONGARCH64","subArchitectures":null}],"syscalls":null}"#;
        let seccomp = from_docker_json(text, 0, KERNEL).unwrap();
        let native = Architecture::NATIVE;
        let wanted: Vec<&str> = std::iter::once(native).chain(native.companions().iter().copied()).map(Architecture::scmp).collect();
        assert_eq!(serde_json::to_value(seccomp.architectures()).unwrap(), serde_json::json!(wanted));
    }

    #[test]
    fn conditions_and_flags_survive() {
        let text = r#"{"defaultAction":"SCMP_ACT_LOG","flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[{"names":["clone"],
            "action":"SCMP_ACT_ERRNO","errnoRet":38,"args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}]}]}"#;
        let seccomp = from_docker_json(text, 0, KERNEL).unwrap();
        assert_eq!(super::super::flags(&seccomp), 2);
        let rule = &seccomp.syscalls().as_ref().unwrap()[0];
        assert_eq!((rule.errno_ret(), rule.args().as_ref().unwrap()[0].value()), (Some(38), 0x7e02_0000));
    }

    #[test]
    fn a_broken_file_is_refused_with_the_reason() {
        let one = |rule: &str| file(rule);
        let cases = [
            ("", "EOF"),
            ("[]", "expected an object"),
            ("{}", "defaultAction is missing"),
            (r#"{"defaultAction":"ALLOW"}"#, "unknown variant"),
            (
                r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86"}]}"#,
                "both",
            ),
            (r#"{"defaultAction":"SCMP_ACT_NOTIFY","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#, "WAIT_KILLABLE"),
            (&one(r#"{"action":"SCMP_ACT_ALLOW"}"#), "syscalls[0]: it names no call"),
            (&one(r#"{"name":"a","names":["b"],"action":"SCMP_ACT_ALLOW"}"#), "both name and names"),
            (&one(r#"{"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"new"}}"#), "minKernel"),
            (&one(r#"{"names":["a"],"action":"SCMP_ACT_ERRNO","errnoRet":70000}"#), "errnoRet 70000"),
            (&r#"{"a":"#.repeat(100_000), "recursion limit"),
            (&" ".repeat(LONGEST + 1), "bytes, more than"),
        ];
        for (text, message) in cases {
            let error = from_docker_json(text, 0, KERNEL).unwrap_err().to_string();
            assert!(error.starts_with("seccomp profile: ") && error.contains(message), "{error}");
        }
    }
}
