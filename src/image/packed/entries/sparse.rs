//! Sparse files: which pieces of one are stored, in the three ways in which archives have said it.

use super::fields::{field, positive};
use super::{BLOCK, Entries, Entry, Piece, What, broken, damaged};
use crate::error::Result;
use crate::image::pax;
use std::io::Read;
use tar::{GnuExtSparseHeader, Header};

/// More pieces of one sparse file than any tool makes.
const MOST_PIECES: usize = 1 << 17;

impl<R: Read> Entries<R> {
    /// Finds out which pieces a sparse file has: in the header and blocks behind it (old GNU), in PAX records, or before the data (PAX 1.0).
    pub(super) fn sparse(&mut self, entry: &mut Entry, header: &Header, kind: u8, pax: pax::Sparse) -> Result<()> {
        let (pieces, size) = if kind == b'S' {
            let Some(gnu) = header.as_gnu() else { return Err(damaged("a sparse entry without a GNU header")) };
            let size = field("real size", &gnu.realsize)?;
            (self.old_pieces(header)?, u64::try_from(size).map_err(|_| damaged("a sparse file has a negative size"))?)
        } else if let Some(size) = pax.size {
            let pieces = if pax.before_data { self.pieces_before_data()? } else { pax.pieces };
            (pieces, size)
        } else {
            return Ok(());
        };
        if entry.what != What::File {
            return Err(damaged("a sparse entry is no file"));
        }
        check_pieces(&pieces, size, self.left)?;
        entry.size = size;
        entry.pieces = Some(pieces);
        Ok(())
    }

    fn old_pieces(&mut self, header: &Header) -> Result<Vec<Piece>> {
        let Some(gnu) = header.as_gnu() else { return Ok(Vec::new()) };
        let mut pieces = Vec::new();
        let add = |sparse: &[tar::GnuSparseHeader], pieces: &mut Vec<Piece>| {
            for piece in sparse.iter().filter(|piece| piece.offset[0] != 0 || piece.numbytes[0] != 0) {
                pieces.push((positive("sparse offset", &piece.offset)?, positive("sparse length", &piece.numbytes)?));
            }
            if pieces.len() > MOST_PIECES { Err(damaged("a sparse file has too many pieces")) } else { Ok(()) }
        };
        add(&gnu.sparse, &mut pieces)?;
        let mut more = gnu.isextended[0] != 0;
        while more {
            let mut further = GnuExtSparseHeader::new();
            // These blocks stand between header and data and are not counted in the entry's size.
            self.source.read_exact(further.as_mut_bytes()).map_err(broken)?;
            add(&further.sparse, &mut pieces)?;
            more = further.isextended[0] != 0;
        }
        Ok(pieces)
    }

    /// PAX 1.0: decimal lines (how many, then offset and length of each), filled up to a block.
    fn pieces_before_data(&mut self) -> Result<Vec<Piece>> {
        let mut numbers = Vec::new();
        let mut wanted = 1;
        let mut digits = Vec::new();
        while numbers.len() < wanted {
            let mut block = [0; BLOCK as usize];
            if self.left < BLOCK {
                return Err(damaged("the map of a sparse file is cut"));
            }
            self.read_exact(&mut block).map_err(broken)?;
            for byte in block {
                if byte != b'\n' {
                    digits.push(byte);
                    continue;
                }
                if numbers.len() < wanted {
                    numbers.push(pax::number("a sparse file's map", &digits)?);
                    wanted = 1 + 2 * usize::try_from(numbers[0])
                        .ok()
                        .filter(|count| *count <= MOST_PIECES)
                        .ok_or_else(|| damaged("a sparse file has too many pieces"))?;
                }
                digits.clear();
            }
            // Also where they are zeros: a map without an end would be read again and again, longer each time.
            if digits.len() > 64 && numbers.len() < wanted {
                return Err(damaged("the map of a sparse file is no list of numbers"));
            }
        }
        Ok(numbers[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }
}

fn check_pieces(pieces: &[Piece], size: u64, stored: u64) -> Result<()> {
    let (mut end, mut sum) = (0u64, 0u64);
    for (offset, length) in pieces {
        if *offset < end {
            return Err(damaged("pieces of a sparse file overlap"));
        }
        end = offset
            .checked_add(*length)
            .filter(|end| *end <= size)
            .ok_or_else(|| damaged("a piece of a sparse file lies behind its end"))?;
        sum += length;
    }
    if sum == stored { Ok(()) } else { Err(damaged("the pieces of a sparse file do not make up its data")) }
}
