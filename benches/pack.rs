//! How fast a layer is packed:  pack DIRECTORY [LEVEL…]
//!
//! Prints `NAME SECONDS MEGABYTES`: by the clock for the whole way (read, hash, compress with all processors, hash, write), and for
//! one processor how fast pieces of the same bytes are deflated at each level.

use flate2::{Compress, Compression, FlushCompress};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tare::image::built::{self, Packing};

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let directory = PathBuf::from(words.next().expect("usage: pack DIRECTORY [LEVEL…]"));
    for (name, squeeze) in [("plain", false), ("gzip", true)] {
        let blob = directory.with_extension("blob");
        let begun = Instant::now();
        let layer = built::pack(&directory, &blob, Packing { squeeze, ..Packing::default() }, &|_| {}).unwrap();
        println!("{name} {:.3} {:.1}", begun.elapsed().as_secs_f64(), layer.blob_size as f64 / 1e6);
        std::fs::remove_file(blob).unwrap();
    }
    let mut bytes = Vec::new();
    files(&directory, &mut bytes);
    for level in words.map(|word| word.parse().unwrap()) {
        let (begun, mut size, mut room) = (Instant::now(), 0, Vec::with_capacity(1 << 20));
        let mut compress = Compress::new(Compression::new(level), false);
        for piece in bytes.chunks(512 << 10) {
            compress.reset();
            room.clear();
            compress.compress_vec(piece, &mut room, FlushCompress::Sync).unwrap();
            size += room.len();
        }
        println!("level-{level} {:.3} {:.1}", begun.elapsed().as_secs_f64(), size as f64 / 1e6);
    }
}

fn files(directory: &Path, bytes: &mut Vec<u8>) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&entry.path(), bytes),
            kind if kind.is_file() => drop(std::fs::File::open(entry.path()).unwrap().read_to_end(bytes).unwrap()),
            _ => {}
        }
    }
}
