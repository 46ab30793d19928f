//! `tare system …`: what concerns everything that is here.

pub mod check;
pub mod df;
pub mod prune;
pub mod start;
pub mod stop;
