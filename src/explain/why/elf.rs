//! What a program says about itself in its first pages: for which machine it was made, and who has to load it (elf(5)).

/// What matters for being executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elf {
    pub machine: u16,
    pub bits: u8,
    /// PT_INTERP: the loader that must be there; `None`: it is static.
    pub loader: Option<String>,
    /// DT_NEEDED: the libraries that the loader will look for.
    pub libraries: Vec<String>,
}

/// Bytes of the file at a place, as many as there are.
pub type Read<'a> = &'a dyn Fn(u64, usize) -> Vec<u8>;

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
const NEEDED: u64 = 1;
const STRING_TABLE: u64 = 5;
/// Nobody has more of either, but for a file that wants to harm.
const MOST_PARTS: usize = 64;
const MOST_ENTRIES: usize = 512;
const LONGEST_NAME: usize = 4096;

/// A part of the file as the kernel or the loader wants it in memory.
struct Part {
    kind: u32,
    place: u64,
    address: u64,
    length: u64,
}

/// `None`: it is no ELF file. One that is broken says nothing of what is broken.
pub fn parse(read: Read) -> Option<Elf> {
    let head = read(0, 64);
    if head.len() < 52 || !head.starts_with(b"\x7fELF") {
        return None;
    }
    let form = Form { is_wide: head[4] == 2, is_little: head[5] != 2 };
    let mut elf = Elf { machine: form.number(&head, 18, 2) as u16, bits: if form.is_wide { 64 } else { 32 }, ..Elf::default() };
    let parts = form.parts(&head, read);
    if let Some(part) = parts.iter().find(|part| part.kind == INTERPRETER) {
        elf.loader = text(&read(part.place, (part.length as usize).min(LONGEST_NAME)));
    }
    if let Some(part) = parts.iter().find(|part| part.kind == DYNAMIC) {
        elf.libraries = form.libraries(part, &parts, read);
    }
    Some(elf)
}

/// How numbers are written in this file.
struct Form {
    is_wide: bool,
    is_little: bool,
}

impl Form {
    fn number(&self, bytes: &[u8], at: usize, length: usize) -> u64 {
        let bytes = bytes.get(at..at + length).unwrap_or_default();
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }

    fn parts(&self, head: &[u8], read: Read) -> Vec<Part> {
        let wide = |wide: usize, narrow: usize| if self.is_wide { wide } else { narrow };
        let word = wide(8, 4);
        let table = self.number(head, wide(32, 28), word);
        let size = self.number(head, wide(54, 42), 2) as usize;
        let count = (self.number(head, wide(56, 44), 2) as usize).min(MOST_PARTS);
        let bytes = read(table, size.min(1024) * count);
        let part = |entry: &[u8]| Part {
            kind: self.number(entry, 0, 4) as u32,
            place: self.number(entry, wide(8, 4), word),
            address: self.number(entry, wide(16, 8), word),
            length: self.number(entry, wide(32, 16), word),
        };
        if size == 0 { Vec::new() } else { bytes.chunks(size).map(part).collect() }
    }

    /// The dynamic section is a list of pairs; names in it are places in a table of strings, whose address is a pair as well.
    fn libraries(&self, dynamic: &Part, parts: &[Part], read: Read) -> Vec<String> {
        let word = if self.is_wide { 8 } else { 4 };
        let bytes = read(dynamic.place, (dynamic.length as usize).min(MOST_ENTRIES * 2 * word));
        let pairs: Vec<(u64, u64)> =
            bytes.chunks(2 * word).map(|pair| (self.number(pair, 0, word), self.number(pair, word, word))).collect();
        let Some((_, address)) = pairs.iter().find(|(tag, _)| *tag == STRING_TABLE) else { return Vec::new() };
        let loaded = |part: &&Part| part.kind == LOAD && (part.address..part.address.saturating_add(part.length)).contains(address);
        let Some(part) = parts.iter().find(loaded) else { return Vec::new() };
        let table = part.place + (address - part.address);
        let needed = pairs.iter().take_while(|(tag, _)| *tag != 0).filter(|(tag, _)| *tag == NEEDED);
        needed.filter_map(|(_, name)| text(&read(table.checked_add(*name)?, 256))).collect()
    }
}

