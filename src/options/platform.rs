//! `--platform OS[/ARCHITECTURE[/VARIANT]]`: for which kind of machine the image shall be. Containers run here, so theirs must be this
//! one's; images may be made and fetched for others.

use crate::error::{Error, Result};
use crate::names;
use std::fmt;

/// For which machine something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
}

/// The architecture that this program was made for.
const OWN: &str = if cfg!(target_arch = "x86_64") {
    "amd64"
} else if cfg!(target_arch = "aarch64") {
    "arm64"
} else if cfg!(target_arch = "riscv64") {
    "riscv64"
} else {
    "unknown"
};

impl Platform {
    pub fn own() -> Platform {
        Platform { os: "linux".into(), architecture: OWN.into(), variant: None }
    }

    /// As it is typed; what is left out is this machine's.
    pub fn parse(text: &str) -> Result<Platform> {
        let own = Platform::own();
        let wrong = || Error::usage(format!("{text:?} is not a platform")).hint(format!("write it like {own}"));
        if text.contains(',') {
            return Err(Error::cannot_keep("one image is for one platform").hint("build once for each"));
        }
        let (os, machine, variant) = match text.split('/').collect::<Vec<_>>()[..] {
            ["linux"] => return Ok(own),
            [os] if SYSTEMS.contains(&os) => return Err(wrong().because("there is no architecture")),
            [machine] => ("linux", architecture(machine), None),
            [os, machine] => (os, architecture(machine), None),
            // v8 is the only arm64 there is, and images leave it out.
            [os, "arm64" | "aarch64", "v8"] => (os, "arm64", None),
            [os, machine, variant] if is_variant(variant) => (os, architecture(machine), Some(variant.to_owned())),
            _ => return Err(wrong()),
        };
        for (word, known, what) in [(os, SYSTEMS, "system"), (machine, MACHINES, "architecture")] {
            if !known.contains(&word) {
                let unknown = Error::usage(format!("{text:?} is not a platform")).because(format!("no {what} is called {word:?}"));
                return Err(unknown.hint(names::one_of(word, known)));
            }
        }
        Ok(Platform { os: os.into(), architecture: machine.into(), variant })
    }
}

/// For which images are made, as they name them.
const SYSTEMS: &[&str] = &["linux", "windows", "darwin", "freebsd", "wasi"];
const MACHINES: &[&str] =
    &["amd64", "arm64", "386", "arm", "riscv64", "ppc64le", "ppc64", "s390x", "loong64", "mips", "mipsle", "mips64", "mips64le", "wasm"];

/// `v7`, `v3`; of other architectures something as short.
fn is_variant(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// `machine` as Rust names it (`x86_64`).
pub fn check(text: &str, machine: &str) -> Result<()> {
    let ours = architecture(machine);
    let parts: Vec<&str> = text.split('/').collect();
    let (os, wanted, variant) = match parts[..] {
        // Docker also takes the architecture alone.
        [one] if one != "linux" && architecture(one) == ours => return Ok(()),
        [os] => (os, ours, ""),
        [os, wanted] => (os, architecture(wanted), ""),
        [os, wanted, variant] => (os, architecture(wanted), variant),
        _ => return Err(Error::usage("not a platform").hint(format!("write it like linux/{ours}"))),
    };
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Error::usage("not a platform").hint(format!("write it like linux/{ours}")));
    }
    // v8 is the only arm64 there is; v1 is the amd64 that every amd64 can do.
    let variant_fits = matches!((ours, variant), (_, "") | ("arm64", "v8") | ("amd64", "v1"));
    if os != "linux" || wanted != ours || !variant_fits {
        return Err(Error::cannot_keep(format!("this machine is linux/{ours}")).hint(format!("leave --platform out, or say linux/{ours}")));
    }
    Ok(())
}

/// As images name it.
pub fn architecture(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" | "i686" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn this_machine_has_several_names() {
        for text in ["linux", "linux/amd64", "linux/x86_64", "linux/amd64/v1", "amd64"] {
            assert!(check(text, "x86_64").is_ok(), "{text}");
        }
        assert!(check("linux/arm64/v8", "aarch64").is_ok());
    }

    #[test]
    fn images_may_be_for_any_machine_that_there_is() {
        let said = |text: &str| Platform::parse(text).map(|platform| platform.to_string()).map_err(|error| error.to_string());
        for (text, means) in [
            ("linux/arm64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("aarch64", "linux/arm64"),
            ("windows/x86_64", "windows/amd64"),
        ] {
            assert_eq!(said(text).as_deref(), Ok(means));
        }
        assert_eq!(said("linux"), Ok(Platform::own().to_string()));
        assert_eq!(said("foo"), Err("\"foo\" is not a platform: no architecture is called \"foo\"".to_owned()));
        assert_eq!(said("linux/amd46").unwrap_err(), "\"linux/amd46\" is not a platform: no architecture is called \"amd46\"");
        assert_eq!(said("linus/amd64").unwrap_err(), "\"linus/amd64\" is not a platform: no system is called \"linus\"");
        for wrong in ["", "/", "linux/", "/amd64", "windows", "linux/amd64/", "linux/arm/v7/x", "linux/arm/v 7", "linux/amd64,linux/arm64"]
        {
            assert!(said(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn another_machine_is_refused_with_what_this_one_is() {
        for text in ["linux/arm64", "windows", "windows/amd64", "linux/amd64/v3", "arm64", "plan9/386"] {
            let error = check(text, "x86_64").unwrap_err();
            assert_eq!(error.kind(), Kind::CannotKeep, "{text}");
            assert!(error.to_string().contains("linux/amd64") && error.hint_text().is_some(), "{text}: {error}");
        }
        for text in ["", "linux/", "/amd64", "linux/amd64/v1/x", "linux//"] {
            assert_eq!(check(text, "x86_64").unwrap_err().kind(), Kind::Usage, "{text:?}");
        }
    }
}
