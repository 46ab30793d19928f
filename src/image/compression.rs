//! Streams as they come: plain, gzip or zstd, told apart by their first bytes and never by their names.

use crate::error::{Context, Error, Result};
use std::io::{BufRead, BufReader, Read};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    pub fn of(first: &[u8]) -> Compression {
        match first {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }
    pub fn layer_media_type(self) -> &'static str {
        match self {
            Compression::None => "application/vnd.oci.image.layer.v1.tar",
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

/// The plain bytes, and how they were packed.
pub fn open<'a>(source: impl Read + 'a) -> Result<(Compression, Box<dyn Read + 'a>)> {
    let mut source = BufReader::with_capacity(256 << 10, source);
    let compression = Compression::of(source.fill_buf().context("cannot read the archive")?);
    let plain: Box<dyn Read> = match compression {
        Compression::None => Box::new(source),
        // Several members behind each other are one stream: pigz and others write them so.
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        Compression::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(source);
            Box::new(decoder.map_err(|error| Error::damaged("the zstd stream is broken").because(error))?)
        }
    };
    Ok((compression, plain))
}
