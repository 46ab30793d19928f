//! Writes the images that must not be unpacked to files:  main DIRECTORY
//!
//! They are made where the tests make them (tests/common/broken.rs); this only puts them on disk, with a list of what must
//! become of each.

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/common/archive.rs"]
mod archive;
#[path = "../../tests/common/broken.rs"]
mod broken;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).expect("usage: broken DIRECTORY"));
    std::fs::create_dir_all(&dir)?;
    let mut manifest =
        String::from("# FILE<TAB>WHAT MUST HAPPEN: refuse (an error, nothing left) or stay-inside (loads, touches nothing outside)\n");
    for image in broken::all("/victim") {
        let must = match image.must {
            broken::Must::Refuse => "refuse",
            broken::Must::StayInside => "stay-inside",
        };
        let file = format!("{}.tar", image.name);
        std::fs::write(dir.join(&file), image.archive)?;
        manifest += &format!("{file}\t{must}\n");
    }
    std::fs::write(dir.join("MANIFEST"), manifest)
}