/// Up to the zero behind it.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok().filter(|text| !text.is_empty())
}

/// What `uname -m` calls it (elf(5), e_machine).
pub fn machine_name(elf: &Elf) -> String {
    match (elf.machine, elf.bits) {
        (3, _) => "i386".to_owned(),
        (8, _) => "mips".to_owned(),
        (20, _) => "ppc".to_owned(),
        (21, _) => "ppc64".to_owned(),
        (22, _) => "s390x".to_owned(),
        (40, _) => "arm".to_owned(),
        (62, 64) => "x86_64".to_owned(),
        (62, _) => "x32".to_owned(),
        (183, _) => "aarch64".to_owned(),
        (243, bits) => format!("riscv{bits}"),
        (258, _) => "loongarch64".to_owned(),
        (other, _) => format!("a machine with number {other}"),
    }
}

/// Whether this machine can execute it without further help.
pub fn runs_on(elf: &Elf, architecture: &str) -> bool {
    let name = machine_name(elf);
    name == architecture || (architecture == "x86_64" && name == "i386") || (architecture == "aarch64" && name == "arm")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Option<Elf> {
        parse(&|place, length| bytes.iter().skip(place as usize).take(length).copied().collect())
    }

    /// A program with a loader and two libraries, laid out by hand.
    pub fn program(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0u8; 0x200];
        let mut put = |at: usize, number: u64, length: usize| bytes[at..at + length].copy_from_slice(&number.to_le_bytes()[..length]);
        put(0, u64::from_le_bytes(*b"\x7fELF\x02\x01\x01\0"), 8);
        put(18, u64::from(machine), 2);
        put(32, 64, 8);
        put(54, 56, 2);
        put(56, 3, 2);
        // Kind, place, address, length: all of the file is loaded at 0x1000.
        for (index, (kind, place, address, length)) in
            [(LOAD, 0, 0x1000, 0x200), (INTERPRETER, 0x100, 0x1100, 16), (DYNAMIC, 0x140, 0x1140, 64)].into_iter().enumerate()
        {
            let at = 64 + index * 56;
            put(at, u64::from(kind), 4);
            put(at + 8, place, 8);
            put(at + 16, address, 8);
            put(at + 32, length, 8);
        }
        for (index, (tag, value)) in [(NEEDED, 1), (NEEDED, 8), (STRING_TABLE, 0x1180), (0, 0)].into_iter().enumerate() {
            put(0x140 + index * 16, tag, 8);
            put(0x148 + index * 16, value, 8);
        }
        bytes[0x100..0x10a].copy_from_slice(b"/lib/ld.so");
        bytes[0x181..0x18e].copy_from_slice(b"liba.1\0libb.2");
        bytes
    }

    #[test]
    fn loader_and_libraries_are_found() {
        let elf = of(&program(62)).unwrap();
        assert_eq!((elf.machine, elf.bits, elf.loader.as_deref()), (62, 64, Some("/lib/ld.so")));
        assert_eq!(elf.libraries, ["liba.1", "libb.2"]);
        assert!(runs_on(&elf, "x86_64") && !runs_on(&elf, "aarch64"));
        assert_eq!(machine_name(&of(&program(183)).unwrap()), "aarch64");
    }

    #[test]
    fn broken_files_say_nothing() {
        assert_eq!(of(b"#!/bin/sh\n"), None);
        assert_eq!(of(b"\x7fELF"), None);
        let whole = program(62);
        for length in 52..whole.len() {
            of(&whole[..length]);
        }
        let mut wild = whole.clone();
        wild[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(of(&wild).unwrap().loader, None);
        // A table of strings that nothing loads.
        let mut wild = whole;
        wild[0x168..0x170].copy_from_slice(&[0xff; 8]);
        assert_eq!(of(&wild).unwrap().libraries, Vec::<String>::new());
    }
}
