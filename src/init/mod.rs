//! The little program inside a container (pid 1, and the last step before the command), as bytes: the build compiles
//! `reaper.rs` to a static program of about a page.

/// The finished program, for a sealed memory file.
pub static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reaper"));

#[cfg(test)]
mod tests {
    #[test]
    fn the_program_fits_in_two_pages() {
        assert_eq!(&super::PROGRAM[..4], b"\x7fELF");
        assert!(super::PROGRAM.len() <= 8192, "{} bytes", super::PROGRAM.len());
    }
}
