//! Images that must not be unpacked, or only harmlessly: every way in which engines were broken by archives.
//!
//! One list for two readers: the test that loads them all, and `images/broken/build`, which writes them to files for whoever
//! wants to try another engine. Each says what must become of it.

use super::archive::{Image, Layer, bundle, gzip, sha256};
use serde_json::json;
use tar::EntryType;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// An error, and nothing is left in the store.
    Refuse,
    /// It is an image, if a strange one; all of it stays below the layer's own root.
    StayInside,
}

pub struct Broken {
    /// A name for a file.
    pub name: String,
    pub must: Must,
    pub archive: Vec<u8>,
}

/// `victim`: the path of a directory with `file` and `sub/file` in it, which must stay as they are.
pub fn all(victim: &str) -> Vec<Broken> {
    let mut list = List { victim: victim.to_owned(), found: Vec::new() };
    climbing_names(&mut list);
    symlinked_parents(&mut list);
    symlink_riddles(&mut list);
    trailing_slashes(&mut list);
    hard_links(&mut list);
    whiteouts(&mut list);
    root_entries(&mut list);
    lying_headers(&mut list);
    lying_records(&mut list);
    sparse_files(&mut list);
    endless(&mut list);
    documents(&mut list);
    list.found
}

struct List {
    victim: String,
    found: Vec<Broken>,
}

impl List {
    fn layers(&mut self, must: Must, name: &str, layers: Vec<Layer>) {
        let layers = layers.into_iter().map(Layer::tar).collect();
        self.archive(must, name, Image::new("hostile", layers).docker_archive());
    }

    fn layer(&mut self, must: Must, name: &str, layer: Layer) {
        self.layers(must, name, vec![layer]);
    }

    fn archive(&mut self, must: Must, name: &str, archive: Vec<u8>) {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = name.chars().map(plain).take(60).collect();
        self.found.push(Broken { name: format!("{:03}-{}", self.found.len(), name.trim_matches('-')), must, archive });
    }
}

use Must::{Refuse, StayInside};

fn climbing_names(list: &mut List) {
    for name in
        ["../tare-escaped", "../../tare-escaped", "a/../../tare-escaped", "./../tare-escaped", "/../tare-escaped", "..", "../", "a/.."]
    {
        list.layer(Refuse, &format!("file {name}"), Layer::new().file(name, 0o644, "x"));
        list.layer(Refuse, &format!("directory {name}"), Layer::new().dir(name, 0o777));
        list.layer(Refuse, &format!("symlink {name}"), Layer::new().symlink(name, &list.victim));
        list.layer(Refuse, &format!("PAX path {name}"), Layer::new().pax(&[("path", name.as_bytes())]).file("innocent", 0o644, "x"));
    }
    // A leading slash means the layer's root: buildpacks write such names.
    for name in ["/tare-escaped", "//tare-escaped", "/tmp/tare-escaped"] {
        list.layer(StayInside, &format!("file {name}"), Layer::new().file(name, 0o644, "x"));
        list.layer(StayInside, &format!("directory {name}"), Layer::new().dir(name, 0o777));
        list.layer(StayInside, &format!("symlink {name}"), Layer::new().symlink(name, &list.victim));
        list.layer(StayInside, &format!("PAX path {name}"), Layer::new().pax(&[("path", name.as_bytes())]).file("innocent", 0o644, "x"));
    }
}

/// What lies behind a symlink of the layer is put where the symlink leads, as if the layer were the root of all files.
fn symlinked_parents(list: &mut List) {
    let targets = [list.victim.clone(), "../../../victim".into(), "../../../../victim".into(), "../../../../../../../../../../etc".into()];
    for target in &targets {
        let link = || Layer::new().symlink("a", target);
        list.layer(StayInside, &format!("file through {target}"), link().file("a/file", 0o666, "overwritten"));
        list.layer(StayInside, &format!("its owner through {target}"), link().owned_dir("a/", 0o777, (1000, 1000)));
        list.layer(StayInside, &format!("directory through {target}"), link().dir("a/new/", 0o777));
        list.layer(StayInside, &format!("deeper file through {target}"), link().file("a/sub/file", 0o666, "overwritten"));
        list.layer(StayInside, &format!("fifo through {target}"), link().fifo("a/pipe"));
        list.layer(StayInside, &format!("device through {target}"), link().device("a/dev", EntryType::Char, 1, 3));
        list.layer(StayInside, &format!("symlink through {target}"), link().symlink("a/link", "x"));
        list.layers(
            StayInside,
            &format!("in the next layer through {target}"),
            vec![link(), Layer::new().file("a/file", 0o666, "overwritten")],
        );
    }
    let file = format!("{}/file", list.victim);
    list.layer(StayInside, "file over a symlink", Layer::new().symlink("f", &file).file("f", 0o666, "overwritten"));
    list.layer(
        Refuse,
        "file below a symlink to a file",
        Layer::new().file("g", 0o644, "").symlink("f", "g").file("f/x", 0o666, "overwritten"),
    );
    let victim = list.victim.clone();
    list.layer(
        StayInside,
        "a chain of symlinks",
        Layer::new().symlink("a", "b").symlink("b", &victim).file("a/file", 0o666, "overwritten"),
    );
}

