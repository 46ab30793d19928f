//! Writes the manual, one page for each command:  cargo run --example man DIRECTORY
//!
//! It is made of what the program parses its words with, so it cannot tell of other flags than there are.

use clap_mangen::Man;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: man DIRECTORY");
        std::process::exit(2);
    };
    let directory = Path::new(&directory);
    std::fs::create_dir_all(directory)?;
    // The page of one machine would show where its own store is.
    let program = tare::cli::whole_program().mut_args(|arg| match arg.get_id().as_str() {
        "root" => arg.default_value("/var/lib/tare"),
        "run-dir" => arg.default_value("/run/tare"),
        _ => arg,
    });
    write(directory, "tare", &program)
}

/// A page for a command, and those of the verbs behind it: tare-system-df.
fn write(directory: &Path, name: &str, command: &clap::Command) -> std::io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write(directory, &format!("{name}-{}", verb.get_name()), verb)?;
    }
    let command = command.clone().disable_help_subcommand(true);
    let command = command.name(name.to_owned()).bin_name(name.replace('-', " ")).display_name(name.to_owned());
    let man = Man::new(command).title(name.to_uppercase()).section("1").manual("tare").source(concat!("tare ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render(&mut page)?;
    let page = String::from_utf8_lossy(&page)
        .replace("[=\\fI<BOOL>\\fR]", "")
        .replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n")
        .replace(".SH EXTRA\nExample: ", ".SH EXAMPLES\n  ");
    std::fs::write(directory.join(format!("{name}.1")), page)
}
