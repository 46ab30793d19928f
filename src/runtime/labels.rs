//! Labels of security modules: AppArmor's profile and SELinux's contexts. Refused where the kernel has no such module.

use crate::error::{Error, Result};
use oci_spec::runtime::{Linux, Process};
use std::ffi::{CStr, CString};
use std::path::Path;

/// What the process shall be from its program on.
#[derive(Clone, Debug)]
pub struct Label {
    /// Files of /proc in which the kernel is told, the better one first.
    pub attributes: &'static [&'static CStr],
    pub text: CString,
}

impl Label {
    pub fn of_process(process: &Process) -> Result<Option<Label>> {
        let text = |words: String| CString::new(words).map_err(|_| Error::usage("a label has a zero byte in it"));
        if let Some(profile) = wish(process.apparmor_profile()) {
            match has_apparmor() {
                // Then everybody is.
                false if profile == "unconfined" => {}
                false => return Err(absent("process.apparmorProfile", "AppArmor")),
                true => {
                    let attributes = &[c"self/attr/apparmor/exec", c"self/attr/exec"];
                    return Ok(Some(Label { attributes, text: text(format!("exec {profile}"))? }));
                }
            }
        }
        match wish(process.selinux_label()) {
            Some(_) if !has_selinux() => Err(absent("process.selinuxLabel", "SELinux")),
            Some(context) => Ok(Some(Label { attributes: &[c"self/attr/exec"], text: text(context.to_owned())? })),
            None => Ok(None),
        }
    }
}

/// The option that gives every file of a new file system the label of `linux.mountLabel`.
pub fn of_mounts(linux: &Linux) -> Result<Option<String>> {
    match wish(linux.mount_label()) {
        Some(_) if !has_selinux() => Err(absent("linux.mountLabel", "SELinux")),
        Some(label) if label.contains('"') => Err(Error::damaged(format!("linux.mountLabel {label:?}"))),
        label => Ok(label.map(|label| format!("context=\"{label}\""))),
    }
}

fn wish(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

fn absent(field: &str, module: &str) -> Error {
    Error::cannot_keep(format!("cannot keep {field}")).because(format!("this kernel has no {module}")).hint("leave it out")
}

fn has_apparmor() -> bool {
    std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y'))
}

/// The kernel makes the directory where SELinux is on.
fn has_selinux() -> bool {
    Path::new("/sys/fs/selinux").exists()
}
