//! What it is called and what is written beside it; and what becomes of it at its end.

use super::words::{Flag, Flags, blame, list, read_file, switch, value};
use crate::error::Result;
use crate::options::{Wishes, env_file, labels};

pub const FLAGS: &[Flag] = &[
    value("name", None, "NAME", "Name of the container"),
    list("label", Some('l'), "KEY=VALUE", "Label of the container"),
    list("label-file", None, "FILE", "Read labels from a file"),
    switch("rm", None, "Remove the container when it ends"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.labels = labels_of(flags)?;
    wishes.remove = flags.on("rm")?;
    Ok(())
}

fn labels_of(flags: &Flags) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for file in flags.all("label-file") {
        let text = read_file("label-file", file, env_file::LONGEST_FILE)?;
        for label in labels::parse_file(&text).map_err(|e| blame("label-file", file, e))? {
            labels::add(&mut all, label);
        }
    }
    for label in flags.parse_all("label", labels::parse)? {
        labels::add(&mut all, label);
    }
    Ok(all)
}
