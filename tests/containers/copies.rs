//! `cp`: files go in and out, and nothing else does.