fn symlink_riddles(list: &mut List) {
    list.layer(Refuse, "a symlink to itself", Layer::new().symlink("a", "a").file("a/x", 0o644, "x"));
    list.layer(Refuse, "two symlinks in a circle", Layer::new().symlink("a", "b/c").symlink("b", "a").file("a/x", 0o644, "x"));
    let mut long = Layer::new();
    for number in 0..60 {
        long = long.symlink(&format!("l{number}"), &format!("l{}", number + 1));
    }
    list.layer(Refuse, "more symlinks than a kernel follows", long.file("l0/x", 0o644, "x"));
    let deep = "d/".repeat(2000);
    let link = || Layer::new().pax(&[("linkpath", deep.as_bytes())]).symlink("a", "");
    list.layer(
        Refuse,
        "deeper than a path can be",
        link().pax(&[("linkpath", deep.as_bytes())]).symlink("a/b", "").file("a/b/x", 0o644, "x"),
    );
    list.layer(Refuse, "a symlink to nothing", Layer::new().symlink("s", "").file("x", 0o644, "x"));
    // Each entry is short and leads over forty long links.
    let mut tired = Layer::new().dir("d", 0o755);
    let round = "d/../".repeat(800);
    for number in 0..39 {
        let target = format!("{round}l{}", number + 1);
        tired = tired.pax(&[("linkpath", target.as_bytes())]).symlink(&format!("l{number}"), "");
    }
    tired = tired.symlink("l39", "d");
    for number in 0..400 {
        tired = tired.file(&format!("l0/{number}"), 0o644, "").file("d/x", 0o644, "");
    }
    list.layer(Refuse, "long ways over short names", tired);
}

fn trailing_slashes(list: &mut List) {
    let victim = list.victim.clone();
    let link = || Layer::new().symlink("a", &victim);
    for name in ["a/", "a//", "a/."] {
        list.layer(StayInside, &format!("directory {name} over a symlink"), link().owned_dir(name, 0o777, (1000, 1000)));
    }
    let slashed = Layer::new().symlink("a/", &victim).owned_file("a/file", 0o666, (1000, 1000), "overwritten");
    list.layer(StayInside, "symlink with a slash", slashed);
    let file = Layer::new().symlink("f", &format!("{victim}/file")).file("f/", 0o666, "overwritten");
    list.layer(StayInside, "file with a slash", file);
}

fn hard_links(list: &mut List) {
    let file = format!("{}/file", list.victim);
    for target in [&file[..], "../../../victim/file", "../../../../../../etc/shadow", "/etc/passwd", "/proc/self/exe"] {
        list.layer(Refuse, &format!("hard link to {target}"), Layer::new().hard_link("h", target));
        list.layer(
            Refuse,
            &format!("hard link to {target} and its content"),
            Layer::new().hard_link("h", target).file("h", 0o666, "overwritten"),
        );
        // A link to a symlink is a second name of the symlink.
        let soft = || Layer::new().symlink("s", target).hard_link("h", "s");
        list.layer(StayInside, &format!("hard link to a symlink to {target}"), soft());
        list.layer(StayInside, &format!("hard link to a symlink to {target} and content"), soft().file("h", 0o666, "overwritten"));
    }
    let victim = list.victim.clone();
    let through = Layer::new().symlink("d", &victim).hard_link("h", "d/file").file("h", 0o666, "overwritten");
    list.layer(Refuse, "hard link through a symlink", through);
    list.layer(Refuse, "hard link to itself", Layer::new().hard_link("h", "h"));
    list.layer(Refuse, "hard link to a directory", Layer::new().dir("d/", 0o755).hard_link("h", "d"));
    list.layer(Refuse, "hard link to nothing", Layer::new().hard_link("h", "nothing"));
    list.layer(Refuse, "hard link to the root", Layer::new().hard_link("h", "./"));
    list.layers(Refuse, "hard link to another layer", vec![Layer::new().file("below", 0o644, "x"), Layer::new().hard_link("h", "below")]);
}

