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
    rustc.args(["-C", "target-feature=+crt-static", "-C", "default-linker-libraries=no"]);
    // For musl rustc would add its own start files, which bring a C library's start-up with them.
    if variable("TARGET").ends_with("musl") {
        rustc.args(["-C", "link-self-contained=no"]);
    }
    // One segment, one page: no room is left between code and constants.
    rustc.args(["-C", "link-args=-nostartfiles -nostdlib -static -no-pie -Wl,--build-id=none,-z,norelro,-z,noseparate-code,-n"]);
    if let Ok(linker) = std::env::var("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={linker}"));
    }
    let status = rustc.arg("-o").arg(&out).arg(source).status().expect("rustc runs");
    assert!(status.success(), "cannot compile {source}");
}
