//! The only code that talks to the kernel: thin, typed, with every `unsafe` of the program.

pub mod file;
pub mod poll;
pub mod signal;
pub mod socket;
pub mod terminal;
