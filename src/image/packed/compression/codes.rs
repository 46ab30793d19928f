//! The codes of a deflate block as tables: the next bits of the stream are an index, and what lies there says all about the symbol.
//!
//! Most codes are short. Those up to `BITS` long are found at once; of a longer one the first bits lead to a second table, which lies
//! behind the first.

use crate::image::compression::inflate::wrong;
use std::io::Result;

/// No code of deflate is longer (RFC 1951, section 3.2.7).
const LONGEST: usize = 15;

/// What a table says, in 32 bits. From the lowest: how many bits the symbol takes, the extra bits behind its code included (8); the
/// length of its code alone (4); three marks; and its value (16): the letter, or the smallest length or distance, or where the second
/// table begins, whose index is then as long as the "length of the code".
pub type Entry = u32;
pub const LITERAL: Entry = 1 << 31;
/// Neither a letter nor a length nor a distance: one of the next two, or a second table.
pub const SPECIAL: Entry = 1 << 15;
pub const END: Entry = SPECIAL | 1 << 14;
pub const NO_CODE: Entry = SPECIAL | 1 << 13;
/// Tells the three apart.
pub const KIND: Entry = END | NO_CODE;

/// `SIZE` is a power of two with room for all second tables.
pub struct Table<const BITS: usize, const SIZE: usize>(pub [Entry; SIZE]);

/// Whether a code may leave bit patterns without meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    None,
    /// A code of a single symbol is written with one bit.
    Single,
}

impl<const BITS: usize, const SIZE: usize> Table<BITS, SIZE> {
    pub fn new() -> Box<Self> {
        Box::new(Table([NO_CODE; SIZE]))
    }

    /// From the lengths of the codes of all symbols (0: it has none), as section 3.2.2 assigns them.
    pub fn build(&mut self, lengths: &[u8], gaps: Gaps, meaning: impl Fn(usize) -> Entry) -> Result<()> {
        let mut count = [0usize; LONGEST + 1];
        lengths.iter().for_each(|length| count[usize::from(*length)] += 1);
        count[0] = 0;
        check(&count, gaps)?;
        let mut next = [0usize; LONGEST + 2];
        (1..=LONGEST).for_each(|length| next[length + 1] = next[length] + count[length]);
        let mut sorted = [0u16; 288];
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            sorted[next[usize::from(*length)]] = symbol as u16;
            next[usize::from(*length)] += 1;
        }
        let mut symbols = sorted.iter().map(|symbol| meaning(usize::from(*symbol)));
        self.0[0] = NO_CODE;
        let mut code = 0usize;
        for (length, many) in count.iter().enumerate().take(BITS + 1).skip(1) {
            // A shorter code means the same whatever bit follows it.
            let half = 1 << (length - 1);
            self.0.copy_within(..half, half);
            for symbol in symbols.by_ref().take(*many) {
                self.0[reversed(code, length)] = sized(symbol, length);
                code += 1;
            }
            code <<= 1;
        }
        self.build_second(&mut count, code, symbols);
        Ok(())
    }

    fn build_second(&mut self, count: &mut [usize], mut code: usize, mut symbols: impl Iterator<Item = Entry>) {
        let (mut start, mut bits, mut prefix) = (1 << BITS, 0, usize::MAX);
        for length in BITS + 1..=LONGEST {
            while count[length] > 0 {
                let index = reversed(code, length);
                if index & ((1 << BITS) - 1) != prefix {
                    prefix = index & ((1 << BITS) - 1);
                    start += if bits > 0 { 1 << bits } else { 0 };
                    bits = second_bits(count, BITS, length);
                    self.0[start..start + (1 << bits)].fill(NO_CODE);
                    self.0[prefix] = SPECIAL | (start as Entry) << 16 | (bits as Entry) << 8 | BITS as Entry;
                }
                let symbol = sized(symbols.next().unwrap_or(NO_CODE), length - BITS);
                (index >> BITS..1 << bits).step_by(1 << (length - BITS)).for_each(|place| self.0[start + place] = symbol);
                count[length] -= 1;
                code += 1;
            }
            code <<= 1;
        }
    }
}

/// How large a second table must be that begins with a code of this length.
fn second_bits(count: &[usize], first: usize, length: usize) -> usize {
    let mut bits = length - first;
    let mut used = count[length];
    while used < 1 << bits && first + bits < LONGEST {
        bits += 1;
        used = (used << 1) + count[first + bits];
    }
    bits
}

fn sized(meaning: Entry, length: usize) -> Entry {
    meaning + ((length as Entry) << 8 | length as Entry)
}

/// Codes come with their highest bit first, and everything else with its lowest.
fn reversed(code: usize, length: usize) -> usize {
    code.reverse_bits() >> (usize::BITS as usize - length)
}

fn check(count: &[usize], gaps: Gaps) -> Result<()> {
    let mut left = 1i32;
    for of_length in &count[1..] {
        left = 2 * left - *of_length as i32;
        if left < 0 {
            return Err(wrong("more codes than there can be"));
        }
    }
    let (all, short): (usize, usize) = (count.iter().sum(), count[1]);
    match left {
        0 => Ok(()),
        _ if gaps == Gaps::Single && all <= 1 && short == all => Ok(()),
        _ => Err(wrong("codes are missing")),
    }
}
