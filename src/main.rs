//! The program: everything it does is in the library, where it can be tested.

fn main() {
    std::process::exit(tare::cli::main());
}
