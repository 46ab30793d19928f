//! Capabilities that a specification asks for and that cannot be given: they are left out and told, as it wants it, because a
//! runtime may itself be confined. A process never gets more by that, only less.

use crate::spec::capabilities;
use crate::sys::identity::Capabilities;

/// What was left out, as masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// We do not hold them ourselves.
    pub lacking: u64,
    /// Ambient ones must be permitted and inheritable (capabilities(7)); the specification's own example asks for others, and so
    /// does buildah.
    pub not_ambient: u64,
}

/// `own`: what the one who starts the process holds in the process's user namespace.
pub fn fit(sets: &mut Capabilities, own: u64) -> LeftOut {
    let lacking = (sets.effective | sets.permitted | sets.inheritable) & !own;
    for set in [&mut sets.effective, &mut sets.permitted, &mut sets.inheritable] {
        *set &= own;
    }
    let possible = sets.permitted & sets.inheritable;
    let not_ambient = sets.ambient & own & !possible;
    sets.ambient &= possible;
    LeftOut { lacking, not_ambient }
}

/// For a warning; `None`: nothing was left out.
pub fn names(mask: u64) -> Option<String> {
    (mask != 0).then(|| capabilities::of_mask(mask).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_given_is_left() {
        let mut sets = Capabilities { bounding: 0b111, effective: 0b101, permitted: 0b101, inheritable: 0b001, ambient: 0b101 };
        assert_eq!(fit(&mut sets, 0b111), LeftOut { lacking: 0, not_ambient: 0b100 });
        assert_eq!(sets, Capabilities { bounding: 0b111, effective: 0b101, permitted: 0b101, inheritable: 0b001, ambient: 0b001 });
        assert_eq!(fit(&mut sets, 0b110), LeftOut { lacking: 0b001, not_ambient: 0 });
        assert_eq!(sets, Capabilities { bounding: 0b111, effective: 0b100, permitted: 0b100, inheritable: 0, ambient: 0 });
        assert_eq!((names(1 << 24).as_deref(), names(0)), (Some("CAP_SYS_RESOURCE"), None));
    }
}
