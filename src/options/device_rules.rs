//! `--device-cgroup-rule 'c 10:200 rwm'`: what may be made and opened beside the devices that are there from the start.

use crate::error::{Error, Result};
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

/// The rule as it goes into the spec: always a permission.
pub fn parse(text: &str) -> Result<LinuxDeviceCgroup> {
    let unclear = || {
        Error::usage("not a rule for devices").hint("write kind (a, b or c), major:minor (* is any number) and some of rwm: 'c 10:200 rwm'")
    };
    let [kind, numbers, access] = text.split(' ').collect::<Vec<_>>()[..] else { return Err(unclear()) };
    let kind = match kind {
        "a" => LinuxDeviceType::A,
        "b" => LinuxDeviceType::B,
        "c" => LinuxDeviceType::C,
        _ => return Err(unclear()),
    };
    let (major, minor) = numbers.split_once(':').ok_or_else(unclear)?;
    if !super::devices::is_access(access) {
        return Err(unclear());
    }
    let mut rule = LinuxDeviceCgroup::default();
    rule.set_allow(true).set_typ(Some(kind)).set_access(Some(access.to_owned()));
    rule.set_major(number(major)?).set_minor(number(minor)?);
    Ok(rule)
}

/// `None`: any.
fn number(text: &str) -> Result<Option<i64>> {
    if text == "*" {
        return Ok(None);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // The kernel keeps 12 bits for the major and 20 for the minor number (MINORBITS); more fits nothing.
    let number = text.parse::<u32>().ok().filter(|number| digits && *number < 1 << 20);
    number.map(|number| Some(i64::from(number))).ok_or_else(|| Error::usage(format!("{text:?} is no number of a device")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_docker_writes_them() {
        for (text, written) in
            [("c 10:200 rwm", "c 10:200 rwm"), ("b 8:* r", "b 8:* r"), ("a *:* rwm", "a *:* rwm"), ("c *:3 mw", "c *:3 mw")]
        {
            let rule = parse(text).unwrap();
            assert!(rule.allow());
            assert_eq!(rule.to_string(), written);
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "",
            "c",
            "c 10:200",
            "c 10:200 x",
            "c 10:200 rr",
            "c 10 rwm",
            "d 1:1 r",
            "c 1:1:1 r",
            "c  1:1 r",
            "c -1:1 r",
            "c 1:1048576 r",
            "c :1 r",
            "c 1:1 ",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
