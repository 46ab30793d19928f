//! Values that say what something is called and where it is: secrets, agents, contexts, and where results of steps are kept.

use crate::build::request::{NamedContext, Remembered, Secret, SecretSource};
use crate::build::taken::is_repository;
use crate::error::{Error, Result};
use crate::image::Reference;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// `a=b,c=d`; a word without `=` stands for itself.
pub fn fields(text: &str) -> Vec<(&str, &str)> {
    text.split(',').filter(|field| !field.is_empty()).map(|field| field.split_once('=').unwrap_or((field, ""))).collect()
}

/// `id=x,src=FILE`, `id=x,env=VARIABLE`, or `id=x` alone: the variable of this name, or else the file.
pub fn secret(text: &str) -> Result<Secret> {
    let (mut id, mut file, mut variable, mut kind) = ("", None, None, "");
    for (name, value) in fields(text) {
        match name.to_ascii_lowercase().as_str() {
            "id" => id = value,
            "src" | "source" => file = Some(value),
            "env" => variable = Some(value),
            "type" if ["file", "env"].contains(&value) => kind = value,
            "type" => return Err(Error::usage(format!("unknown type {value:?}")).hint("file or env")),
            _ => return Err(Error::usage(format!("unknown word {name:?}")).hint("id=NAME,src=FILE or id=NAME,env=VARIABLE")),
        }
    }
    if id.is_empty() {
        return Err(Error::usage("there is no id").hint("id=NAME,src=FILE or id=NAME,env=VARIABLE"));
    }
    if kind == "env" && variable.is_none() {
        variable = Some(file.take().unwrap_or(id));
    }
    if kind.is_empty() && file.is_none() && variable.is_none() && std::env::var_os(id).is_some() {
        variable = Some(id);
    }
    let content = match variable {
        Some(name) => {
            use std::os::unix::ffi::OsStringExt;
            let value = std::env::var_os(name).ok_or_else(|| Error::no_such(format!("there is no variable {name} in the environment")))?;
            SecretSource::Bytes(value.into_vec())
        }
        None => SecretSource::File(existing(file.filter(|path| !path.is_empty()).unwrap_or(id))?),
    };
    Ok(Secret { id: id.to_owned(), content })
}

fn existing(path: &str) -> Result<PathBuf> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(Error::usage(format!("{path} is a directory")).because("a secret is a file")),
        Ok(_) => std::path::absolute(path).map_err(|e| Error::failed(format!("cannot find {path}")).because(e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::no_such(format!("no such file: {path}"))),
        Err(e) => Err(Error::failed(format!("cannot read {path}")).because(e)),
    }
}

/// `default`, `ID`, `ID=SOCKET`
pub fn agent(text: &str) -> Result<(String, PathBuf)> {
    let (id, socket) = text.split_once('=').unwrap_or((text, ""));
    let id = if id.is_empty() { "default" } else { id };
    let path = match socket {
        "" => std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from).ok_or_else(|| {
            Error::no_such("no agent runs").because("SSH_AUTH_SOCK is not set").hint("start one: eval $(ssh-agent); ssh-add")
        })?,
        path => PathBuf::from(path),
    };
    match std::fs::metadata(&path) {
        Ok(found) if found.file_type().is_socket() => Ok((id.to_owned(), path)),
        Ok(_) => Err(Error::cannot_keep(format!("{} is no socket of an agent", path.display()))
            .because("a key itself is never given to a build")
            .hint("give it to an agent: ssh-add KEY, then --ssh default")),
        Err(e) => Err(Error::no_such(format!("cannot find {}", path.display())).because(e)),
    }
}

const HERE_ONLY: &str = "what has a name is a directory, an image or a layout";

/// `NAME=DIRECTORY`, `NAME=docker-image://IMAGE`, `NAME=oci-layout://DIRECTORY[:TAG|@DIGEST]`
pub fn context(text: &str) -> Result<(String, NamedContext)> {
    let (name, value) = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty()).ok_or_else(|| {
        Error::usage("it is no name and place").hint("NAME=DIRECTORY, NAME=docker-image://IMAGE or NAME=oci-layout://DIRECTORY")
    })?;
    let context = if let Some(image) = value.strip_prefix("docker-image://") {
        NamedContext::Image(Reference::parse(image)?.to_string())
    } else if let Some(layout) = value.strip_prefix("oci-layout://") {
        let (path, wanted) = layout_parts(layout);
        NamedContext::Layout(directory(path)?, wanted.map(str::to_owned))
    } else if is_repository(value) && !Path::new(value).is_dir() {
        return Err(Error::cannot_keep(format!("{value} is a git repository")).because(HERE_ONLY).hint("clone it, and name the directory"));
    } else if value.contains("://") {
        return Err(Error::cannot_keep(format!("{value} is at a URL"))
            .because(HERE_ONLY)
            .hint("unpack it here and name the directory, or take ADD, which fetches"));
    } else {
        NamedContext::Directory(directory(value)?)
    };
    Ok((name.to_owned(), context))
}

