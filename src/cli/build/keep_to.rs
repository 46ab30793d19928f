//! `--cache-to`: where results of steps are kept, which of them, and whether that may fail.

use super::named::{fields, remembered};
use crate::build::request::KeepTo;
use crate::error::{Error, Result};

/// As `--cache-from`, and `mode=min|max`, `ignore-error=true`
pub fn parse(text: &str) -> Result<KeepTo> {
    let place = remembered(text, "dest")?;
    let (mut all_stages, mut may_fail) = (false, false);
    for (name, value) in fields(text).into_iter().filter(|_| text.contains('=')) {
        match (name, value) {
            ("mode", "min" | "max") => all_stages = value == "max",
            ("mode", _) => {
                return Err(Error::usage(format!("unknown mode {value:?}")).hint("min: the layers of the result; max: of all stages"));
            }
            ("ignore-error", "true" | "false") => may_fail = value == "true",
            ("ignore-error", _) => return Err(Error::usage(format!("ignore-error={value} is neither true nor false"))),
            _ => {}
        }
    }
    Ok(KeepTo { place, all_stages, may_fail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_says_which_layers_are_kept() {
        let said = |text: &str| parse(text).map(|keep| (keep.all_stages, keep.may_fail)).ok();
        assert_eq!(said("./x"), Some((false, false)));
        assert_eq!(said("type=local,dest=x,mode=max"), Some((true, false)));
        assert_eq!(said("type=registry,ref=localhost/x,mode=min,ignore-error=true"), Some((false, true)));
        assert_eq!((said("type=local,dest=x,mode=some"), said("type=local,dest=x,ignore-error=perhaps")), (None, None));
        assert_eq!(said("type=local,src=x"), None);
    }
}
