//! What an archive may do to a directory that is in use, and what it may not.

use super::*;
use crate::sys::file;
use std::path::{Path, PathBuf};
use tar::{EntryType, Header};

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tare-put-{name}-{}", std::process::id()));
    let _ = file::remove_tree(&path);
    file::make_dirs(&path.join("into"), 0o755).unwrap();
    file::make_dirs(&path.join("victim"), 0o755).unwrap();
    path
}

fn archive(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (kind, name, link) in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1);
        header.set_size(0);
        header.set_cksum();
        all.extend_from_slice(header.as_bytes());
    }
    all
}

fn put_into(path: &Path, entries: &[(EntryType, &str, &str)]) -> Result<()> {
    let into = Directory::open_root(&path.join("into")).unwrap();
    put(&archive(entries)[..], into, Owner::Stranger(0, 0), None, None)
}

#[test]
fn no_archive_reaches_over_the_directory_s_edge() {
    let path = scratch("edge");
    let victim = path.join("victim").display().to_string();
    for (entries, why) in [
        (&[(EntryType::Symlink, "out", &victim[..]), (EntryType::Regular, "out/x", "")][..], "symlink"),
        (&[(EntryType::Symlink, "out", "../victim"), (EntryType::Directory, "out", "")], "something else"),
        (&[(EntryType::Regular, "../victim/x", "")], "leads out"),
        (&[(EntryType::Symlink, "out", &victim), (EntryType::Link, "x", "out/file")], "symlink"),
        (&[(EntryType::Link, "x", "../victim")], "leads out"),
    ] {
        let error = put_into(&path, entries).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(std::fs::read_dir(path.join("victim")).unwrap().count(), 0);
    file::remove_tree(&path).unwrap();
}

#[test]
fn a_directory_stays_and_anything_else_gives_way() {
    let path = scratch("way");
    put_into(&path, &[(EntryType::Regular, "made/on/the/way", ""), (EntryType::Regular, "made/.wh.x", "")]).unwrap();
    put_into(&path, &[(EntryType::Symlink, "made/on/the/way", "anywhere"), (EntryType::Directory, "made/on/", "")]).unwrap();
    assert_eq!(std::fs::read_link(path.join("into/made/on/the/way")).unwrap(), Path::new("anywhere"));
    put_into(&path, &[(EntryType::Regular, "made/on/the/way", "")]).unwrap();
    assert!(path.join("into/made/on/the/way").is_file() && path.join("into/made/.wh.x").is_file());
    assert!(put_into(&path, &[(EntryType::Regular, "made/on", "")]).unwrap_err().to_string().contains("directory"));
    file::remove_tree(&path).unwrap();
}
