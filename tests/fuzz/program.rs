//! What cargo-fuzz runs: the target whose name this program has.
#![no_main]

mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    targets::find(env!("CARGO_BIN_NAME")).expect("a target of this name")(input);
});
