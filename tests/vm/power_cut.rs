//! The power goes while images come in: what was written and not flushed is there, or half of it, or not at all.
//!
//! The store lies on a disk whose writes the kernel notes down in the order in which they became certain (dm-log-writes). One
//! history of pulls is so noted; then the power is cut at many of its moments, each on a disk made anew from the notes: all that
//! was flushed by then, and of what was not, what chance takes.

use crate::common::registry::{Manner, Strange};
use crate::common::shelf::{Shelf, Shelved};
use crate::common::{Image, Layer, Ran, Random, Store, cannot, eventually, in_vm, installed, lacking, process, rounds, test_images};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::json;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SIZE: usize = 64 << 20;
const SECTOR: usize = 512;
/// What a disk writes as a whole.
const BLOCK: usize = 4096;

/// One write, or a word of ours among them.
enum Note {
    Write { at: usize, bytes: Vec<u8>, flushes: bool },
    Word(String),
}

/// Documentation/admin-guide/device-mapper/log-writes.rst, and the structures of drivers/md/dm-log-writes.c.
fn read_notes(log: &Path) -> Vec<Note> {
    let bytes = std::fs::read(log).expect("the log");
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    assert_eq!((number(0), number(8)), (0x006a_7366_7773_6872, 1), "the log's magic number and version");
    let sector = u32::from_le_bytes(bytes[24..28].try_into().expect("four bytes")) as usize;
    assert_eq!(sector, SECTOR);
    let (mut notes, mut at) = (Vec::new(), SECTOR);
    for _ in 0..number(16) {
        let [place, count, flags, length] = [0, 8, 16, 24].map(|field| number(at + field));
        let is_discard = flags & 4 != 0;
        let data = at + SECTOR;
        at = data + if is_discard { 0 } else { count as usize * SECTOR };
        if flags & 8 != 0 {
            let text = &bytes[data - SECTOR + 32..][..length as usize];
            notes.push(Note::Word(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned()));
        } else {
            let bytes = if is_discard { vec![0; count as usize * SECTOR] } else { bytes[data..at].to_vec() };
            notes.push(Note::Write { at: place as usize * SECTOR, bytes, flushes: flags & 1 != 0 });
        }
    }
    notes
}

/// A loop device, as long as it is wanted.
struct Loop(String);

impl Loop {
    fn of(file: &Path) -> Loop {
        Loop(process::tool(&["losetup", "-f", "--show", file.to_str().expect("utf-8")]).ok())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        process::tool(&["losetup", "-d", &self.0]);
    }
}

struct Mounted(PathBuf);

