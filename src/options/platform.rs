//! `--platform OS[/ARCHITECTURE[/VARIANT]]`: for which kind of machine the image shall be. Containers run here, so it must be this one's.

use crate::error::{Error, Result};
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
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(Error::usage(format!("{text:?} is not a platform")).hint(format!("write it like {own}")));
        }
        match parts[..] {
            ["linux"] => Ok(own),
            [one] => Ok(Platform { architecture: architecture(one).into(), ..own }),
            [os, wanted] => Ok(Platform { os: os.into(), architecture: architecture(wanted).into(), variant: None }),
            // v8 is the only arm64 there is, and images leave it out.
            [os, "arm64" | "aarch64", "v8"] => Ok(Platform { os: os.into(), architecture: "arm64".into(), variant: None }),
            [os, wanted, variant] => {
                Ok(Platform { os: os.into(), architecture: architecture(wanted).into(), variant: Some(variant.into()) })
            }
            _ => Err(Error::usage(format!("{text:?} is not a platform")).hint(format!("write it like {own}"))),
        }
    }
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
