//! What reads bytes from outside, each called as a fuzzer calls it: with any bytes at all. Nothing may panic, hang or leave its
//! bounds; what else must hold of every answer is asserted here.
//!
//! `program.rs` hands these functions to cargo-fuzz, and `tests/corpus.rs` replays what was found, without it.

use serde_json::Value;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use tare::cli::run_flags;
use tare::cli::template::{Row, Template, render_rows};
use tare::dockerfile::{self, check, expand, ignore::Patterns, settings, wildcard};
use tare::image::limits::Budget;
use tare::image::load::{Source, load};
use tare::image::{Limits, Progress, Reference, changes, compression, documents, unpack};
use tare::monitor::detach_keys::DetachKeys;
use tare::monitor::log::{read, tail};
use tare::monitor::protocol;
use tare::network::porter::message::{self, Heard, Question, Record, Verdict};
use tare::options::{self, Wishes, detach_keys, devices, env_file, labels, limits, mounts, namespaces, security, sizes, ulimits};
use tare::paths::Paths;
use tare::runtime::handshake;
use tare::spec::image_words::ImageWords;
use tare::spec::{command, environment, seccomp, user};
use tare::sys::{beneath::Directory, file, signal};
use tare::{names, time};

pub type Target = fn(&[u8]);

/// Each has a directory of its name in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("archive", archive),
    ("command_line", command_line),
    ("dockerfile", dockerfile),
    ("documents", documents),
    ("inflate", inflate),
    ("layer", layer),
    ("log", log),
    ("names", names),
    ("options", options),
    ("protocol", protocol),
    ("reference", reference),
    ("seccomp", seccomp),
    ("template", template),
];

pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// An archive of images as `load` takes it, each time into a store of its own: from a file, of which only the headers are read at
/// first, and from a pipe. Both must come to the same. The first byte: with 1 the checksums of its headers are made right first,
/// which no fuzzer finds by chance.
fn archive(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    let bytes = if kind & 1 == 1 { with_checksums(bytes) } else { bytes.to_vec() };
    let from_pipe = load_into(&Scratch::new(), Source::Stream(Box::new(&bytes[..])));
    let scratch = Scratch::new();
    let path = scratch.0.join("archive");
    std::fs::write(&path, &bytes).expect("a file");
    let from_file = load_into(&scratch, Source::Path(&path));
    assert_eq!(from_file, from_pipe, "a pipe and a file make a difference");
}

/// The ids and names of the images; `None`: it was refused.
fn load_into(scratch: &Scratch, source: Source) -> Option<Vec<(String, Vec<String>)>> {
    let paths = Paths::new(scratch.0.join("root"), scratch.0.join("run"));
    let loaded = load(&paths, source, &SMALL, &Progress::default(), &|| Ok(Vec::new())).ok();
    let loaded = loaded.map(|images| images.into_iter().map(|image| (image.id, image.names)).collect::<Vec<_>>());
    for (id, _) in loaded.iter().flatten() {
        tare::image::find(&paths, id).expect("what was loaded can be found");
    }
    scratch.assert_untouched();
    loaded
}

/// A layer: compressed or not, entries, long names, PAX records, sparse files, and all of it put down as files.
fn layer(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    let mut plain = Vec::new();
    if kind & 1 == 1 {
        plain = with_checksums(bytes);
    } else if let Ok((_, reader)) = compression::unpacked(bytes) {
        // Also what was read before an error is a layer that is cut.
        let _ = reader.take(8 << 20).read_to_end(&mut plain);
    }
    let scratch = Scratch::new();
    let root = scratch.0.join("root");
    file::make_dirs(&root, 0o755).expect("a directory");
    let budget = || Budget::new(&SMALL, &root).expect("a budget");
    let unpacked = unpack::unpack(&plain[..], Directory::open_root(&root).expect("the directory"), &budget());
    if let Ok(size) = unpacked {
        assert_eq!(unpack::measure(&plain[..], &budget()).ok(), Some(size), "reading and unpacking disagree");
    }
    scratch.assert_untouched();
}

/// A deflate stream: what it holds, and whether it is broken, is seen as another inflater sees it. Header and checksum, which no fuzzer
/// gets right by chance, are put around it.
fn inflate(input: &[u8]) {
    const MOST: u64 = 2 << 20;
    let mut theirs = Vec::new();
    let mut other = flate2::bufread::DeflateDecoder::new(input);
    let is_whole = (&mut other).take(MOST + 1).read_to_end(&mut theirs).is_ok();
    if theirs.len() as u64 > MOST {
        return;
    }
    let mut sum = crc32fast::Hasher::new();
    sum.update(&theirs);
    let end = if is_whole { other.total_in() as usize } else { input.len() };
    let packed =
        [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0][..], &input[..end], &sum.finalize().to_le_bytes(), &(theirs.len() as u32).to_le_bytes()];
    let mut ours = Vec::new();
    let packed = packed.concat();
    let read = compression::unpacked(&packed[..]).and_then(|(_, reader)| reader.take(MOST + 1).read_to_end(&mut ours));
    assert_eq!(read.is_ok(), is_whole, "whether it is broken: {:?}", read.err());
    assert!(!is_whole || ours == theirs, "another content");
}

