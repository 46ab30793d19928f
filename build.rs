//! What is made before the compiler sees the program: see `build/`.

#[path = "build/reaper.rs"]
mod reaper;

fn main() {
    reaper::compile();
}
