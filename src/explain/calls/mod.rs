//! System calls in words: `mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)`.
//!
//! What is read from a process's memory is bounded: it is shown to people.

pub mod names;
mod structures;
mod table;

use crate::error;
use crate::spec::capabilities;
use crate::spec::seccomp::architecture::Architecture;
use crate::spec::seccomp::numbers;
use crate::sys::Errno;
use table::Shape;

/// A call, from its entry to its exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    /// It says what is done; others only serve those.
    pub is_telling: bool,
    /// In words; empty where it is not telling.
    pub arguments: Vec<String>,
}

/// What can be asked of the process that makes a call.
pub struct Asked<'a> {
    /// What lies in its memory at an address; so much of it as there is.
    pub memory: &'a dyn Fn(u64, &mut [u8]) -> usize,
    /// Where a descriptor leads.
    pub descriptor: &'a dyn Fn(i32) -> Option<String>,
}

/// Longer texts are cut.
const LONGEST_TEXT: usize = 120;
/// A path of the kernel's is never longer.
const LONGEST_PATH: usize = 4096;
const MOST_WORDS: u64 = 16;

impl Call {
    pub fn read(number: u64, arguments: &[u64; 6], asked: &Asked) -> Call {
        let name = u32::try_from(number).ok().and_then(|number| numbers::name(number, Architecture::NATIVE));
        let name = name.map_or_else(|| format!("call {number}"), str::to_owned);
        let Some(telling) = table::find(&name) else { return Call { name, is_telling: false, arguments: Vec::new() } };
        let shapes = telling.arguments.iter().enumerate().filter(|(_, shape)| !matches!(shape, Shape::Hidden));
        let words =
            shapes.map(|(index, shape)| shown(*shape, arguments[index], arguments, asked)).filter(|word| !word.is_empty()).collect();
        Call { is_telling: !is_talk_with_a_terminal(&name, arguments), name, arguments: words }
    }

    /// As a person writes it.
    pub fn text(&self) -> String {
        format!("{}({})", self.name, self.arguments.join(", "))
    }
}

/// Asking a terminal for its kind and size: everybody does it who writes to one.
fn is_talk_with_a_terminal(name: &str, arguments: &[u64; 6]) -> bool {
    name == "ioctl" && matches!(arguments[1], 0x5401 | 0x5402 | 0x5413)
}

/// `0`, `3`, `ENOENT`.
pub fn answer(value: i64) -> String {
    match value {
        -4095..=-1 => format!("{:?}", Errno::from_raw(-value as i32)),
        0..=0xffff => value.to_string(),
        large => format!("{large:#x}"),
    }
}

fn shown(shape: Shape, value: u64, all: &[u64; 6], asked: &Asked) -> String {
    match shape {
        Shape::Number => number(value),
        Shape::Octal => format!("{:#o}", value & 0o177_7777),
        Shape::Descriptor => descriptor(value, asked),
        Shape::Directory if value as i32 == -100 => "AT_FDCWD".to_owned(),
        Shape::Directory => descriptor(value, asked),
        Shape::Path => path(value, asked),
        Shape::Flags(names) => names::flags(value & 0xffff_ffff, names),
        Shape::One(names) => names::one(value & 0xffff_ffff, names),
        Shape::OpenFlags => open_flags(value),
        Shape::ModeOfNew(flags) if all[flags] & names::MAKES_A_FILE == 0 => String::new(),
        Shape::ModeOfNew(_) => format!("{:#o}", value & 0o7777),
        Shape::Text(length) => text(value, all[length], asked),
        Shape::Words => words(value, asked),
        Shape::CloneArguments => structures::clone_arguments(value, asked),
        Shape::OpenHow => structures::open_how(value, asked),
        Shape::MountAttributes => structures::mount_attributes(value, asked),
        Shape::Limit => structures::limit(value, asked),
        Shape::Groups(count) => structures::groups(value, all[count], asked),
        Shape::Capabilities => structures::capabilities(value, asked),
        Shape::Filter => structures::filter(value, asked),
        Shape::Message => structures::message(value, asked),
        Shape::ForPrctl => for_prctl(value, all[0]),
        Shape::Hidden => String::new(),
    }
}

/// A signal, a capability, or a number.
fn for_prctl(value: u64, what: u64) -> String {
    const PARENT_DEATH_SIGNAL: u64 = 1;
    const DROP_CAPABILITY: u64 = 24;
    match what {
        PARENT_DEATH_SIGNAL => names::one(value, names::SIGNALS),
        DROP_CAPABILITY => usize::try_from(value)
            .ok()
            .and_then(|bit| capabilities::names::NAMES.get(bit))
            .map_or_else(|| number(value), |name| (*name).to_owned()),
        _ => number(value),
    }
}

/// Small negative ones are negative, and what looks like an address is one.
fn number(value: u64) -> String {
    match value as i64 {
        small @ -4096..=0xffff_ffff => match small as i32 {
            negative @ -4096..0 => negative.to_string(),
            _ => small.to_string(),
        },
        _ => format!("{value:#x}"),
    }
}

fn descriptor(value: u64, asked: &Asked) -> String {
    let number = value as i32;
    match (asked.descriptor)(number) {
        Some(place) => format!("{number}<{place}>"),
        None => number.to_string(),
    }
}

fn open_flags(value: u64) -> String {
    let rest = value & 0xffff_ffff & !names::LARGE_FILES;
    let shown = names::flags(rest, names::OPEN);
    match rest & 3 {
        0 if rest == 0 => "O_RDONLY".to_owned(),
        0 if rest & 0x20_0000 == 0 => format!("O_RDONLY|{shown}"),
        _ => shown,
    }
}