/// A line of `run`, its words between zero bytes: where our own reader understands it, it is what clap would have understood.
fn command_line(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // What is in files is for other targets; here their names would be made up.
    if ["env-file", "label-file", "seccomp"].iter().any(|word| text.contains(word)) {
        return;
    }
    let words: Vec<String> = text.split('\0').map(str::to_owned).collect();
    let Some(ours) = run_flags::parse_words("run", &words) else { return };
    let line = std::iter::once("run").chain(words.iter().map(String::as_str));
    let matches = run_flags::define(clap::Command::new("run")).try_get_matches_from(line);
    let matches = matches.unwrap_or_else(|e| panic!("clap refuses {words:?}: {e}"));
    let told = |parsed: tare::error::Result<run_flags::Parsed>| parsed.map(|parsed| format!("{parsed:?}")).map_err(|e| e.to_string());
    assert_eq!(told(ours), told(run_flags::parse("run", &matches)), "{words:?}");
}

/// A Dockerfile, all that is done with it before anything is carried out, and the same bytes as a `.dockerignore`. What an image keeps
/// of an instruction can be read again.
fn dockerfile(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(all) = dockerfile::parse(&text, "Dockerfile") {
        let around = check::Around { arguments: &[], ignored: None, variables_of: &|_| None };
        let _ = check::check(&all, &text, "Dockerfile", &around);
        let mut config = serde_json::Map::new();
        for line in all.arguments.iter().chain(all.stages.iter().flat_map(|stage| &stage.lines)) {
            let again = dockerfile::parse_line(&line.whole(), all.escape).expect("it was read once");
            assert_eq!(again.instruction.name(), line.instruction.name());
            let value = |name: &str| name.len().is_multiple_of(2).then(|| format!("{name} $x"));
            if let Ok(expanded) = expand::instruction(&line.instruction, all.escape, &value) {
                let _ = settings::apply(&mut config, &expanded, false);
            }
        }
    }
    if let Ok(patterns) = Patterns::parse(&text) {
        for path in ["a", "a/b/c", "README.md"].into_iter().chain(text.lines().next()) {
            let _ = (patterns.excludes(path), patterns.may_hold(path));
        }
    }
    let _ = text.split_once('\n').map(|(pattern, name)| wildcard::matches(pattern, name));
}

/// The JSON documents of an image, and what a container becomes of its config; instructions of `--change`.
fn documents(input: &[u8]) {
    let _ = documents::parse::<documents::Index>("index", input);
    let _ = documents::parse::<Vec<documents::DockerImage>>("manifest.json", input);
    if let Ok(manifest) = documents::parse::<documents::Manifest>("manifest", input) {
        let _ = documents::check_manifest(&manifest);
    }
    if let Ok((config, layers)) = documents::parse_config("config", input) {
        assert!(layers.iter().all(|layer| layer.len() == 64 && layer.bytes().all(|byte| byte.is_ascii_hexdigit())));
        let words = ImageWords::from(&config);
        let _ = command::command(&Wishes::default(), &words);
        environment::environment("host", true, &[], &words.env, &[]);
        let _ = signal::parse(words.stop_signal.as_deref().unwrap_or_default());
    }
    let mut config = serde_json::Map::new();
    for line in String::from_utf8_lossy(input).lines().take(100) {
        let _ = changes::apply_all(&mut config, &[line]);
    }
}

/// Lines of a log: however the file is cut when it is read, the same entries come of it, and the last ones are found from the end.
fn log(input: &[u8]) {
    let (cut, bytes) = input.split_first().map_or((0, input), |(cut, bytes)| (*cut, bytes));
    let entries = |bytes: &[u8], size: usize| {
        let (mut entries, mut got) = (read::Entries::default(), Vec::new());
        for piece in bytes.chunks(size) {
            let each = &mut |entry| {
                got.push(entry);
                Ok(())
            };
            entries.feed(piece, each).expect("nobody refuses an entry");
        }
        got
    };
    let all = entries(bytes, usize::MAX);
    assert_eq!(entries(bytes, usize::from(cut) + 1), all);
    let tail = tail::Tail::new(cut.into(), read::Period::default());
    let (_, start) = tail.start(&mut [Cursor::new(bytes)]).expect("memory can be read");
    let last = entries(&bytes[start as usize..], usize::MAX);
    assert!(all.ends_with(&last), "the last lines are no end of all");
    assert!(last.iter().filter(|entry| entry.ends_line()).count() <= cut.into(), "too many lines");
}