fn whiteouts(list: &mut List) {
    let victim = list.victim.clone();
    for mark in ["a/.wh.file", "a/.wh.sub", "a/.wh..wh..opq", "a/sub/.wh.file", "a/sub/.wh..wh..opq"] {
        list.layer(StayInside, &format!("{mark} through a symlink"), Layer::new().symlink("a", &victim).file(mark, 0o644, ""));
        list.layers(
            StayInside,
            &format!("{mark} through a symlink below"),
            vec![Layer::new().symlink("a", &victim), Layer::new().file(mark, 0o644, "")],
        );
    }
    for mark in [".wh.", ".wh..", ".wh...", ".wh.../victim", "a/.wh./b", ".wh.a/b", "../.wh.victim"] {
        list.layer(Refuse, &format!("whiteout {mark}"), Layer::new().file(mark, 0o644, ""));
    }
    // Bookkeeping of aufs, which very old images carry.
    for mark in [".wh..wh.", ".wh..wh..wh.x"] {
        list.layer(StayInside, &format!("whiteout {mark}"), Layer::new().file(mark, 0o644, ""));
    }
    list.layer(StayInside, "a whiteout by hand", Layer::new().device("w", EntryType::Char, 0, 0));
}

/// CVE-2021-29136.
fn root_entries(list: &mut List) {
    for root in ["./", ".", "/", "", "./."] {
        let victim = list.victim.clone();
        let link = Layer::new().symlink(root, &victim).owned_file("file", 0o666, (1000, 1000), "overwritten");
        list.layer(Refuse, &format!("root {root:?} as a symlink"), link);
        list.layer(Refuse, &format!("root {root:?} as a file"), Layer::new().file(root, 0o644, "x").file("file", 0o644, "x"));
        list.layer(Refuse, &format!("root {root:?} as a hard link"), Layer::new().hard_link(root, "x"));
        list.layer(Refuse, &format!("root {root:?} as a device"), Layer::new().device(root, EntryType::Block, 8, 0));
    }
}

fn lying_headers(list: &mut List) {
    let mut huge = Layer::header(EntryType::Regular, "huge", 0o644);
    huge.set_size(u64::MAX / 2);
    huge.set_cksum();
    list.layer(Refuse, "a size beyond the end", Layer::new().raw(&huge, b""));
    let mut negative = Layer::header(EntryType::Regular, "negative", 0o644);
    negative.as_old_mut().size = [0xff; 12];
    negative.set_cksum();
    list.layer(Refuse, "a negative size", Layer::new().raw(&negative, b""));
    let mut no_sum = Layer::header(EntryType::Regular, "nosum", 0o644);
    no_sum.as_old_mut().cksum = *b"0000000\0";
    list.layer(Refuse, "a wrong checksum", Layer::new().raw(&no_sum, b""));
    let mut no_number = Layer::header(EntryType::Regular, "nonumber", 0o644);
    no_number.as_old_mut().uid = *b"12-4567\0";
    no_number.set_cksum();
    list.layer(Refuse, "an owner that is no number", Layer::new().raw(&no_number, b""));
    list.layer(Refuse, "an empty name", Layer::new().file("", 0o644, "x"));
    list.layer(Refuse, "an unknown kind", Layer::new().entry(Layer::header(EntryType::new(b'Q'), "q", 0o644), b"x"));
    let setuid = Layer::new().owned_file("shell", 0o6777, (0, 0), "#!/bin/sh\n").device("disk", EntryType::Block, 8, 0);
    // Images may hold them; that no other user walks the store is what protects the host (CVE-2021-41091).
    list.layer(StayInside, "setuid files and devices", setuid);
    let mut hidden = Layer::new().file("first", 0o644, "x").tar();
    hidden.extend(Layer::new().file("hidden", 0o644, "x").tar());
    list.archive(Refuse, "entries after the end", Image::new("hostile", vec![hidden]).docker_archive());
    let whole = Layer::new().file("first", 0o644, "x".repeat(2000)).tar();
    list.archive(Refuse, "cut in the middle", Image::new("hostile", vec![whole[..1000].to_vec()]).docker_archive());
}

