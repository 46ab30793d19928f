//! Where names are looked up.

use super::words::Flags;
use crate::error::Result;
use crate::options::Wishes;
use clap::Arg;

pub fn define() -> Vec<Arg> {
    vec![]
}

pub fn read(_flags: &Flags, _wishes: &mut Wishes) -> Result<()> {
    Ok(())
}