/// A question for a name as a container sends it, and behind a cut what a server may answer. No answer is ever answered.
fn names(input: &[u8]) {
    let (cut, bytes) = input.split_first().map_or((0, input), |(cut, bytes)| (usize::from(*cut), bytes));
    let (asked, answer) = bytes.split_at(bytes.len().min(cut));
    let reply = match Question::read(asked) {
        Heard::Question(question) => {
            assert!(!question.is_answered_by(asked, question.id, asked), "a question is taken for its answer");
            let _ = (question.address(), question.is_answered_by(asked, question.id, answer), message::is_worthless(answer));
            let records = [Record::Address("fd00::2".parse().expect("an address")), Record::Name("web.back".repeat(60))];
            let reply = message::reply(asked, &question, Verdict::Fine, &records, question.room_in_datagram());
            assert!(reply.len() <= question.room_in_datagram() && question.is_answered_by(asked, question.id, &reply));
            reply
        }
        Heard::Wrong(reply) => reply,
        Heard::Nothing => return,
    };
    assert!(matches!(Question::read(&reply), Heard::Nothing), "a reply would be answered");
}

/// Every word of a command line, read by every parser of words; files of variables and labels; users of the image's passwd.
fn options(input: &[u8]) {
    let all = String::from_utf8_lossy(input);
    let mut parts = all.split('\0');
    let text = parts.next().unwrap_or_default();
    mounts_and_paths(text);
    let _ = detach_keys::parse_or_default(Some(text));
    let _ = devices::parse(text);
    let _ = labels::parse(text);
    let _ = labels::parse_file(text);
    if let (Ok(memory), Ok(swap)) = (limits::parse_memory(text), limits::parse_memory_swap(text)) {
        let _ = limits::check(&options::Limits { memory, memory_swap: swap, ..Default::default() });
    }
    let _ = limits::parse_cpus(text);
    let _ = limits::parse_cpu_shares(text);
    let _ = limits::parse_pids(text);
    let _ = namespaces::parse_network(text);
    let _ = namespaces::parse_pid(text);
    let _ = namespaces::parse_ipc(text);
    let _ = namespaces::parse_uts(text);
    let _ = security::parse(text);
    let _ = sizes::parse_bytes(text);
    let _ = ulimits::parse(text);
    if let Ok(number) = signal::parse(text) {
        assert_eq!(signal::parse(&signal::name(number)).ok(), Some(number));
    }
    let own = |name: &str| name.contains("H").then(|| "own".to_owned());
    let _ = env_file::parse(text, own);
    for line in env_file::parse_file(text, own).unwrap_or_default() {
        assert!(!line.starts_with('=') && line.contains('='), "{line:?} is no variable");
    }
    let _ = time::parse_duration(text);
    if let Ok(moment) = time::parse_moment(text, 1 << 60) {
        let written = time::rfc3339(moment);
        assert!(moment == 0 || time::parse_rfc3339(&written) == Some(moment), "{written} is another moment");
    }
    if names::check(text).is_ok() {
        assert!(!text.contains('/') && !text.starts_with('.') && !text.chars().any(char::is_control));
    }
    names::did_you_mean(text, ["web", "database", text]);
    who(text, parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
}

fn mounts_and_paths(text: &str) {
    let here = Path::new("/here");
    let volume = mounts::parse_volume(text, here).map(|volume| volume.mount);
    for mount in [volume, mounts::parse_mount(text, here), mounts::parse_tmpfs(text)].into_iter().flatten() {
        let target = mount.target();
        assert!(target.starts_with('/') && target.len() > 1 && target.split('/').all(|part| part != ".."), "target {target:?}");
        let _ = mounts::check_targets(&[mount.clone(), mount]);
    }
    let clean = mounts::clean_path(text);
    assert_eq!(mounts::clean_path(&clean), clean);
}

/// No user who is named becomes root by an id that the kernel reads as "leave as it is".
fn who(wish: &str, passwd: &str, group: &str) {
    let _ = options::users::parse(wish);
    if let Ok(found) = user::resolve(wish, passwd, group) {
        let real = |id: &u32| *id <= i32::MAX as u32;
        assert!(real(&found.uid) && real(&found.gid) && found.groups.iter().all(real), "{found:?} is nobody");
    }
}

/// What the processes of one container say to each other. The first byte says in what pieces it arrives.
fn protocol(input: &[u8]) {
    if let Some(word) = handshake::Word::decode(input) {
        let again = handshake::Word::decode(&word.encode());
        assert!(again == Some(word) || input.len() > handshake::LONGEST);
    }
    let (size, bytes) = input.split_first().map_or((1, input), |(size, bytes)| (usize::from(*size) + 1, bytes));
    let words = |bytes, size| (arriving::<protocol::ToMonitor>(bytes, size), arriving::<protocol::ToClient>(bytes, size));
    assert_eq!(words(bytes, size), words(bytes, usize::MAX), "the pieces make a difference");
    let (sequence, typed) = bytes.split_at(bytes.len().min(size % 8));
    let keys = |size: usize| {
        let (mut keys, mut forward) = (DetachKeys::new(sequence), Vec::new());
        let left = typed.chunks(size).any(|piece| keys.feed(piece, &mut forward));
        (left, forward)
    };
    assert_eq!(keys(size), keys(usize::MAX));
}

/// The words in a stream that arrives in pieces, written down again; and whether it was broken in the end.
fn arriving<'a, W: protocol::Word<'a>>(bytes: &'a [u8], size: usize) -> (Vec<u8>, bool) {
    let (mut taken, mut written) = (0, Vec::new());
    for piece in bytes.chunks(size) {
        let have = piece.as_ptr_range().end as usize - bytes.as_ptr() as usize;
        loop {
            match protocol::decode::<W>(&bytes[taken..have]) {
                Ok(Some((word, length))) => {
                    let before = written.len();
                    protocol::encode(&word, &mut written);
                    assert!(protocol::decode::<W>(&bytes[taken..taken + length]).is_ok() && written.len() > before);
                    taken += length;
                }
                Ok(None) => break,
                Err(protocol::Damaged) => return (written, true),
            }
        }
    }
    (written, false)
}

/// Names of images: what is shown means the same again.
fn reference(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(reference) = Reference::parse(&text) else { return };
    let shown = reference.to_string();
    assert_eq!(Reference::parse(&shown).ok(), Some(reference), "{text:?} is shown as {shown:?}");
    assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown:?}");
}

