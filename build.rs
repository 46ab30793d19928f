//! What is made before the compiler sees the program: see `build/`.

#[path = "build/default_filter.rs"]
mod default_filter;
#[path = "build/reaper.rs"]
mod reaper;

fn main() {
    reaper::compile();
    default_filter::write();
}
