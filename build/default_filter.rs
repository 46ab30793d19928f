//! Compiles the default filter of system calls ahead of time, with the same code that compiles other filters at run time.

#![allow(dead_code, reason = "the modules are shared with the program, which uses more of them")]

#[path = "../src/spec/seccomp/architecture.rs"]
mod architecture;
#[path = "../src/spec/capabilities/names.rs"]
mod capability_names;
#[path = "../src/spec/seccomp/compile.rs"]
mod compile;
#[path = "../src/spec/seccomp/default_table.rs"]
mod default_table;
#[path = "../src/spec/seccomp/graph.rs"]
mod graph;
#[path = "../src/spec/seccomp/instruction.rs"]
mod instruction;
#[path = "../src/spec/seccomp/numbers.rs"]
mod numbers;
#[path = "../src/spec/seccomp/profile.rs"]
mod profile;
#[path = "../src/spec/seccomp/ranges.rs"]
mod ranges;

use std::fmt::Write;

pub fn write() {
    println!("cargo::rerun-if-changed=src/spec/seccomp");
    println!("cargo::rerun-if-changed=src/spec/capabilities/names.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let target = variable("CARGO_CFG_TARGET_ARCH");
    let native = architecture::Architecture::from_target(&target).unwrap_or_else(|| panic!("no table of system calls for {target}"));
    let profile = default_table::profile(native, capability_names::DEFAULT);
    let filter = compile::compile(&profile, native).expect("the table is far shorter than the kernel's limit");
    let mut text = format!("static DEFAULT_FILTER: [SockFilter; {}] = [\n", filter.len());
    for instruction::SockFilter { code, jt, jf, k } in filter {
        writeln!(text, "    SockFilter {{ code: {code:#x}, jt: {jt}, jf: {jf}, k: {k:#x} }},").expect("memory does not fail");
    }
    text.push_str("];\n");
    std::fs::write(std::path::Path::new(&variable("OUT_DIR")).join("default_filter.rs"), text).expect("OUT_DIR is writable");
}
