//! `save`: images in archives that every engine reads.
