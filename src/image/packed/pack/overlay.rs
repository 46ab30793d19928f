//! What overlayfs notes in a container's own layer, in the words of an image's layer.
//!
//! Only the marks of our own mounts count. As root these are `trusted.`: a `user.overlay.opaque` may have come up with a directory of the
//! image, whose layers bear both (`tree.rs`), or may have been set by the container itself, and hides nothing there. In a user
//! namespace they are `user.`, the kernel lets nobody set them through the mount, and the others cannot even be seen.

use super::{cannot_pack, kind};
use crate::error::{Error, Result};
use crate::sys::beneath::Attribute;
use crate::sys::user_namespace;

pub const WHITEOUT: &[u8] = b".wh.";
pub const OPAQUE: &[u8] = b".wh..wh..opq";

/// As root, and in a user namespace.
const OPAQUE_MARK: [&[u8]; 2] = [b"trusted.overlay.opaque", b"user.overlay.opaque"];

pub fn is_whiteout(kind: u32, device: u64) -> bool {
    kind == kind::CHARACTER && device == 0
}

pub fn is_opaque(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|(name, value)| name == OPAQUE_MARK[usize::from(!user_namespace::is_initial())] && value == b"y")
}

/// What a layer cannot tell, or the container's own layer does not tell alone.
pub fn check(called: &[u8], attributes: &[Attribute]) -> Result<()> {
    let last = called.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if last.starts_with(WHITEOUT) {
        return Err(Error::failed(cannot_pack(called))
            .because("in a layer a name that begins with .wh. means that something is removed")
            .hint("give it another name, or remove it"));
    }
    // Where the kernel does it unasked, and the container was made by a version that did not forbid it.
    let elsewhere = |name: &[u8]| matches!(name, b"trusted.overlay.redirect" | b"trusted.overlay.metacopy");
    if attributes.iter().any(|(name, _)| elsewhere(name)) {
        return Err(Error::failed(cannot_pack(called))
            .because("overlayfs has noted only where it lies in the image (redirect_dir or metacopy of this kernel)")
            .hint("copy it inside the container, and remove the old one"));
    }
    Ok(())
}

/// Overlayfs keeps its own books in attributes, and labels belong to the host.
pub fn travels(name: &[u8]) -> bool {
    const STAY: &[&[u8]] = &[b"trusted.overlay.", b"user.overlay.", b"security.selinux", b"security.ima", b"security.evm"];
    !STAY.iter().any(|stays| name.starts_with(stays))
}
