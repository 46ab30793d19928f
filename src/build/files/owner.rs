//! Whose `--chown` makes the files.

use crate::error::{Context, Error, Result};
use crate::spec::user;
use crate::sys::beneath::Directory;
use crate::sys::{Errno, file};

/// No honest list of users comes near it.
const LONGEST_LIST: u64 = 10 << 20;

/// `user`, `user:group` or `:group`. Names are looked up in `root`, where the files go; a number is nobody else than itself, and its
/// group has the same one if none is named. `None`: there is nothing to look anything up in (`--link`).
pub fn owner(wish: &str, root: Option<&Directory>) -> Result<(u32, u32)> {
    let (user, group) = wish.split_once(':').unwrap_or((wish, ""));
    let list = |name: &str| match root {
        Some(root) => text(root, name),
        None => Err(Error::usage(format!("--chown={wish} cannot be found"))
            .because("--link copies without looking at the image")
            .hint("write numbers")),
    };
    let wrong = |why: String| Error::no_such(format!("--chown={wish}")).because(why).hint("name a user of the image, or a number");
    let (uid, own_group) = match is_number(user) {
        _ if user.is_empty() => (0, 0),
        // The words for what is out of range are the same for all numbers.
        true => user::resolve(user, "", "").map(|found| (found.uid, found.uid)).map_err(wrong)?,
        false => user::resolve(user, &list("etc/passwd")?, "").map(|found| (found.uid, found.gid)).map_err(wrong)?,
    };
    let gid = match group {
        "" => own_group,
        group if is_number(group) => user::group(group, "").map_err(wrong)?,
        group => user::group(group, &list("etc/group")?).map_err(wrong)?,
    };
    Ok((uid, gid))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The image may have anything there: a symlink, a fifo, gigabytes (CVE-2024-9676).
fn text(root: &Directory, name: &str) -> Result<String> {
    let what = || format!("cannot read the image's /{name}");
    let bytes = match root.open_inside(name.as_bytes()) {
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(String::new()),
        other => file::read_bounded_from(other.with_context(what)?, LONGEST_LIST),
    };
    match bytes {
        Err(Errno::EINVAL | Errno::EFBIG) => Err(Error::damaged(what()).because("it is no file, or too long")),
        other => Ok(String::from_utf8_lossy(&other.with_context(what)?).into_owned()),
    }
}