fn lying_records(list: &mut List) {
    let long_name = "n".repeat(65536);
    let long_path = "n/".repeat(32768);
    for (what, key, value) in [
        ("a PAX size that contradicts", "size", &b"99999999999"[..]),
        ("a PAX size that is negative", "size", b"-1"),
        ("a PAX time that is none", "mtime", b"yesterday"),
        ("a PAX time out of range", "mtime", b"99999999999999999999999999.5"),
        ("a name with a zero byte", "path", b"a\0b"),
        ("a name of 64 KiB", "path", long_name.as_bytes()),
        ("a path of 64 KiB", "path", long_path.as_bytes()),
        ("an owner beyond 32 bits", "uid", b"4294967296"),
        ("an owner that means nobody is changed", "uid", b"4294967295"),
        ("a negative group", "gid", b"-1"),
        ("an attribute without a name", "LIBARCHIVE.xattr.", b"aGVsbG8"),
    ] {
        list.layer(Refuse, what, Layer::new().pax(&[(key, value)]).file("x", 0o644, "x"));
    }
    list.layer(Refuse, "two PAX names", Layer::new().pax(&[("path", b"a"), ("path", b"b")]).file("x", 0o644, "x"));
    list.layer(
        Refuse,
        "a PAX name that is not the long name",
        Layer::new().entry(long_name_header(), b"one\0").pax(&[("path", b"two")]).file("x", 0o644, "x"),
    );
    list.layer(Refuse, "a record about nothing", Layer::new().file("x", 0o644, "x").pax(&[("path", b"a")]));
    for name in ["trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.redirect", "security.selinux"] {
        let key = format!("SCHILY.xattr.{name}");
        let victim = list.victim.clone();
        list.layer(StayInside, &format!("attribute {name}"), Layer::new().pax(&[(key.as_str(), victim.as_bytes())]).dir("d/", 0o755));
    }
}

fn long_name_header() -> tar::Header {
    Layer::header(EntryType::GNULongName, "././@LongLink", 0o644)
}

fn sparse_files(list: &mut List) {
    list.layer(Refuse, "a sparse file without a map", Layer::new().entry(Layer::header(EntryType::GNUSparse, "sparse", 0o644), b""));
    let records = |size: &'static [u8], map: &'static [u8]| {
        [("GNU.sparse.major", &b"0"[..]), ("GNU.sparse.minor", b"1"), ("GNU.sparse.size", size), ("GNU.sparse.map", map)]
    };
    for (what, size, map) in [
        ("pieces that overlap", &b"100"[..], &b"0,4,2,4"[..]),
        ("a piece behind the end", b"4", b"0,4,100,4"),
        ("pieces beyond all numbers", b"100", b"18446744073709551615,8"),
        ("pieces that are not the data", b"100", b"0,1"),
        ("a map that is no list", b"100", b"0,x"),
        ("a map that is cut", b"100", b"0"),
    ] {
        list.layer(Refuse, &format!("sparse: {what}"), Layer::new().pax(&records(size, map)).file("x", 0o644, "12345678"));
    }
    let before = |text: &str| {
        let mut data = text.as_bytes().to_vec();
        data.resize(512, 0);
        let records =
            [("GNU.sparse.major", &b"1"[..]), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"100"), ("GNU.sparse.name", b"x")];
        Layer::new().pax(&records).file("x", 0o644, data)
    };
    list.layer(Refuse, "sparse: a map of a million pieces", before("1000000\n"));
    list.layer(Refuse, "sparse: a map without end", before(&"1".repeat(512)));
    list.layer(Refuse, "sparse: a negative map", before("1\n-5\n4\n"));
    // Ten exabytes that take no room: no file system of note has files of that length.
    list.layer(Refuse, "sparse: ten exabytes", Layer::new().pax(&records(b"9000000000000000000", b"0,8")).file("x", 0o644, "12345678"));
}

