//! The files of a container, from outside: copied, compared, written into an archive, made an image.

pub mod commit;
pub(super) mod commit_words;
pub mod copy;
pub mod diff;
pub mod export;
pub(super) mod files_of;
pub(super) mod standstill;
