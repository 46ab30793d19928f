//! `state`: what the runtime specification says that a runtime must tell.

use crate::error::Result;
use crate::oci::{Context, id, id_argument, print_json};
use crate::runtime::strict::shelf::{Kept, Status};
use clap::ArgMatches;
use serde_json::{Value, json};

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(id_argument())
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let kept = context.shelf.find(id(matches))?;
    print_json(&value(&kept, kept.status(&context.shelf)))?;
    Ok(0)
}

/// The specification's fields, and those of runc that engines read beside them.
pub fn value(kept: &Kept, status: Status) -> Value {
    json!({
        "ociVersion": kept.oci_version,
        "id": kept.id,
        "status": status.word(),
        "pid": if status == Status::Stopped { 0 } else { kept.pid },
        "bundle": kept.bundle,
        "rootfs": kept.rootfs,
        "created": crate::time::rfc3339(kept.created),
        "owner": "",
        "annotations": kept.annotations,
    })
}
