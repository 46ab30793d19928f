//! `tare manifest inspect`: what a name leads to at its registry, as it stands there.

use crate::cli::Context;
use crate::cli::indent::indent;
use crate::cli::pull::whole;
use crate::cli::say::say_line;
use crate::engine::remote::{self, Described};
use crate::error::{Error, Result};
use crate::image::Reference;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::json;

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command
        .arg(Arg::new("name").value_name("NAME[:TAG|@DIGEST]").required(true).help("An image at its registry; nothing of it is pulled"))
        .arg(switch("verbose", "Each manifest with its digest and its machine; of an index all").short('v'))
        .arg(switch("insecure", "Taken for Docker's sake: which registries are spoken to without TLS is no matter of one command"))
        .after_help("Example: tare manifest inspect alpine:3.20")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = Reference::parse(matches.get_one::<String>("name").map_or("", String::as_str))?;
    let verbose = matches.get_flag("verbose");
    let told = remote::manifest(&context.paths, &name, verbose)?;
    let text = match (verbose, told.is_index) {
        (false, _) => text_of(&told.top)?.to_owned(),
        (true, false) => told.manifests.iter().map(|one| entry(&whole(&name), one)).collect::<Result<_>>()?,
        (true, true) => {
            let by_digest = |one: &Described| format!("{}@{}", whole(&Reference { digest: None, ..name.clone() }), one.descriptor.digest);
            let all = told.manifests.iter().map(|one| entry(&by_digest(one), one)).collect::<Result<Vec<_>>>()?;
            format!("[{}]", all.join(","))
        }
    };
    say_line!("{}", indent(&text));
    Ok(0)
}

fn text_of(manifest: &Described) -> Result<&str> {
    std::str::from_utf8(&manifest.text).map_err(|e| Error::damaged("the manifest is damaged").because(e))
}

/// In Docker's form, with the manifest's own text in it.
fn entry(name: &str, one: &Described) -> Result<String> {
    let kind = if one.descriptor.media_type.starts_with("application/vnd.docker.") { "SchemaV2Manifest" } else { "OCIManifest" };
    Ok(format!("{{\"Ref\":{},\"Descriptor\":{},\"{kind}\":{}}}", json!(name), descriptor(one)?, text_of(one)?))
}

fn descriptor(one: &Described) -> Result<String> {
    serde_json::to_string(&one.descriptor).map_err(|e| Error::failed("cannot write a descriptor").because(e))
}
