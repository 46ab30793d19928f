//! Promises about what may be typed for a mount.

use super::*;

fn volume(text: &str) -> Result<Volume> {
    parse_volume(text, Path::new("/home/ann"))
}
fn mount(text: &str) -> Result<Mount> {
    parse_mount(text, Path::new("/home/ann"))
}
fn bind(source: &str, target: &str, read_only: bool, propagation: &str, make_source: bool) -> Mount {
    let (below, ownership) = (Below::Seen, Ownership::Kept);
    Mount::Bind { source: source.into(), target: target.into(), read_only, propagation: propagation.into(), make_source, below, ownership }
}
fn named(name: &str, target: &str) -> VolumeMount {
    VolumeMount { name: name.into(), anonymous: name.is_empty(), target: target.into(), ..VolumeMount::default() }
}

#[test]
fn a_directory_is_bound_and_relative_ones_begin_here() {
    assert_eq!(volume("/src:/dst").unwrap().mount, bind("/src", "/dst", false, "", true));
    assert_eq!(volume("/src//x/../y/:/dst/:ro,rslave").unwrap().mount, bind("/src/y", "/dst", true, "rslave", true));
    assert_eq!(volume("./x:/d").unwrap().mount, bind("/home/ann/x", "/d", false, "", true));
    assert_eq!(volume("../x:/d").unwrap().mount, bind("/home/x", "/d", false, "", true));
    assert!(volume("/a:/b:ro,Z").unwrap().relabel);
}

#[test]
fn a_word_is_a_volume_s_name_and_a_target_alone_wants_one_without() {
    assert_eq!(volume("data:/data").unwrap().mount, Mount::Volume(named("data", "/data")));
    assert_eq!(volume("/data/").unwrap().mount, Mount::Volume(named("", "/data")));
    let read_only = VolumeMount { read_only: true, no_copy: true, ..named("my.data", "/x") };
    assert_eq!(volume("my.data:/x:ro,nocopy").unwrap().mount, Mount::Volume(read_only));
    assert_eq!(mount("target=/x").unwrap(), Mount::Volume(named("", "/x")));
    let part = VolumeMount { subpath: Some("a/b".into()), labels: vec![("k".into(), "v".into())], ..named("data", "/x") };
    assert_eq!(mount("type=volume,src=data,dst=/x,volume-subpath=a/b,volume-label=k=v").unwrap(), Mount::Volume(part));
}

#[test]
fn whose_the_files_are_can_be_chosen() {
    let of = |text: &str| volume(text).unwrap().mount.ownership().clone();
    assert_eq!(of("/a:/b:U"), Ownership::Given);
    assert_eq!(of("data:/b:ro,idmap"), Ownership::Exchanged);
    assert!(matches!(of("/a:/b:idmap=uids=0-1000-1;gids=0-1000-1"), Ownership::Mapped(_)));
    assert_eq!(mount("type=bind,src=/a,dst=/b,U").unwrap().ownership(), &Ownership::Given);
    assert!(mount("type=tmpfs,dst=/b,idmap").is_err());
}

#[test]
fn what_is_mounted_below_a_source_can_be_seen_written_or_hidden() {
    let of = |words: &str| match mount(&format!("type=bind,src=/a,dst=/b,{words}")) {
        Ok(Mount::Bind { below, .. }) => Some(below),
        _ => None,
    };
    assert_eq!(of("bind-recursive=enabled"), Some(Below::Seen));
    assert_eq!(of("bind-recursive=disabled"), Some(Below::Hidden));
    assert_eq!(of("bind-nonrecursive"), Some(Below::Hidden));
    assert_eq!(of("bind-recursive=writable,readonly"), Some(Below::Writable));
    assert_eq!(of("bind-recursive=readonly,readonly,bind-propagation=rprivate"), Some(Below::Seen));
    assert_eq!(of("bind-recursive=writable"), None);
    assert_eq!(of("bind-recursive=readonly,readonly"), None);
    assert_eq!(of("bind-recursive=sometimes"), None);
}

#[test]
fn bad_volumes_are_refused() {
    for text in [
        "",
        ":/x",
        "/a:",
        "/a:b",
        "/a:/",
        "/a:/..",
        "/a:/b:rx",
        "/a:/b:ro:x",
        "/a:/b:nocopy",
        "a/b:/c",
        "x:/c",
        "data:/c:rslave",
        "data",
        "data:/b:idmap=x",
    ] {
        assert!(volume(text).is_err(), "{text}");
    }
}

#[test]
fn mounts_are_read_field_by_field() {
    assert_eq!(mount("type=bind,source=/a,target=/b").unwrap(), bind("/a", "/b", false, "", false));
    assert_eq!(mount("type=bind,src=./a,dst=/b,ro,bind-propagation=rshared").unwrap(), bind("/home/ann/a", "/b", true, "rshared", false));
    assert_eq!(mount("type=bind,\"src=/a,b\",dst=/c,readonly=false").unwrap(), bind("/a,b", "/c", false, "", false));
    let options = vec!["size=67108864".to_owned(), "mode=1777".to_owned(), "ro".to_owned()];
    assert_eq!(
        mount("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777,readonly").unwrap(),
        Mount::Tmpfs { target: "/t".into(), options }
    );
}

#[test]
fn bad_mounts_are_refused() {
    for text in [
        "",
        "type=bind",
        "type=bind,source=/a",
        "type=bind,target=/b",
        "type=bind,source=a,target=/b",
        "type=what,target=/b",
        "type=bind,source=/a,target=/b,x=y",
        "type=tmpfs,source=/a,target=/b",
        "type=tmpfs,target=/b,tmpfs-mode=9",
        "type=bind,source=/a,target=b",
        "type=bind,source=/a,target=/b,readonly=maybe",
        "type=bind,source=/a,target=/b,bind-propagation=up",
        "type=bind,\"source=/a,target=/b",
        "type=tmpfs,target=/b,tmpfs-size=big",
        "type=tmpfs,target=/b,bind-propagation=rslave",
        "type=bind,source=/a,target=/b,volume-nocopy",
        "type=bind,source=/a,target=/b,tmpfs-size=1m",
        "type=volume,source=/a,target=/b",
        "type=volume,source=data,target=/b,volume-subpath=../x",
        "type=volume,source=data,target=/b,volume-subpath=/etc",
        "type=volume,source=data,target=/b,volume-driver=rexray",
        "type=volume,source=data,target=/b,volume-opt=type=tmpfs",
    ] {
        assert!(mount(text).is_err(), "{text}");
    }
}

#[test]
fn a_tmpfs_takes_only_what_tmpfs_knows() {
    let options = vec!["size=10%".to_owned(), "uid=5".to_owned(), "exec".to_owned()];
    assert_eq!(parse_tmpfs("/run:size=10%,uid=5,exec").unwrap(), Mount::Tmpfs { target: "/run".into(), options });
    for text in ["run", "/", "/run:lowerdir=/etc", "/run:size=big", "/run:mode=99", "/run:bind", "/run:uid=-1", "/run:mode=+7"] {
        assert!(parse_tmpfs(text).is_err(), "{text}");
    }
}

#[test]
fn one_path_is_mounted_once() {
    let twice = [parse_tmpfs("/a").unwrap(), volume("/x:/a/").unwrap().mount];
    assert!(check_targets(&twice).is_err());
    assert!(check_targets(&twice[..1]).is_ok());
}
