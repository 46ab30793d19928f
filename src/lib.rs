//! The map of the code.

#![deny(unsafe_code)]

pub mod cli;
pub mod error;
pub mod monitor;
pub mod options;
pub mod paths;
pub mod record;
pub mod store;
pub mod sys;
