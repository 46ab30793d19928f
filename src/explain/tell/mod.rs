//! What was seen, told: to people in short or in full, or to programs.

mod json;
mod text;

pub use json::Json;
pub use text::Text;

use crate::explain::observe::{Happened, Seen};
use std::time::Duration;

/// Takes what happens, and gives the lines to be shown now.
pub trait Teller {
    fn tell(&mut self, seen: &Seen, at: Duration, happened: Happened) -> String;
    /// When everything has been told.
    fn end(&mut self) -> String;
}
