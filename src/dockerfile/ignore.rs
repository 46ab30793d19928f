//! stub
use crate::error::Result;
pub struct Patterns;
impl Patterns {
    pub fn parse(_text: &str) -> Result<Patterns> { Ok(Patterns) }
    pub fn of(_text: &[String]) -> Result<Patterns> { Ok(Patterns) }
    pub fn excludes(&self, _path: &str) -> bool { false }
    pub fn may_hold(&self, _path: &str) -> bool { false }
}
