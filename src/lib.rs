//! The map of the code.

#![deny(unsafe_code)]

pub mod error;
pub mod paths;
pub mod sys;
