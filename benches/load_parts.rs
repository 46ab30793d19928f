//! The parts of loading an image that nobody can leave out, each run alone: inflating the layers, both hashes, and writing.
//!
//!   load_parts LAYOUT WORKDIR        prints `NAME SECONDS` of processor time for each, and `sum`
//!
//! LAYOUT is an OCI layout with gzip layers. Inflating and hashing use the libraries that the engine uses; files are written
//! by tar(1) from plain layers, and the blobs, which the store keeps, by cp(1).

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use tare::image::compression;

fn main() {
    // cargo adds a word of its own.
    let words: Vec<PathBuf> = std::env::args_os().skip(1).filter(|word| word != "--bench").map(PathBuf::from).collect();
    let [layout, work] = &words[..] else { panic!("usage: load_parts LAYOUT WORKDIR") };
    let blobs: Vec<PathBuf> = std::fs::read_dir(layout.join("blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let layers: Vec<PathBuf> = blobs.iter().filter(|blob| is_gzip(blob)).cloned().collect();
    assert!(!layers.is_empty(), "no gzip layer in {}", layout.display());
    let plain: Vec<PathBuf> = (0..layers.len()).map(|number| work.join(format!("plain-{number}"))).collect();
    for (layer, plain) in layers.iter().zip(&plain) {
        std::io::copy(&mut inflated(layer), &mut File::create(plain).unwrap()).unwrap();
    }
    let mut sum = 0.0;
    let mut part = |name: &str, work: &mut dyn FnMut()| {
        let before = processor_time();
        work();
        let took = processor_time() - before;
        sum += took;
        println!("{name} {took:.3}");
    };
    let mut buffer = vec![0; 256 << 10];
    part("inflate", &mut || layers.iter().for_each(|layer| pass(&mut inflated(layer), &mut buffer, |_| {})));
    for (name, files) in [("hash_blobs", &layers), ("hash_contents", &plain)] {
        part(name, &mut || {
            for file in files {
                let mut hash = Sha256::new();
                pass(&mut File::open(file).unwrap(), &mut buffer, |bytes| hash.update(bytes));
                std::hint::black_box(hash.finalize());
            }
        });
    }
    part("write_blobs", &mut || run(Command::new("cp").arg("--reflink=never").args(&layers).arg(made(&work.join("blobs")))));
    part("write_files", &mut || {
        for (number, plain) in plain.iter().enumerate() {
            let to = work.join(format!("files-{number}"));
            run(Command::new("tar").args(["--numeric-owner", "-xpf"]).arg(plain).arg("-C").arg(made(&to)));
        }
    });
    println!("sum {sum:.3}");
}

fn inflated(layer: &Path) -> impl Read {
    compression::unpacked(File::open(layer).unwrap()).unwrap().1
}

fn is_gzip(path: &Path) -> bool {
    let mut first = [0; 2];
    File::open(path).unwrap().read_exact(&mut first).is_ok() && first == [0x1f, 0x8b]
}

fn pass(source: &mut impl Read, buffer: &mut [u8], mut seen: impl FnMut(&[u8])) {
    loop {
        match source.read(buffer).unwrap() {
            0 => return,
            count => seen(&buffer[..count]),
        }
    }
}

fn made(path: &Path) -> &Path {
    std::fs::create_dir(path).unwrap();
    path
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?} failed");
}

/// Of this process and of those it has waited for: in the program and in the kernel on its behalf.
fn processor_time() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    let of = |who| {
        let usage = getrusage(who).unwrap();
        let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    };
    of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN)
}
