//! Compiles pid 1 (`src/init/reaper.rs`) to a static program without a standard library, for the binary to carry.

use std::path::Path;
use std::process::Command;

pub fn compile() {
    let source = "src/init/reaper.rs";
    println!("cargo::rerun-if-changed={source}");
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let out = Path::new(&variable("OUT_DIR")).join("reaper");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--edition", "2024", "--crate-name", "reaper", "--crate-type", "bin", "--target", &variable("TARGET")]);
    rustc.args(["-C", "opt-level=s", "-C", "panic=abort", "-C", "strip=symbols", "-C", "relocation-model=static"]);
    rustc.args(["-C", "target-feature=+crt-static", "-C", "default-linker-libraries=no", "-C", "link-self-contained=no"]);
    // Rust's own linker, because it links for every machine; one segment, because one page is enough for code and constants.
    rustc.args(["-C", "linker=rust-lld", "-C", "linker-flavor=ld.lld"]);
    rustc.args(["-C", "link-args=--build-id=none -z norelro -z noseparate-code -n"]);
    let status = rustc.arg("-o").arg(&out).arg(source).status().expect("rustc runs");
    assert!(status.success(), "cannot compile {source}");
}