/// Few bytes that mean many. The limits are those that the test gives: 64 MiB and 10,000 entries in a layer.
fn endless(list: &mut List) {
    let zeros = Layer::new().file("zeros", 0o644, vec![0; 100 << 20]).tar();
    list.archive(Refuse, "a bomb in one file", Image::new("hostile", vec![zeros]).oci_archive(true));
    let mut many = Layer::new();
    for number in 0..10_001 {
        many = many.file(&format!("f{number}"), 0o644, "");
    }
    list.archive(Refuse, "a bomb of entries", Image::new("hostile", vec![many.tar()]).oci_archive(true));
    let mut trailing = Layer::new().file("x", 0o644, "x").tar();
    trailing.resize(trailing.len() + (100 << 20), 0);
    list.archive(Refuse, "zeros behind the end", Image::new("hostile", vec![trailing]).oci_archive(true));
    let mut global = Layer::new();
    for _ in 0..5000 {
        global = global.entry(Layer::header(EntryType::XGlobalHeader, "g", 0o644), b"13 comment=x\n");
    }
    list.layer(Refuse, "records about everything over and over", global.file("x", 0o644, "x"));
    let nothing = gzip(b"").repeat(20_000);
    let archive = [nothing, gzip(&Image::new("hostile", vec![Layer::new().file("x", 0o644, "x").tar()]).docker_archive())].concat();
    list.archive(Refuse, "gzip members that hold nothing", archive);
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0].repeat(20_000);
    list.archive(Refuse, "zstd frames that are skipped", skipped);
    let mut directories = Layer::new();
    for number in 0..50_001 {
        directories = directories.dir(&format!("d{number}"), 0o755);
    }
    list.archive(Refuse, "an archive of too many members", directories.tar());
}

/// What the archive says of its images.
fn documents(list: &mut List) {
    let good = Image::new("hostile", vec![Layer::new().file("x", 0o644, "x").tar()]);
    let change = |name: &str, to: &dyn Fn(&[u8]) -> Vec<u8>| {
        let change = |(have, bytes): (String, Vec<u8>)| if have == name { (have, to(&bytes)) } else { (have, bytes) };
        bundle(&good.oci_files(false, false).into_iter().map(change).collect::<Vec<_>>())
    };
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("json");
    let deep = || "[".repeat(1000).into_bytes();
    list.archive(Refuse, "an index a thousand levels deep", change("index.json", &|_| deep()));
    list.archive(Refuse, "an index of 5 MiB", change("index.json", &|_| vec![b' '; 5 << 20]));
    list.archive(Refuse, "a manifest.json a thousand levels deep", bundle(&[("manifest.json".into(), deep())]));
    list.archive(Refuse, "a digest in upper case", change("index.json", &|bytes| text(bytes).replace("sha256:", "sha256:A").into_bytes()));
    list.archive(
        Refuse,
        "a digest of an unknown algorithm",
        change("index.json", &|bytes| text(bytes).replace("sha256:", "md5:").into_bytes()),
    );
    list.archive(
        Refuse,
        "a digest that is a path",
        change("index.json", &|bytes| text(bytes).replace("sha256:", "sha256:../../").into_bytes()),
    );
    let layer = blob(&good.layers[0]);
    list.archive(Refuse, "another layer than said", change(&layer, &|_| Layer::new().file("x", 0o644, "y").tar()));
    list.archive(Refuse, "another config than said", change(&blob(&good.config_text()), &|_| b"{}".to_vec()));
    let twice: Vec<_> = good.oci_files(false, false).into_iter().filter(|(name, _)| *name != layer).collect();
    list.archive(Refuse, "a layer that is missing", bundle(&twice));
    let manifest = json!([{"Config": "/etc/passwd", "RepoTags": ["hostile:latest"], "Layers": ["../../victim/file"]}]).to_string();
    list.archive(Refuse, "names that lead out of the archive", bundle(&[("manifest.json".into(), manifest.into_bytes())]));
    let circle = Layer::new().symlink("manifest.json", "index.json").symlink("index.json", "manifest.json").tar();
    list.archive(Refuse, "symlinks in a circle instead of documents", circle);
    let out = Layer::new().symlink("manifest.json", &format!("{}/file", list.victim)).tar();
    list.archive(Refuse, "a symlink out instead of a document", out);
    let many: Vec<_> = (0..2000).map(|_| json!({"Config": "c", "RepoTags": null, "Layers": []})).collect();
    list.archive(Refuse, "two thousand images", bundle(&[("manifest.json".into(), json!(many).to_string().into_bytes())]));
    let tower = (0..501).map(|number| Layer::new().file("x", 0o644, number.to_string()).tar()).collect();
    list.archive(Refuse, "more layers than can be stacked", Image::new("hostile", tower).docker_archive());
    list.archive(Refuse, "no archive at all", vec![7; 5000]);
    list.archive(Refuse, "zeros", vec![0; 5000]);
    list.archive(Refuse, "nothing", Vec::new());
}
