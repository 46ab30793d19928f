//! What of an image cannot be put down as it was packed, by who is root of a user namespace only, and so is told in the end.
//!
//! An owner who does not exist in the namespace becomes root, as everybody is who is alone there; a file that ran with its owner's
//! rights does not run with root's. A device file becomes a whiteout, so that neither it nor what lies below it is seen: only the
//! machine's root makes device files, and containers have those that they need from elsewhere.

use crate::error::Error;
use crate::image::entries::{Entry, What, shown_bytes};
use crate::sys::user_namespace;
use std::sync::{Mutex, PoisonError};

/// How often, and where first. Layers come in side by side.
#[derive(Debug, Default)]
pub struct Lost {
    owners: Mutex<Option<Case>>,
    devices: Mutex<Option<Case>>,
}

#[derive(Debug)]
struct Case {
    count: u64,
    first: String,
}

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;

impl Lost {
    /// Makes of the entry what can be put down here.
    pub fn adapt(&self, entry: &mut Entry) {
        if user_namespace::is_initial() {
            return;
        }
        if settle(entry) {
            note(&self.owners, entry);
        }
        if matches!(entry.what, What::Character | What::Block) && entry.device != (0, 0) {
            note(&self.devices, entry);
            (entry.what, entry.device) = (What::Character, (0, 0));
        }
    }

    /// For whoever asked for the image.
    pub fn told(&self) -> Vec<Error> {
        let taken = |case: &Mutex<Option<Case>>| case.lock().unwrap_or_else(PoisonError::into_inner).take();
        let owners = taken(&self.owners).map(|case| {
            let said = Error::failed(format!("note: {}, and root's here", files(&case, "belongs to somebody else", "belong to others")));
            match user_namespace::count_of_users() {
                0 | 1 => said.because("there are no other users"),
                count => said
                    .because(format!("there are {count} users only"))
                    .hint("with more ids in /etc/subuid and /etc/subgid remove the image and get it again"),
            }
        });
        let devices = taken(&self.devices).map(|case| {
            Error::failed(format!("note: {}, and left out", files(&case, "is a device file", "are device files")))
                .because("only the machine's root makes those")
        });
        owners.into_iter().chain(devices).collect()
    }
}

/// Whether somebody in it does not exist here.
pub fn settle(entry: &mut Entry) -> bool {
    let (has_user, has_group) = (user_namespace::has_user(entry.uid), user_namespace::has_group(entry.gid));
    if !has_user {
        entry.uid = 0;
        entry.mode &= !SET_UID;
    }
    if !has_group {
        entry.gid = 0;
        // On a directory it says that what is made in it has the same group, which gives nobody any power.
        entry.mode &= if entry.what == What::Directory { !0 } else { !SET_GID };
    }
    !has_user || !has_group
}

fn note(case: &Mutex<Option<Case>>, entry: &Entry) {
    let mut case = case.lock().unwrap_or_else(PoisonError::into_inner);
    case.get_or_insert_with(|| Case { count: 0, first: shown_bytes(&entry.name) }).count += 1;
}

/// `3 files of the image (etc/shadow …) belong to others`
fn files(case: &Case, one: &str, many: &str) -> String {
    match case.count {
        1 => format!("a file of the image ({}) {one}", case.first),
        count => format!("{count} files of the image ({} …) {many}", case.first),
    }
}