/// Profiles of system calls, in Docker's form and in that of OCI: what comes of one is a program that the kernel would take.
fn seccomp(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let docker = seccomp::from_docker_json(&text, 0xa804_25fb, "6.18.44-cloud").ok();
    let oci = serde_json::from_slice::<oci_spec::runtime::LinuxSeccomp>(input).ok();
    for profile in [docker, oci].into_iter().flatten() {
        seccomp::unknown_names(&profile);
        seccomp::flags(&profile);
        seccomp::wants_listener(&profile);
        let Ok(program) = seccomp::compile(&profile) else { continue };
        assert!((1..=4096).contains(&program.len()));
        for (at, instruction) in program.iter().enumerate() {
            let (is_jump, is_return) = (instruction.code & 7 == 5, instruction.code & 7 == 6);
            let far = if instruction.code == 5 { instruction.k as usize } else { usize::from(instruction.jt.max(instruction.jf)) };
            let next = at + 1 + if is_jump { far } else { 0 };
            assert!(is_return || next < program.len(), "instruction {at} leads out of the program");
        }
    }
}

/// `--format`: the template, a zero byte, and the value that it is laid over.
fn template(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (format, value) = text.split_once('\0').unwrap_or((&text, r#"{"Names":"web","Labels":{"a":"b"},"Mounts":[1,2]}"#));
    let Ok(value) = serde_json::from_str::<Value>(value) else { return };
    let _ = Template::new(format).and_then(|template| template.render(&value));
    let row = Row { fields: value.clone(), labels: vec![("a".into(), "b".into())] };
    let _ = render_rows(format, "table {{.Names}}", &value, &[row]);
}

const SMALL: Limits = Limits { layer_bytes: Some(8 << 20), layer_entries: Some(2000) };

/// A directory in memory, and a neighbour that nothing may reach.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = above.join(format!("tare-fuzz-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(path.join("victim")).expect("a directory");
        std::fs::write(path.join("victim/file"), "untouched").expect("a file");
        Scratch(path)
    }

    fn assert_untouched(&self) {
        let text = std::fs::read_to_string(self.0.join("victim/file")).expect("the victim");
        assert_eq!(text, "untouched");
        assert_eq!(std::fs::read_dir(self.0.join("victim")).expect("the victim").count(), 1, "something was made outside");
        let beside: Vec<_> = std::fs::read_dir(&self.0).expect("the scratch directory").flatten().map(|entry| entry.file_name()).collect();
        assert!(
            beside.iter().all(|name| ["victim", "root", "run", "archive"].iter().any(|known| name == *known)),
            "made outside: {beside:?}"
        );
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        file::remove_tree(&self.0).expect("remove what was made");
    }
}

/// The archive with the checksum of each header made right.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + 512) {
        if header.iter().any(|byte| *byte != 0) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let digits = header[124..135].iter().take_while(|byte| byte.is_ascii_digit());
        let size = digits.fold(0usize, |size, digit| size.saturating_mul(8).saturating_add(usize::from(digit & 7)));
        at = at.saturating_add(512).saturating_add(size.saturating_add(511) / 512 * 512);
    }
    bytes
}
