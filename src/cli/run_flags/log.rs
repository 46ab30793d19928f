//! Where its output is kept.

use super::words::{Flag, Flags};
use crate::error::Result;
use crate::options::Wishes;

pub const FLAGS: &[Flag] = &[];

pub fn read(_flags: &Flags, _wishes: &mut Wishes) -> Result<()> {
    Ok(())
}
