//! What tare says about itself and about containers, for people who want to know what one is.
//!
//! Nothing here does anything to a container: it looks at what is there (`/proc`, `/sys`, the records), at what our own processes
//! do while they do it, or at what they would do.

pub mod calls;
pub mod layers;
pub mod live;
pub mod observe;
pub mod start;
pub mod tell;
pub mod topics;
pub mod tree;
pub mod why;
