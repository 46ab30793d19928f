//! Pid 1 of a container, as bytes: the build compiles `reaper.rs` to a static program of about a page.

/// The finished program, for a sealed memory file.
pub static REAPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reaper"));

#[cfg(test)]
mod tests {
    #[test]
    fn the_reaper_fits_in_two_pages() {
        assert_eq!(&super::REAPER[..4], b"\x7fELF");
        assert!(super::REAPER.len() <= 8192, "{} bytes", super::REAPER.len());
    }
}
