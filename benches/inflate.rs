//! Inflaters and hashes, each on the same layers:  inflate FILE…  prints `NAME SECONDS` of processor time for each.
//!
//! The files are gzip layers, read into memory before. What is compared: the engine's own inflater, the one of flate2 that it
//! had before, and the two hashes in the tree. Hashes are of what the files hold, chunk by chunk as they come out.

use sha2::{Digest, Sha256};
use std::io::Read;
use tare::image::compression::{Chunk, Unpacked};

fn main() {
    // cargo adds a word of its own.
    let files: Vec<Vec<u8>> =
        std::env::args_os().skip(1).filter(|word| word != "--bench").map(|path| std::fs::read(path).unwrap()).collect();
    assert!(!files.is_empty(), "usage: inflate FILE…");
    part("own", || files.iter().for_each(|file| chunks(file, |_| {})));
    part("flate2", || {
        let mut buffer = vec![0; 256 << 10];
        for file in &files {
            let mut source = flate2::bufread::MultiGzDecoder::new(&file[..]);
            while source.read(&mut buffer).unwrap() > 0 {}
        }
    });
    // Some chunks, over and over: how fast they are made does not matter here.
    let mut some = Vec::new();
    let mut length = 0;
    for file in &files {
        chunks(file, |bytes| {
            length += bytes.len();
            if some.len() < 64 << 20 {
                some.extend_from_slice(bytes);
            }
        });
    }
    let all = || some.chunks(256 << 10).cycle().take(length / (256 << 10));
    part("sha2", || {
        let mut sum = Sha256::new();
        all().for_each(|bytes| sum.update(bytes));
        std::hint::black_box(sum.finalize());
    });
    part("ring", || {
        let mut sum = ring::digest::Context::new(&ring::digest::SHA256);
        all().for_each(|bytes| sum.update(bytes));
        std::hint::black_box(sum.finish());
    });
}

fn chunks(file: &[u8], mut seen: impl FnMut(&[u8])) {
    let (mut source, mut chunk) = (Unpacked::new(file).unwrap(), Chunk::default());
    loop {
        source.fill(&mut chunk).unwrap();
        match chunk.bytes() {
            [] => return,
            bytes => seen(bytes),
        }
    }
}

fn part(name: &str, work: impl FnOnce()) {
    let before = processor_time();
    work();
    println!("{name} {:.3}", processor_time() - before);
}

fn processor_time() -> f64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}