impl Mounted {
    fn new(device: &str, dir: &Path, options: &str) -> Mounted {
        std::fs::create_dir_all(dir).expect("a directory");
        mount(Some(device), dir, Some("ext4"), MsFlags::empty(), Some(options)).unwrap_or_else(|e| panic!("mount {device}: {e}"));
        Mounted(dir.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A container's last namespace may hold it for a moment.
        for _ in 0..200 {
            if umount2(&self.0, MntFlags::empty()).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

fn dmsetup(words: &[&str]) -> Ran {
    let mut command = Command::new("dmsetup");
    command.args(words).args(["--noudevsync", "--noudevrules"]).env("DM_DISABLE_UDEV", "1");
    process::run(command, None)
}

struct Scene {
    store: Store,
    registry: Strange,
    /// A registry that takes its time, so that there is a middle.
    is_slow: Arc<AtomicBool>,
    a: Shelved,
    b: Shelved,
}

fn noise(random: &mut Random, count: u64) -> Vec<u8> {
    (0..count).map(|_| random.below(256) as u8).collect()
}

impl Scene {
    fn new(random: &mut Random) -> Scene {
        let mut shelf = Shelf::default();
        let probe = test_images::probe_image();
        let mut image = |tag: &str, names: &[(&str, u64)]| {
            let more = names.iter().map(|(name, size)| Layer::new().file(name, 0o644, noise(random, *size)).tar());
            let layers = probe.layers.iter().cloned().chain(more).collect();
            shelf.image(tag, &Image::new(tag, layers).with_config(json!({"Entrypoint": ["/probe"], "Cmd": ["exit", "7"]})))
        };
        image("old", &[("old", 1000)]);
        let (a, b) = (image("a", &[("a1", 200_000), ("a2", 50_000)]), image("b", &[("b1", 150_000), ("b2", 100_000)]));
        let is_slow = Arc::new(AtomicBool::new(true));
        let slowly = is_slow.clone();
        let registry = Strange::start(move |asked| {
            let answer = shelf.answer(asked);
            match slowly.load(Ordering::Relaxed) && asked.path.contains("/blobs/") {
                true => answer.said(Manner::Slowly(8 << 10, Duration::from_millis(20))),
                false => answer,
            }
        });
        let mut store = Store::empty();
        store.root = store.dir.join("disk/s");
        Scene { store, registry, is_slow, a, b }
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/team/app:{tag}", self.registry.host)
    }

    fn pull(&self, tag: &str) {
        self.store.ok(&["pull", "-q", &self.name(tag)]);
    }

    fn has(&self, image: &Shelved) -> u64 {
        let place = |layer: &Vec<u8>| self.store.root.join("arriving").join(crate::common::archive::sha256(layer)).join("blob");
        image.layers.iter().map(|layer| std::fs::metadata(place(layer)).map_or(0, |found| found.len())).sum()
    }

    fn listed(&self) -> Vec<String> {
        self.store.ok(&["images", "--format", "{{.Tag}}"]).lines().map(str::to_owned).collect()
    }

    fn assert_runs(&self, tag: &str, when: &str) {
        let ran = self.store.tare(&["run", "--rm", "--pull", "never", "--network", "none", &self.name(tag)]);
        assert_eq!(ran.code, 7, "{when}: {tag}: {}", ran.story());
        // All of its files, as they came.
        let about = self.store.inspect(&self.name(tag));
        for layer in about["RootFS"]["Layers"].as_array().expect("layers") {
            let tree = self.store.root.join("layer").join(layer.as_str().expect("a digest").trim_start_matches("sha256:"));
            let empty = std::fs::read_dir(&tree).unwrap_or_else(|e| panic!("{when}: {}: {e}", tree.display())).flatten().find(|file| {
                let bytes = std::fs::read(file.path()).expect("a file");
                bytes.len() < 1000 || bytes[bytes.len() - 600..].iter().all(|byte| *byte == 0)
            });
            assert!(empty.is_none(), "{when}: {tag}: {empty:?} has lost its end");
        }
    }
}

/// What happens, noted down. The words among the notes say what was promised by then.
fn history(scene: &Scene, options: &str, base: &Path) -> Vec<Note> {
    let (data, log) = (scene.store.dir.join("data"), scene.store.dir.join("log"));
    std::fs::copy(base, &data).expect("a disk");
    File::create(&log).and_then(|file| file.set_len(512 << 20)).expect("a disk for the log");
    {
        let (data, log) = (Loop::of(&data), Loop::of(&log));
        let table = format!("0 {} log-writes {} {}", SIZE / SECTOR, data.0, log.0);
        let cut = format!("cut{}", scene.registry.host.rsplit(':').next().expect("a port"));
        dmsetup(&["create", &cut, "--table", &table]).ok();
        let word = |word: &str| drop(dmsetup(&["message", &cut, "0", "mark", word]).ok());
        let disk = Mounted::new(&format!("/dev/mapper/{cut}"), &scene.store.dir.join("disk"), options);
        scene.pull("old");
        word("old");
        scene.pull("a");
        word("a");
        let mut broken = scene.store.start(&["pull", "-q", &scene.name("b")]);
        eventually("half of it has come", || scene.has(&scene.b) > 150_000);
        broken.child.kill().expect("kill");
        broken.child.wait().expect("wait");
        std::thread::sleep(Duration::from_secs(2));
        scene.pull("b");
        word("b");
        scene.pull("a");
        word("a-goes");
        scene.store.ok(&["rmi", &scene.name("a")]);
        word("end");
        drop(disk);
        dmsetup(&["remove", &cut]).ok();
    }
    read_notes(&log)
}

/// The disk at the moment when this many notes were certain. Of what came up to the next flush, chance takes some.
fn disk_at(base: &[u8], notes: &[Note], moment: usize, random: &mut Random) -> Vec<u8> {
    let mut disk = base.to_vec();
    for note in &notes[..moment] {
        if let Note::Write { at, bytes, .. } = note {
            disk[*at..*at + bytes.len()].copy_from_slice(bytes);
        }
    }
    let luck = random.below(4);
    for note in &notes[moment..] {
        match note {
            Note::Write { flushes: true, .. } => break,
            Note::Write { at, bytes, .. } => {
                for (number, block) in bytes.chunks(BLOCK).enumerate() {
                    let at = at + number * BLOCK;
                    if random.below(3) < luck {
                        disk[at..at + block.len()].copy_from_slice(block);
                    }
                }
            }
            Note::Word(_) => {}
        }
    }
    disk
}

/// Only what is not zero: files with holes are quick.
fn write_disk(path: &Path, disk: &[u8]) {
    let file = File::create(path).expect("a disk");
    file.set_len(disk.len() as u64).expect("its size");
    for (number, block) in disk.chunks(BLOCK).enumerate() {
        if block.iter().any(|byte| *byte != 0) {
            file.write_all_at(block, (number * BLOCK) as u64).expect("a block");
        }
    }
}

/// The machine starts again, on this disk.
fn judge(scene: &mut Scene, disk: &[u8], options: &str, promised: &[&str], number: usize) {
    let when = format!("cut {number}, {promised:?} promised");
    let path = scene.store.dir.join("cut");
    write_disk(&path, disk);
    let boot = scene.store.file("boot-id", format!("{number:08x}-0000-4000-8000-000000000000\n"));
    let id = "/proc/sys/kernel/random/boot_id";
    mount(Some(&boot), id, None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("another boot");
    scene.store.run = scene.store.dir.join(format!("r{number}"));
    {
        let device = Loop::of(&path);
        let _disk = Mounted::new(&device.0, &scene.store.dir.join("disk"), options);
        let listed = scene.listed();
        for tag in promised {
            assert!(listed.iter().any(|have| have == tag), "{when}: {tag} was reported as pulled, and here is {listed:?}");
        }
        for tag in &listed {
            scene.assert_runs(tag, &when);
        }
        // What is put right may be found; nothing may need a person.
        scene.store.tare(&["system", "check", "--deep"]).expect_code(0);
        assert_eq!(scene.listed(), listed, "{when}: nothing is lost by putting it right");
        let had = scene.has(&scene.a) + scene.has(&scene.b);
        for tag in ["a", "b"] {
            scene.pull(tag);
            scene.assert_runs(tag, &when);
        }
        assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong", "{when}");
        eprintln!("{when}: listed {listed:?}, {had} bytes to resume");
    }
    umount2(id, MntFlags::empty()).expect("the own boot");
}

/// What has been said to be there by then.
fn promised(notes: &[Note]) -> Vec<&'static str> {
    let words: Vec<&str> = notes.iter().filter_map(|note| if let Note::Word(word) = note { Some(word.as_str()) } else { None }).collect();
    let said = |word: &str| words.contains(&word);
    [("old", said("old")), ("a", said("a") && !said("a-goes")), ("b", said("b"))]
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(tag, _)| tag)
        .collect()
}

/// How the kernel writes out pages is a matter of the whole machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// `writeback`: hundredths of a second until the kernel writes out a page by itself; 0 is never.
fn cut(options: &str, writeback: &str) {
    if !in_vm() {
        let _ = cannot("the disk of this machine is not for cutting its power; scripts/vm has one");
        return;
    }
    for program in ["dmsetup", "losetup", "mke2fs"] {
        if !installed(program) {
            let _ = lacking(program);
            return;
        }
    }
    if process::tool(&["modprobe", "dm-log-writes"]).code != 0 {
        let _ = cannot("this kernel has no dm-log-writes");
        return;
    }
    // What is mounted from here on is seen by this thread and what it starts.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).expect("unshare");
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).expect("private mounts");
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(|broken| broken.into_inner());
    for name in ["dirty_writeback_centisecs", "dirty_expire_centisecs"] {
        std::fs::write(format!("/proc/sys/vm/{name}"), writeback).expect(name);
    }
    let mut random = Random::new();
    let mut scene = Scene::new(&mut random);
    let base = scene.store.dir.join("base");
    File::create(&base).and_then(|file| file.set_len(SIZE as u64)).expect("a disk");
    let lazy = "lazy_itable_init=0,lazy_journal_init=0";
    process::tool(&["mke2fs", "-q", "-F", "-t", "ext4", "-E", lazy, base.to_str().expect("utf-8")]).ok();
    let notes = history(&scene, options, &base);
    scene.is_slow.store(false, Ordering::Relaxed);
    let base = std::fs::read(&base).expect("a disk");
    let first = notes.iter().position(|note| matches!(note, Note::Word(word) if word == "old")).expect("a beginning");
    let last = notes.iter().position(|note| matches!(note, Note::Word(word) if word == "end")).expect("an end");
    let flushes = notes.iter().filter(|note| matches!(note, Note::Write { flushes: true, .. })).count();
    eprintln!("{} notes, {flushes} of them flush, {first} before the beginning, {last} until the end", notes.len());
    // The moment of each promise, and others that nobody chose.
    let mut moments: Vec<usize> = (first..=last).filter(|at| matches!(notes[*at], Note::Word(_))).map(|at| at + 1).collect();
    moments.extend((0..rounds(4).min(60)).map(|_| first + 1 + random.below((last - first) as u64) as usize));
    for (number, moment) in moments.into_iter().enumerate() {
        let disk = disk_at(&base, &notes, moment, &mut random);
        judge(&mut scene, &disk, options, &promised(&notes[..moment]), number);
    }
}

/// Much is on its way to the disk at any time.
#[test]
fn a_power_cut_in_the_middle_of_pulls() {
    cut("commit=1", "5");
}

/// Only what somebody has waited for is on the disk, and the file system promises less: lengths may be certain before the bytes are.
#[test]
fn a_power_cut_where_nothing_is_written_unasked() {
    cut("commit=300,data=writeback,noauto_da_alloc", "0");
}
