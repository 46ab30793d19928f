//! `tare version`: which program this is.

use crate::cli::Context;
use crate::cli::say::say;
use crate::cli::template;
use crate::cli::template::Template;
use crate::error::Result;
use clap::ArgMatches;
use serde_json::{Value, json};

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(template::flag().short('f')).after_help("Examples:\n  tare version\n  tare version -f '{{.Client.Version}}'")
}

pub fn run(_: &Context, matches: &ArgMatches) -> Result<i32> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let format = matches.get_one::<String>("format").map(String::as_str).unwrap_or("");
    say(&text(&value(kernel.trim()), format)?);
    Ok(0)
}

/// Docker tells a client from a server; here one program is both, and scripts may ask for either.
fn value(kernel: &str) -> Value {
    let program = json!({
        "Version": env!("CARGO_PKG_VERSION"),
        "Os": std::env::consts::OS,
        "Arch": std::env::consts::ARCH,
        "KernelVersion": kernel,
        "OciVersion": "1.2.0",
    });
    json!({ "Client": program, "Server": program })
}

fn text(value: &Value, format: &str) -> Result<String> {
    match format {
        "" => Template::new(
            "tare {{.Client.Version}}\n OS/Arch:   {{.Client.Os}}/{{.Client.Arch}}\n Kernel:    {{.Client.KernelVersion}}\n OCI spec:  {{.Client.OciVersion}}\n",
        )?
        .render(value),
        "json" => Ok(format!("{value}\n")),
        _ => Ok(Template::new(format)?.render(value)? + "\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_told_in_three_ways() {
        let value = value("6.18");
        assert!(text(&value, "").unwrap().starts_with(concat!("tare ", env!("CARGO_PKG_VERSION"), "\n")));
        assert_eq!(text(&value, "{{.Server.Version}}").unwrap(), concat!(env!("CARGO_PKG_VERSION"), "\n"));
        assert_eq!(serde_json::from_str::<Value>(&text(&value, "json").unwrap()).unwrap(), value);
    }
}
