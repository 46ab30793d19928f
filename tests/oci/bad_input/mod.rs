//! What is broken, too large or impossible is refused in words, on standard error and in the log, and leaves nothing behind.

mod config;
mod mutations;
mod surroundings;

use super::bundle::Bundle;
