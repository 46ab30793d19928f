//! `--output`: where the result goes.

use super::named::fields;
use crate::error::{Error, Result};
use crate::names;
use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub kind: Kind,
    pub target: Target,
    /// What `name=` says.
    pub names: Vec<String>,
    pub push: bool,
    pub rewrite_times: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// An image of the store.
    #[default]
    Image,
    /// Its files, in a directory.
    Local,
    /// Its files, in an archive.
    Tar,
    /// The image, in an archive.
    Docker,
    Oci,
    /// Results of steps are remembered, and that is all.
    CacheOnly,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    #[default]
    Nowhere,
    Path(PathBuf),
    StandardOutput,
}

const KINDS: &[(&str, Kind)] = &[
    ("local", Kind::Local),
    ("tar", Kind::Tar),
    ("oci", Kind::Oci),
    ("docker", Kind::Docker),
    ("image", Kind::Image),
    ("registry", Kind::Image),
    ("cacheonly", Kind::CacheOnly),
];

pub fn parse(text: &str) -> Result<Output> {
    match text {
        "" => return Err(Error::usage("there is no place").hint("a directory, or type=tar,dest=FILE")),
        "-" => return Ok(Output { kind: Kind::Tar, target: Target::StandardOutput, ..Output::default() }),
        path if !path.contains('=') => return Ok(Output { kind: Kind::Local, target: Target::Path(path.into()), ..Output::default() }),
        _ => {}
    }
    let (mut output, mut kind) = (Output::default(), None);
    for (name, value) in fields(text) {
        match name {
            "type" => {
                let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
                let found = KINDS.iter().find(|(name, _)| *name == value).map(|(_, kind)| *kind);
                kind = Some(found.ok_or_else(|| Error::usage(format!("unknown type {value:?}")).hint(names::one_of(value, &known)))?);
                output.push |= value == "registry";
            }
            "dest" if value == "-" => output.target = Target::StandardOutput,
            "dest" => output.target = Target::Path(value.into()),
            "name" => output.names.push(crate::image::Reference::parse(value)?.to_string()),
            "push" => output.push |= yes(value)?,
            "rewrite-timestamp" => output.rewrite_times = yes(value)?,
            // As they are with us in any case, or a matter of taste.
            "tar" if yes(value)? => {}
            "tar" => return Err(Error::cannot_keep("a layout that is no archive is not built").hint("unpack the archive")),
            "store" | "unpack" | "oci-mediatypes" | "name-canonical" | "compression" | "compression-level" | "force-compression" => {}
            _ => {
                let known = ["type", "dest", "name", "push", "rewrite-timestamp"];
                return Err(Error::usage(format!("unknown word {name:?}")).hint(names::one_of(name, &known)));
            }
        }
    }
    output.kind = kind.ok_or_else(|| Error::usage("there is no type").hint("type=local, tar, oci, docker or image"))?;
    match (output.kind, &output.target) {
        (Kind::Local, Target::Nowhere) => Err(Error::usage("there is no dest").hint("type=local,dest=DIR")),
        (Kind::Local, Target::StandardOutput) => Err(Error::usage("a directory cannot go to standard output").hint("type=tar,dest=-")),
        (Kind::Tar | Kind::Oci, Target::Nowhere) => {
            output.target = Target::StandardOutput;
            Ok(output)
        }
        (Kind::Image | Kind::CacheOnly, target) if *target != Target::Nowhere => {
            Err(Error::usage("this type goes to no file").hint("type=oci,dest=FILE or type=docker,dest=FILE"))
        }
        _ => Ok(output),
    }
}

fn yes(value: &str) -> Result<bool> {
    if value.is_empty() { Ok(true) } else { crate::options::mounts::parse_bool(value) }
}

impl Output {
    /// An archive of the image.
    pub fn is_archive(&self) -> bool {
        matches!(self.kind, Kind::Docker | Kind::Oci) && self.target != Target::Nowhere
    }

    /// An image that stays.
    pub fn is_kept(&self) -> bool {
        self.kind == Kind::Image || (self.kind == Kind::Docker && self.target == Target::Nowhere)
    }
}

/// Whether the store keeps an image.
pub fn stays(outputs: &[Output]) -> bool {
    outputs.is_empty() || outputs.iter().any(Output::is_kept)
}

/// Whether the store gets an image, if only for a moment.
pub fn makes_image(outputs: &[Output]) -> bool {
    stays(outputs) || outputs.iter().any(Output::is_archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_a_file_or_the_store() {
        let target = |path: &str| Target::Path(path.into());
        assert_eq!(parse("out").unwrap(), Output { kind: Kind::Local, target: target("out"), ..Output::default() });
        assert_eq!(parse("-").unwrap(), Output { kind: Kind::Tar, target: Target::StandardOutput, ..Output::default() });
        assert_eq!(parse("type=tar,dest=a.tar").unwrap(), Output { kind: Kind::Tar, target: target("a.tar"), ..Output::default() });
        assert_eq!(parse("type=oci").unwrap().target, Target::StandardOutput);
        assert!(parse("type=docker").unwrap().is_kept() && parse("type=docker,dest=x").unwrap().is_archive());
        assert!(parse("type=image,push=true,name=localhost:5000/x").unwrap().push && parse("type=registry").unwrap().push);
        for wrong in
            ["", "type=what", "dest=x", "type=local", "type=local,dest=-", "type=image,dest=x", "type=tar,foo=1", "type=oci,tar=false"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_files_need_no_image() {
        assert!(makes_image(&[]) && makes_image(&[parse("type=oci").unwrap()]));
        assert!(!makes_image(&[parse("out").unwrap(), parse("type=cacheonly").unwrap()]));
    }
}
