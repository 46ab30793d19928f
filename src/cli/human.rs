//! Sizes for people: `4.42MB` where files are counted, `512MiB` where memory is. The words come from where sizes are understood.

pub use crate::options::sizes::{memory, size};
