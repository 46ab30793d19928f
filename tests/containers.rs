//! x
mod common;
#[test]
fn x() {
    let _ = common::Store::new();
    let _ = common::Terminal::spawn;
}