/// A path may hold colons of its own.
fn layout_parts(text: &str) -> (&str, Option<&str>) {
    if let Some((path, digest)) = text.split_once('@') {
        return (path, Some(digest));
    }
    match text.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') && !Path::new(text).is_dir() => (path, Some(tag)),
        _ => (text, None),
    }
}

pub fn directory(path: &str) -> Result<PathBuf> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => std::fs::canonicalize(path).map_err(|e| Error::failed(format!("cannot find {path}")).because(e)),
        Ok(_) => Err(Error::usage(format!("{path} is no directory"))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::no_such(format!("no such directory: {path}"))),
        Err(e) => Err(Error::failed(format!("cannot open {path}")).because(e)),
    }
}

/// `DIR`, `IMAGE`, `type=local,src=DIR` (`dest=` where it is written), `type=registry,ref=IMAGE`
pub fn remembered(text: &str, place: &str) -> Result<Remembered> {
    if !text.contains('=') {
        return match text.starts_with(['.', '/', '~']) || Path::new(text).is_dir() {
            true => Ok(Remembered::Directory(text.into())),
            false => Ok(Remembered::Registry(Reference::parse(text)?.to_string())),
        };
    }
    let all = fields(text);
    let field =
        |wanted: &str| all.iter().rev().find(|(name, _)| *name == wanted).map(|(_, value)| *value).filter(|value| !value.is_empty());
    let known = [
        "type",
        "src",
        "dest",
        "ref",
        "mode",
        "ignore-error",
        "compression",
        "compression-level",
        "force-compression",
        "tag",
        "digest",
        "image-manifest",
        "oci-mediatypes",
    ];
    if let Some((unknown, _)) = all.iter().find(|(name, _)| !known.contains(name)) {
        return Err(Error::usage(format!("unknown word {unknown:?}")).hint(crate::names::one_of(unknown, &known)));
    }
    let lacks = |what: &str| Error::usage(format!("there is no {what}")).hint(format!("type=local,{place}=DIR or type=registry,ref=IMAGE"));
    match field("type") {
        Some("local") => Ok(Remembered::Directory(field(place).ok_or_else(|| lacks(place))?.into())),
        Some("registry") => Ok(Remembered::Registry(Reference::parse(field("ref").ok_or_else(|| lacks("ref"))?)?.to_string())),
        Some(kind @ ("inline" | "gha" | "s3" | "azblob")) => {
            Err(Error::cannot_keep(format!("type={kind} is not built")).hint(format!("type=local,{place}=DIR or type=registry,ref=IMAGE")))
        }
        Some(other) => Err(Error::usage(format!("unknown type {other:?}")).hint("local or registry")),
        None => Err(lacks("type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_or_from_the_environment() {
        assert!(matches!(secret("id=x,env=PATH").unwrap().content, SecretSource::Bytes(_)));
        assert!(matches!(secret("id=PATH").unwrap().content, SecretSource::Bytes(_)));
        assert!(matches!(secret("type=env,id=PATH").unwrap().content, SecretSource::Bytes(_)));
        assert!(matches!(secret("id=x,src=Cargo.toml").unwrap().content, SecretSource::File(path) if path.ends_with("Cargo.toml")));
        for wrong in ["", "src=Cargo.toml", "id=x,src=/nosuch", "id=x,env=NO_SUCH_VARIABLE", "id=x,foo=bar", "id=x,src=/", "id=x,type=foo"]
        {
            assert!(secret(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_context_is_a_directory_an_image_or_a_layout() {
        assert!(matches!(context("a=src").unwrap().1, NamedContext::Directory(path) if path.is_absolute()));
        assert!(matches!(context("a=docker-image://alpine").unwrap().1, NamedContext::Image(name) if name.contains("alpine")));
        assert!(matches!(context("a=oci-layout://src:1.2").unwrap().1, NamedContext::Layout(_, Some(tag)) if tag == "1.2"));
        assert!(matches!(context("a=oci-layout://src").unwrap().1, NamedContext::Layout(_, None)));
        for wrong in ["a", "=src", "a=", "a=/nosuch", "a=https://x/y.tar", "a=Cargo.toml"] {
            assert!(context(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn results_of_steps_are_kept_in_a_directory_or_a_registry() {
        assert_eq!(remembered("type=local,src=/x,mode=max", "src").unwrap(), Remembered::Directory("/x".into()));
        assert_eq!(remembered("./x", "src").unwrap(), Remembered::Directory("./x".into()));
        assert!(matches!(remembered("localhost:5000/app", "src").unwrap(), Remembered::Registry(_)));
        assert!(matches!(remembered("type=registry,ref=localhost:5000/app:cache", "dest").unwrap(), Remembered::Registry(_)));
        for wrong in ["type=local", "type=local,src=/x,foo=1", "type=registry", "type=inline", "type=what", "src=/x"] {
            assert!(remembered(wrong, "src").is_err(), "{wrong}");
        }
    }
}
