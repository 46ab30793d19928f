//! Whether containers of an ordinary user can be kept where his store lies: asked before the first file is made there.

use crate::error::{Error, Result};
use crate::sys::{Errno, file, mount};
use std::path::{Path, PathBuf};

/// What overlay cannot have its upper layer on, or the owners of files would not be kept: magic numbers of statfs(2).
const UNFIT: [(i64, &str); 8] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "a share of Windows (cifs)"),
    (0xfe53_4d42, "a share of Windows (smb)"),
    (0x6573_5546, "FUSE"),
    (0x794c_7630, "an overlay, as in a container"),
    (0x0102_1997, "a share of a virtual machine (9p)"),
    (0xf15f, "ecryptfs"),
    (0x4d44, "FAT"),
];

/// What is wrong with a place, which need not be there yet.
pub fn check(store: &Path) -> Result<()> {
    let Some(place) = above(store) else { return Ok(()) };
    let what = || Error::failed(format!("cannot keep containers in {}", store.display()));
    const ELSEWHERE: &str = "name a directory on a local disk: --root DIR, TARE_ROOT or XDG_DATA_HOME";
    if let Some((_, kind)) = UNFIT.iter().find(|(magic, _)| mount::lies_on(&place, *magic)) {
        return Err(what().because(format!("the layers of overlay cannot lie on {kind}")).hint(ELSEWHERE));
    }
    match file::attribute(&place, "user.overlay.opaque") {
        Err(Errno::EOPNOTSUPP) => Err(what()
            .because("its file system has no attributes of users (user.*), which overlay needs in a user namespace")
            .hint(ELSEWHERE)),
        _ if mount::executes_nothing(&place) => {
            Err(what().because("its file system is mounted noexec: no program of an image could be executed").hint(ELSEWHERE))
        }
        _ => Ok(()),
    }
}

/// In a container sudo, su and ping would do no more than whoever calls them.
pub fn ignores_setuid(store: &Path) -> bool {
    above(store).is_some_and(|place| mount::ignores_setuid(&place))
}

fn above(store: &Path) -> Option<PathBuf> {
    store.ancestors().find(|path| path.is_dir()).map(Path::to_owned)
}
