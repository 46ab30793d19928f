//! The map of the code.

#![deny(unsafe_code)]

pub mod cli;
pub mod error;
pub mod init;
pub mod names;
pub mod options;
pub mod paths;
pub mod record;
pub mod runtime;
pub mod spec;
pub mod store;
pub mod sys;
pub mod time;
pub mod trace;
