//! Whom a container's command runs as, and what the modes of files let that user execute (path_resolution(7), inode(7)).

use super::files::{Files, Owned};
use crate::spec::capabilities::names;
use crate::spec::user;

/// Longer files of users are nobody's.
const LONGEST: usize = 1 << 20;

pub struct Person {
    pub uid: u32,
    groups: Vec<u32>,
    /// Root that has CAP_DAC_OVERRIDE: the kernel asks no mode, but that somebody may execute the file.
    is_above_modes: bool,
}

impl Person {
    /// `None`: the image has no such user.
    pub fn find(files: &Files, wish: &str, more_groups: &[u32], capabilities: u64) -> Option<Person> {
        let text = |path: &str| {
            let bytes = files.find(path).map(|found| found.read(0, LONGEST)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let user = user::resolve(wish, &text("/etc/passwd"), &text("/etc/group")).ok()?;
        let above = names::find("CAP_DAC_OVERRIDE").is_some_and(|bit| capabilities & bit != 0);
        let groups = [&[user.gid], &user.groups[..], more_groups].concat();
        Some(Person { uid: user.uid, groups, is_above_modes: user.uid == 0 && above })
    }

    /// Of a directory: passes through it.
    pub fn may_execute(&self, one: &Owned) -> bool {
        if self.is_above_modes {
            return one.is_directory() || one.mode & 0o111 != 0;
        }
        let shift = match () {
            () if self.uid == one.uid => 6,
            () if self.groups.contains(&one.gid) => 3,
            () => 0,
        };
        one.mode >> shift & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_of_the_mode_counts_and_root_passes_them_all() {
        let directory = |mode: u32| Owned { path: "/d".into(), mode: 0o040_000 | mode, uid: 0, gid: 5 };
        let file = |mode: u32| Owned { path: "/d/x".into(), mode: 0o100_000 | mode, uid: 0, gid: 5 };
        let user = |uid: u32, gid: u32, is_above_modes: bool| Person { uid, groups: vec![gid], is_above_modes };
        assert!(!user(1000, 1000, false).may_execute(&directory(0o700)) && user(1000, 1000, false).may_execute(&file(0o755)));
        assert!(user(1000, 5, false).may_execute(&directory(0o710)) && !user(1000, 5, false).may_execute(&file(0o701)));
        assert!(user(0, 0, true).may_execute(&directory(0)) && !user(0, 0, true).may_execute(&file(0o600)));
        assert!(user(0, 0, true).may_execute(&file(0o001)) && !user(0, 0, false).may_execute(&file(0o001)));
    }
}