fn path(address: u64, asked: &Asked) -> String {
    if address == 0 {
        return "NULL".to_owned();
    }
    match c_text(address, asked) {
        Some(bytes) => quoted_up_to(LONGEST_PATH, &bytes, bytes.len()),
        None => format!("{address:#x}"),
    }
}

/// Read page by page: behind the end of the text there may be no memory.
fn c_text(address: u64, asked: &Asked) -> Option<Vec<u8>> {
    const PAGE: u64 = 4096;
    let mut found = Vec::new();
    while found.len() < LONGEST_PATH {
        let from = address + found.len() as u64;
        let mut part = vec![0; (PAGE - from % PAGE) as usize];
        let length = (asked.memory)(from, &mut part);
        let part = part.get(..length).filter(|part| !part.is_empty())?;
        match part.iter().position(|byte| *byte == 0) {
            Some(end) => {
                found.extend(&part[..end]);
                return Some(found);
            }
            None => found.extend(part),
        }
    }
    Some(found)
}

fn text(address: u64, length: u64, asked: &Asked) -> String {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(LONGEST_TEXT).min(LONGEST_TEXT)];
    let have = (asked.memory)(address, &mut bytes);
    quoted(&bytes[..have], usize::try_from(length).unwrap_or(usize::MAX))
}

fn quoted(bytes: &[u8], whole: usize) -> String {
    quoted_up_to(LONGEST_TEXT, bytes, whole)
}

/// `whole`: how long the text is of which these are the first bytes.
fn quoted_up_to(most: usize, bytes: &[u8], whole: usize) -> String {
    let is_text = bytes.iter().all(|byte| (0x20..0x7f).contains(byte) || matches!(byte, b'\n' | b'\t' | 0x80..))
        && std::str::from_utf8(bytes).is_ok();
    if !is_text && !bytes.is_empty() {
        return format!("<{whole} bytes>");
    }
    // A terminal must not obey what somebody else's memory holds.
    let harmless = |letter: char| if error::is_obeyed(letter) && !matches!(letter, '\n' | '\t') { '?' } else { letter };
    let shown: String = String::from_utf8_lossy(bytes).chars().take(most).map(harmless).collect();
    let more = if whole > shown.len() { "…" } else { "" };
    format!("\"{}\"{more}", shown.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
}

fn words(address: u64, asked: &Asked) -> String {
    let mut found = Vec::new();
    for index in 0..MOST_WORDS {
        match structures::word_at(address + index * 8, asked) {
            Some(0) | None => return format!("[{}]", found.join(", ")),
            Some(word) => found.push(path(word, asked)),
        }
    }
    format!("[{}, …]", found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process whose memory is this, from address 4096 on.
    fn asked_of(memory: &[u8], test: impl FnOnce(&Asked)) {
        let read = |address: u64, into: &mut [u8]| {
            let Some(have) = address.checked_sub(4096).and_then(|from| memory.get(from as usize..)) else { return 0 };
            let length = have.len().min(into.len());
            into[..length].copy_from_slice(&have[..length]);
            length
        };
        test(&Asked { memory: &read, descriptor: &|number| (number == 7).then(|| "/tmp".to_owned()) });
    }

    fn number_of(name: &str) -> u64 {
        let known = numbers::find(name).expect("a known name");
        u64::from(known.numbers(Architecture::NATIVE).next().expect("a number"))
    }

    #[test]
    fn a_mount_reads_like_its_manual() {
        asked_of(b"proc\0/proc\0", |asked| {
            let call = Call::read(number_of("mount"), &[4096, 4101, 4096, 0xe, 0, 0], asked);
            assert_eq!(call.text(), "mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)");
            assert!(call.is_telling);
        });
    }

    #[test]
    fn descriptors_say_where_they_lead_and_the_unreadable_stays_a_number() {
        asked_of(b"name\0", |asked| {
            let call = Call::read(number_of("openat"), &[7, 4096, 0x8_0000, 0, 0, 0], asked);
            assert_eq!(call.text(), "openat(7</tmp>, \"name\", O_RDONLY|O_CLOEXEC)");
            let call = Call::read(number_of("openat"), &[-100_i64 as u64, 1, 0x241, 0o644, 0, 0], asked);
            assert_eq!(call.text(), "openat(AT_FDCWD, 0x1, O_WRONLY|O_CREAT|O_TRUNC, 0o644)");
        });
    }

    #[test]
    fn long_and_binary_texts_are_cut() {
        asked_of(&[b'x'; 300], |asked| {
            let call = Call::read(number_of("write"), &[1, 4096, 300, 0, 0, 0], asked);
            assert_eq!(call.arguments[1], format!("\"{}\"…", "x".repeat(120)));
        });
        asked_of(&[1, 2, 3], |asked| {
            let call = Call::read(number_of("write"), &[1, 4096, 3, 0, 0, 0], asked);
            assert_eq!(call.arguments[1], "<3 bytes>");
        });
    }

    #[test]
    fn what_only_serves_is_named_and_no_more() {
        asked_of(b"", |asked| {
            let call = Call::read(number_of("mmap"), &[0; 6], asked);
            assert_eq!((call.name.as_str(), call.is_telling, call.arguments.len()), ("mmap", false, 0));
        });
    }

    #[test]
    fn answers_are_names_where_they_are_errors() {
        assert_eq!([answer(0), answer(-2), answer(5), answer(0x7f00_0000_0000)], ["0", "ENOENT", "5", "0x7f0000000000"]);
    }
}
