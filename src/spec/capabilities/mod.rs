//! Pieces of root's power: what `--cap-add` and `--cap-drop` make of the set that every container starts with.

pub mod names;

pub use names::{BY_DEFAULT, DEFAULT, EVERY, of_mask};

use crate::error::{Error, Result};
use crate::names::did_you_mean;

/// A capability as people write it: `CAP_NET_ADMIN`, `net_admin`.
pub fn parse(word: &str) -> Result<u64> {
    let upper = word.to_ascii_uppercase();
    let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
    names::find(&format!("CAP_{short}")).ok_or_else(|| {
        let hint = did_you_mean(short, names::NAMES.iter().map(|name| &name["CAP_".len()..]));
        let hint = hint.unwrap_or_else(|| "capabilities(7) lists them; ALL means every one".to_owned());
        Error::usage(format!("unknown capability {word:?}")).hint(hint)
    })
}

/// What is left of the default set, as Docker reckons: `--cap-add ALL` is all but those dropped by name, `--cap-drop ALL` only the
/// added, otherwise the default without the dropped and with the added, which win.
pub fn after_changes<W: AsRef<str>>(added: &[W], dropped: &[W]) -> Result<u64> {
    let (add, add_all) = read(added)?;
    let (drop, drop_all) = read(dropped)?;
    Ok(match (add_all, drop_all) {
        (true, _) => EVERY & !drop,
        (false, true) => add,
        (false, false) => DEFAULT & !drop | add,
    })
}

/// The capabilities named one by one, and whether ALL is among the words.
fn read<W: AsRef<str>>(words: &[W]) -> Result<(u64, bool)> {
    let is_all = |word: &str| word.eq_ignore_ascii_case("ALL") || word.eq_ignore_ascii_case("CAP_ALL");
    let mut mask = 0;
    for word in words.iter().map(AsRef::as_ref).filter(|word| !is_all(word)) {
        mask |= parse(word)?;
    }
    Ok((mask, words.iter().any(|word| is_all(word.as_ref()))))
}

#[cfg(test)]
mod tests {
    use super::names::bit;
    use super::*;

    #[test]
    fn the_default_set_is_what_docker_gives() {
        assert_eq!(DEFAULT, 0x0000_0000_a804_25fb);
    }

    #[test]
    fn bits_are_those_of_the_kernel() {
        assert_eq!(bit("CAP_SYS_ADMIN"), 1 << 21);
        assert_eq!(bit("CAP_CHECKPOINT_RESTORE"), 1 << 40);
        assert_eq!(EVERY, 0x1ff_ffff_ffff);
        for (n, capability) in caps::all().iter().map(|capability| (capability.index(), capability.to_string())) {
            assert_eq!(names::NAMES[usize::from(n)], capability);
        }
        assert_eq!(of_mask(1 << 5 | 1).collect::<Vec<_>>(), ["CAP_CHOWN", "CAP_KILL"]);
    }

    #[test]
    fn a_capability_is_understood_in_any_case_and_without_its_prefix() {
        for word in ["NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_net_admin"] {
            assert_eq!(parse(word).unwrap(), 1 << 12, "{word}");
        }
    }

    #[test]
    fn an_unknown_capability_is_refused_with_the_nearest() {
        let error = parse("SYS_PTRCE").unwrap_err();
        assert_eq!(error.to_string(), "unknown capability \"SYS_PTRCE\"");
        assert!(error.hint_text().is_some_and(|hint| hint.starts_with("did you mean SYS_PTRACE")), "{error:?}");
        for word in ["", "CAP_", "CAP_CAP_CHOWN", "chown "] {
            assert!(parse(word).is_err(), "{word}");
        }
    }

    #[test]
    fn additions_and_drops_change_the_default_set() {
        let none: [&str; 0] = [];
        assert_eq!(after_changes(&none, &none).unwrap(), DEFAULT);
        assert_eq!(after_changes(&["sys_admin"], &["CHOWN"]).unwrap(), (DEFAULT & !1) | 1 << 21);
        assert_eq!(after_changes(&["CHOWN"], &["CHOWN"]).unwrap(), DEFAULT);
        assert_eq!(after_changes(&none, &["all"]).unwrap(), 0);
        assert_eq!(after_changes(&["NET_RAW"], &["ALL"]).unwrap(), 1 << 13);
        assert_eq!(after_changes(&["ALL"], &["NET_RAW"]).unwrap(), EVERY & !(1 << 13));
        assert_eq!(after_changes(&["ALL"], &["ALL"]).unwrap(), EVERY);
        assert!(after_changes(&["ALL", "WHAT"], &none).is_err());
    }
}
