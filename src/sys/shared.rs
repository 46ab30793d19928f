//! A page of memory that a process has in common with those that are forked from it.

#![allow(unsafe_code)]

use nix::errno::Errno;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// In a page of 4096 bytes.
pub const WORDS: usize = 512;

pub type Page = [AtomicU64; WORDS];

/// Where a page is kept for whoever needs it in this program. Another takes its place; the old one stays where it is, others may have it.
pub struct Place(AtomicPtr<Page>);

impl Place {
    pub const fn empty() -> Place {
        Place(AtomicPtr::new(std::ptr::null_mut()))
    }
    pub fn put(&self, page: &'static Page) {
        self.0.store(std::ptr::from_ref(page).cast_mut(), Ordering::Relaxed);
    }
    pub fn page(&self) -> Option<&'static Page> {
        // SAFETY: nothing, or a page that was put there and is never unmapped.
        unsafe { self.0.load(Ordering::Relaxed).as_ref() }
    }
}

/// Zeroes, for as long as anybody has it.
pub fn page() -> Result<&'static Page, Errno> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), WORDS * 8, protection, flags, -1, 0) };
    if address == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    // SAFETY: the page is never unmapped, is aligned, and atomic words may be written by anybody at any time.
    Ok(unsafe { &*address.cast() })
}
