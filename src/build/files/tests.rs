//! From a directory into another one, as COPY does it: what arrives, where, and as what.

use super::digest::Print;
use super::*;
use crate::dockerfile::ignore::Patterns;
use crate::error::Result;
use crate::sys::beneath::{self, Directory};
use crate::sys::file;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A context, and an image's root to copy into.
struct World(PathBuf);

impl World {
    fn new(name: &str) -> World {
        let path = std::env::temp_dir().join(format!("tare-files-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&path);
        for directory in ["context", "root", "memory"] {
            file::make_dirs(&path.join(directory), 0o755).unwrap();
        }
        World(path)
    }

    fn context(&self, path: &str) -> PathBuf {
        self.0.join("context").join(path)
    }

    fn root(&self, path: &str) -> PathBuf {
        self.0.join("root").join(path)
    }

    fn tree(&self) -> Tree {
        Tree::context(&self.context(""), None).unwrap()
    }

    /// Without `.dockerignore`, from `words`: sources and target.
    fn copy(&self, words: &str) -> Result<u64> {
        self.copy_as(words, false, &Options::default())
    }

    fn copy_as(&self, words: &str, with_parents: bool, options: &Options) -> Result<u64> {
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let target = words.pop().unwrap();
        let tree = self.tree();
        let mut selection = select(&tree, &words, None, with_parents)?;
        digest(&mut selection, &mut Memory::none(), false)?;
        carry_out(&selection, &target, "/work", options, &Directory::open_root(&self.root("")).unwrap())
    }

    fn digest(&self, words: &str) -> Print {
        let sources: Vec<String> = words.split(' ').map(str::to_owned).collect();
        digest(&mut select(&self.tree(), &sources, None, false).unwrap(), &mut Memory::none(), false).unwrap()
    }

    /// All that is in the image, with a slash behind directories.
    fn arrived(&self) -> String {
        let mut all = Vec::new();
        let mut waiting = vec![self.root("")];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
                let is_directory = entry.symlink_metadata().unwrap().is_dir();
                let name = entry.strip_prefix(self.root("")).unwrap().display().to_string();
                all.push(if is_directory { format!("{name}/") } else { name });
                if is_directory {
                    waiting.push(entry);
                }
            }
        }
        all.sort();
        all.join(" ")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = file::remove_tree(&self.0);
    }
}

fn write(path: &Path, text: &str) {
    file::make_dirs(path.parent().unwrap(), 0o755).unwrap();
    fs::write(path, text).unwrap();
}

/// What lies in the context of most tests here.
const USUAL: &[&str] = &["a.txt", "b.txt", "c.md", "dir/x", "dir/sub/y", "dir/sub/z.txt", "other/x"];

fn usual(name: &str) -> World {
    let world = World::new(name);
    USUAL.iter().for_each(|path| write(&world.context(path), path));
    symlink("dir", world.context("link")).unwrap();
    symlink("a.txt", world.context("file-link")).unwrap();
    world
}

