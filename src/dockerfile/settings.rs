//! stub
use crate::dockerfile::Instruction;
use crate::error::Result;
use serde_json::{Map, Value};
pub fn apply(_config: &mut Map<String, Value>, _instruction: &Instruction) -> Result<()> { Ok(()) }