#[test]
fn words_mean_files_and_land_where_docker_puts_them() {
    // What is copied; what is in the image before; what is in it then.
    let table: &[(&str, &[&str], &str)] = &[
        ("a.txt /new", &[], "new"),
        ("a.txt /new/", &[], "new/ new/a.txt"),
        ("a.txt /deep/er/new", &[], "deep/ deep/er/ deep/er/new"),
        ("a.txt .", &[], "work/ work/a.txt"),
        ("a.txt sub/", &[], "work/ work/sub/ work/sub/a.txt"),
        ("a.txt /there", &["there/"], "there/ there/a.txt"),
        ("a.txt /", &[], "a.txt"),
        ("a.txt ../../../up", &[], "up"),
        ("a.txt b.txt /to/", &[], "to/ to/a.txt to/b.txt"),
        ("a.txt b.txt /there", &["there/"], "there/ there/a.txt there/b.txt"),
        ("*.txt /to/", &[], "to/ to/a.txt to/b.txt"),
        ("?.* /to/", &[], "to/ to/a.txt to/b.txt to/c.md"),
        ("[^a].txt /to/", &[], "to/ to/b.txt"),
        ("*/x /to/", &[], "to/ to/x"),
        ("dir /new", &[], "new/ new/sub/ new/sub/y new/sub/z.txt new/x"),
        ("dir/ /new/", &[], "new/ new/sub/ new/sub/y new/sub/z.txt new/x"),
        ("dir/. /new", &[], "new/ new/sub/ new/sub/y new/sub/z.txt new/x"),
        ("dir/sub /there", &["there/old"], "there/ there/old there/y there/z.txt"),
        ("d* /to/", &[], "to/ to/sub/ to/sub/y to/sub/z.txt to/x"),
        ("/a.txt /new", &[], "new"),
        ("../../a.txt /new", &[], "new"),
        ("dir/../b.txt /new", &[], "new"),
        ("link /new", &[], "new/ new/sub/ new/sub/y new/sub/z.txt new/x"),
        ("link/sub/y /new/", &[], "new/ new/y"),
        ("file-link /to/", &[], "to/ to/file-link"),
        ("a.txt nothing* /to/", &[], "to/ to/a.txt"),
    ];
    for (words, before, after) in table {
        let world = usual("words");
        for path in *before {
            match path.strip_suffix('/') {
                Some(directory) => file::make_dirs(&world.root(directory), 0o755).unwrap(),
                None => write(&world.root(path), "old"),
            }
        }
        world.copy(words).unwrap_or_else(|error| panic!("{words}: {error}"));
        assert_eq!(world.arrived(), *after, "{words}");
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    let table: &[(&str, &[&str], &str)] = &[
        ("nobody /x", &[], "\"nobody\" is not in the build context"),
        ("a.txt/x /x", &[], "\"a.txt/x\" is not in the build context"),
        ("nothing* none? /x/", &[], "\"nothing*\" \"none?\""),
        ("nowhere/* /x/", &[], "\"nowhere/*\" is not in the build context"),
        ("a.txt b.txt /new", &[], "several files cannot all become /new"),
        ("*.txt /new", &[], "several files cannot all become /new"),
        ("dir /file", &["file"], "no directory"),
        ("a.txt /file/", &["file"], "a file is where a directory is meant"),
        ("a.txt /file/x", &["file"], "a file is where a directory is meant"),
        ("dir /to", &["to/sub"], "is no directory"),
        ("dir /to", &["to/x/y"], "cannot take the place of a directory"),
    ];
    for (words, before, why) in table {
        let world = usual("senseless");
        before.iter().for_each(|path| write(&world.root(path), "old"));
        let error = world.copy(words).expect_err(words).to_string();
        assert!(error.contains(why), "{words}: {error}");
    }
}

#[test]
fn parents_stay_with_what_lies_in_them() {
    let table: &[(&str, &str)] = &[
        ("dir/x /to", "to/ to/dir/ to/dir/x"),
        ("dir/sub /to/", "to/ to/dir/ to/dir/sub/ to/dir/sub/y to/dir/sub/z.txt"),
        ("dir/./sub/y /to/", "to/ to/sub/ to/sub/y"),
        ("**/*.txt /to/", "to/ to/a.txt to/b.txt to/dir/ to/dir/sub/ to/dir/sub/z.txt"),
        ("*/x /to/", "to/ to/dir/ to/dir/x to/other/ to/other/x"),
        ("d*/./sub/* /to/", "to/ to/sub/ to/sub/y to/sub/z.txt"),
        ("dir/sub/. /to/", "to/ to/dir/ to/dir/sub/ to/dir/sub/y to/dir/sub/z.txt"),
    ];
    for (words, after) in table {
        let world = usual("parents");
        world.copy_as(words, true, &Options::default()).unwrap_or_else(|error| panic!("{words}: {error}"));
        assert_eq!(world.arrived(), *after, "{words}");
    }
    let world = usual("parents");
    assert!(world.copy_as("dir/nobody /to/", true, &Options::default()).unwrap_err().to_string().contains("not in the build context"));
}

#[test]
fn a_file_arrives_as_it_is() {
    let world = usual("same");
    let source = world.context("dir/x");
    fs::set_permissions(&source, PermissionsExt::from_mode(0o4751)).unwrap();
    fs::set_permissions(world.context("dir/sub"), PermissionsExt::from_mode(0o2710)).unwrap();
    fs::hard_link(&source, world.context("dir/sub/same")).unwrap();
    symlink("/etc/passwd", world.context("dir/away")).unwrap();
    let hole = fs::File::create(world.context("dir/hole")).unwrap();
    hole.set_len(64 << 20).unwrap();
    beneath::set_attribute(hole.as_fd(), b"user.note", b"kept").unwrap();
    for path in ["dir/x", "dir/sub"] {
        beneath::set_time(fs::File::open(world.context(path)).unwrap().as_fd(), (1_000_000, 5)).unwrap();
    }
    world.copy("dir /to").unwrap();
    let about = |path: &str| world.root(path).symlink_metadata().unwrap();
    let x = about("to/x");
    assert_eq!((x.mode() & 0o7777, x.uid(), x.mtime(), x.mtime_nsec()), (0o4751, 0, 1_000_000, 5));
    assert_eq!(x.ino(), about("to/sub/same").ino(), "a hard link stays one");
    assert_eq!((about("to/sub").mode() & 0o7777, about("to/sub").mtime()), (0o2710, 1_000_000));
    assert_eq!(about("to").mode() & 0o7777, 0o755, "a target that is made is nobody's copy");
    assert_eq!(fs::read_link(world.root("to/away")).unwrap(), Path::new("/etc/passwd"));
    assert!(about("to/hole").len() == 64 << 20 && about("to/hole").blocks() < 100, "a hole stays a hole");
    let held = Directory::open_root(&world.root("to")).unwrap().hold(b"hole").unwrap();
    assert!(held.attributes().unwrap().contains(&(b"user.note".to_vec(), b"kept".to_vec())));
    assert_eq!(fs::read_to_string(world.root("to/sub/y")).unwrap(), "dir/sub/y");
}

#[test]
fn chown_and_chmod_change_what_is_copied_and_chown_what_is_made_for_it() {
    let world = usual("chown");
    let chmod = Some(Chmod::parse("u=rwX,go=").unwrap());
    world.copy_as("dir /made/to", false, &Options { chown: Some((7, 8)), chmod }).unwrap();
    for (path, mode) in [("made", 0o755), ("made/to", 0o755), ("made/to/x", 0o600), ("made/to/sub", 0o700)] {
        let about = world.root(path).metadata().unwrap();
        assert_eq!((about.uid(), about.gid(), about.mode() & 0o7777), (7, 8, mode), "{path}");
    }
}

#[test]
fn a_target_is_found_as_the_image_s_own_programs_find_it() {
    let world = usual("target");
    file::make_dirs(&world.root("run"), 0o755).unwrap();
    file::make_dirs(&world.root("var"), 0o755).unwrap();
    symlink("../../../../run", world.root("var/run")).unwrap();
    symlink("/not/there", world.root("later")).unwrap();
    write(&world.0.join("outside/a.txt"), "untouched");
    symlink(world.0.join("outside"), world.root("out")).unwrap();
    symlink(world.0.join("outside/a.txt"), world.root("run/a.txt")).unwrap();
    world.copy("a.txt /var/run/").unwrap();
    world.copy("b.txt /later/").unwrap();
    assert_eq!(fs::read_to_string(world.root("run/a.txt")).unwrap(), "a.txt", "a symlink with its name gives way");
    assert_eq!(fs::read_to_string(world.root("not/there/b.txt")).unwrap(), "b.txt");
    world.copy("dir /out/").unwrap();
    assert_eq!(fs::read_dir(world.0.join("outside")).unwrap().count(), 1, "nothing got out of the root");
    assert_eq!(fs::read_to_string(world.0.join("outside/a.txt")).unwrap(), "untouched");
}

#[test]
fn no_symlink_of_a_context_leads_out_of_it() {
    let world = usual("out");
    write(&world.0.join("secret/key"), "secret");
    symlink(world.0.join("secret"), world.context("away")).unwrap();
    symlink("../secret/key", world.context("up")).unwrap();
    symlink("/proc/self/root", world.context("magic")).unwrap();
    for words in ["away/key /to/", "up /to/", "away /to/", "magic/etc /to/", "magic /to/", "away/k* /to/"] {
        let error = world.copy(words).expect_err(words).to_string();
        assert!(error.contains("is not in the build context"), "{words}: {error}");
    }
    world.copy(". /to/").unwrap();
    assert!(world.root("to/away").symlink_metadata().unwrap().is_symlink(), "in a directory a symlink is copied as one");
    symlink("loop", world.context("loop")).unwrap();
    assert!(world.copy("loop /to/").unwrap_err().to_string().contains("too many symlinks"));
}

#[test]
fn a_digest_is_of_content_and_never_of_times() {
    let world = usual("digest");
    let before = world.digest("dir a.txt");
    let touch = |path: &str| beneath::set_time(fs::File::open(world.context(path)).unwrap().as_fd(), (77, 0)).unwrap();
    ["dir/x", "dir", "a.txt"].into_iter().for_each(touch);
    assert_eq!(world.digest("dir a.txt"), before);
    assert_ne!(world.digest("dir b.txt"), before);
    let changes: &[&dyn Fn()] = &[
        &|| write(&world.context("dir/x"), "dir/X"),
        &|| fs::set_permissions(world.context("dir/x"), PermissionsExt::from_mode(0o600)).unwrap(),
        &|| fs::rename(world.context("dir/x"), world.context("dir/w")).unwrap(),
        &|| symlink("x", world.context("dir/l")).unwrap(),
        &|| file::make_dirs(&world.context("dir/empty"), 0o755).unwrap(),
        &|| fs::hard_link(world.context("dir/w"), world.context("dir/w2")).unwrap(),
        &|| {
            fs::remove_file(world.context("dir/w2")).unwrap();
            fs::copy(world.context("dir/w"), world.context("dir/w2")).map(drop).unwrap();
        },
        &|| beneath::set_attribute(fs::File::open(world.context("dir/w")).unwrap().as_fd(), b"user.a", b"b").unwrap(),
    ];
    let mut seen = vec![before];
    for (number, change) in changes.iter().enumerate() {
        change();
        let now = world.digest("dir a.txt");
        assert!(!seen.contains(&now), "change {number} is not seen");
        seen.push(now);
    }
}

fn patterns(words: &str) -> Patterns {
    Patterns::parse(&words.replace(' ', "\n")).unwrap()
}

#[test]
fn what_is_ignored_is_not_there() {
    let world = usual("ignored");
    symlink("c.md", world.context("to-hidden")).unwrap();
    let ignored = Ignored { filter: Box::new(patterns("c.md dir !dir/sub/y other")), by: ".dockerignore".into() };
    let tree = Tree::context(&world.context(""), Some(ignored)).unwrap();
    let root = Directory::open_root(&world.root("")).unwrap();
    let copy = |source: &str, target: &str| {
        select(&tree, &[source.to_owned()], None, false).and_then(|all| carry_out(&all, target, "/", &Options::default(), &root))
    };
    copy(".", "/to").unwrap();
    assert_eq!(world.arrived(), "to/ to/a.txt to/b.txt to/dir/ to/dir/sub/ to/dir/sub/y to/file-link to/link to/to-hidden");
    for source in ["c.md", "other", "other/x", "dir/x", "to-hidden"] {
        let error = copy(source, "/x").expect_err(source);
        assert!(error.to_string().contains(".dockerignore leaves it out"), "{source}: {error}");
        assert_eq!(error.hint_text(), Some(format!("add a line !{source} to .dockerignore").as_str()));
    }
    copy("dir", "/part").unwrap();
    assert!(world.root("part/sub/y").exists() && !world.root("part/x").exists());
    assert!(copy("*.md", "/x").unwrap_err().to_string().contains("nothing in the build context matches \"*.md\""));
}

#[test]
fn excluded_files_are_named_from_the_directory_that_is_copied() {
    let world = usual("excluded");
    let copy = |source: &str, excluded: &str| {
        let tree = world.tree();
        let excluded = patterns(excluded);
        let all = select(&tree, &[source.to_owned()], Some(&excluded), false).unwrap();
        carry_out(&all, "/to/", "/", &Options::default(), &Directory::open_root(&world.root("")).unwrap()).unwrap();
    };
    copy("dir", "sub");
    copy("*.txt", "b.txt");
    assert_eq!(world.arrived(), "to/ to/a.txt to/x");
}

#[test]
fn what_was_read_once_is_not_read_again() {
    let world = usual("memory");
    let old = || std::thread::sleep(std::time::Duration::from_millis(4200));
    let memory = || Memory::of(&world.0.join("memory"), &world.context(""));
    let (tree, sources) = (world.tree(), [".".to_owned()]);
    let print = |memory: &mut Memory| digest(&mut select(&tree, &sources, None, false).unwrap(), memory, false).unwrap();
    let mut young = memory();
    let right = print(&mut young);
    young.save().unwrap();
    assert_eq!(fs::read_dir(world.0.join("memory")).unwrap().count(), 0, "what is young is not remembered");
    old();
    let mut first = memory();
    assert_eq!(print(&mut first), right);
    first.save().unwrap();
    let kept = fs::read_dir(world.0.join("memory")).unwrap().next().unwrap().unwrap().path();
    // Whoever believes the memory does not see the content: a lie in it is told on.
    let bytes = fs::read(&kept).unwrap();
    assert_eq!(print(&mut memory()), right);
    let at = bytes.windows(5).position(|window| window == b"a.txt").unwrap() + 5 + 48;
    let lie = |from: &[u8]| {
        let mut bytes = from.to_vec();
        bytes[at] ^= 1;
        let end = bytes.len() - 4;
        let sum = crc32fast::hash(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&sum);
        bytes
    };
    fs::write(&kept, lie(&bytes)).unwrap();
    assert_ne!(print(&mut memory()), right, "a.txt was read although it is remembered");
    // A file that has changed is not believed, and neither is a memory that is damaged.
    fs::write(world.context("a.txt"), "a.TXT").unwrap();
    fs::write(world.context("a.txt"), "a.txt").unwrap();
    assert_eq!(print(&mut memory()), right);
    for damage in [&bytes[..bytes.len() / 2], b"", b"tarectx1", &[0xff; 4096], &[&bytes[..at], b"x", &bytes[at + 1..]].concat()] {
        fs::write(&kept, damage).unwrap();
        assert_eq!(print(&mut memory()), right);
    }
}

/// The context changes after it was digested, and before it is copied.
fn copied_after(change: &dyn Fn(&World)) -> (World, Result<u64>) {
    let world = usual("changing");
    let tree = world.tree();
    let mut all = select(&tree, &["dir".to_owned(), "a.txt".to_owned()], None, false).unwrap();
    digest(&mut all, &mut Memory::none(), false).unwrap();
    change(&world);
    let root = Directory::open_root(&world.root("")).unwrap();
    let copied = carry_out(&all, "/to/", "/", &Options::default(), &root);
    (world, copied)
}

#[test]
fn a_context_that_changes_gives_an_error_or_what_was_digested() {
    let (world, copied) = copied_after(&|world| fs::write(world.context("a.txt"), "a.txt and more").unwrap());
    copied.unwrap();
    assert_eq!(fs::read_to_string(world.root("to/a.txt")).unwrap(), "a.txt", "a log that grows is copied as it was digested");
    copied_after(&|world| beneath::set_time(fs::File::open(world.context("a.txt")).unwrap().as_fd(), (5, 5)).unwrap()).1.unwrap();
    let changes: &[&dyn Fn(&World)] = &[
        &|world| fs::write(world.context("a.txt"), "A.txt and more").unwrap(),
        &|world| fs::write(world.context("dir/x"), "").unwrap(),
        &|world| fs::remove_file(world.context("dir/x")).unwrap(),
        &|world| {
            fs::remove_file(world.context("a.txt")).unwrap();
            symlink("/etc/passwd", world.context("a.txt")).unwrap();
        },
        &|world| {
            fs::rename(world.context("dir/sub"), world.context("dir/was")).unwrap();
            symlink("/etc", world.context("dir/sub")).unwrap();
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let error = copied_after(change).1.expect_err(&number.to_string()).to_string();
        assert!(error.contains("it was changed while it was copied"), "{number}: {error}");
    }
}

#[test]
fn names_of_owners_are_the_image_s_and_its_lists_are_no_trap() {
    let world = World::new("owner");
    let root = Directory::open_root(&world.root("")).unwrap();
    assert!(owner("web", Some(&root)).unwrap_err().to_string().contains("no user \"web\""));
    write(&world.root("etc/passwd"), "root:x:0:0::/:\nweb:x:33:34::/:\n7:x:8:9::/:\n");
    write(&world.root("etc/group"), "www:x:35:\n");
    let table: &[(&str, Option<(u32, u32)>)] = &[
        ("web", Some((33, 34))),
        ("web:www", Some((33, 35))),
        ("web:5", Some((33, 5))),
        ("5", Some((5, 5))),
        ("5:www", Some((5, 35))),
        (":www", Some((0, 35))),
        ("7", Some((7, 7))),
        ("web:nobody", None),
        ("nobody", None),
        ("-1", None),
        ("4294967295", None),
        ("5:4294967295", None),
    ];
    for (wish, found) in table {
        assert_eq!(owner(wish, Some(&root)).ok(), *found, "{wish}");
    }
    assert_eq!(owner("5:6", None).unwrap(), (5, 6));
    assert!(owner("web", None).unwrap_err().to_string().contains("--link"));
    // CVE-2024-9676: a list that leads out, waits, or never ends.
    fs::remove_file(world.root("etc/passwd")).unwrap();
    symlink("/etc/passwd", world.root("etc/passwd")).unwrap();
    assert!(owner("root", Some(&root)).is_err());
    fs::remove_file(world.root("etc/passwd")).unwrap();
    let etc = Directory::open_root(&world.root("etc")).unwrap();
    etc.make_node(b"passwd", beneath::Node::Fifo).unwrap();
    assert!(owner("root", Some(&root)).unwrap_err().to_string().contains("no file, or too long"));
    fs::remove_file(world.root("etc/passwd")).unwrap();
    fs::File::create(world.root("etc/passwd")).unwrap().set_len(1 << 40).unwrap();
    assert!(owner("root", Some(&root)).unwrap_err().to_string().contains("no file, or too long"));
}
