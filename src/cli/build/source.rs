//! Where the Dockerfile and the files around it come from: a directory, or an archive or a lone Dockerfile, at a URL or on standard input.

use super::named::directory;
use crate::build::request;
use crate::build::taken::{self, Taken};
use crate::cli::Context;
use crate::error::{Error, Result};
use crate::registry::{Downloaded, Known, download};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

/// In the order in which they are looked for.
const USUAL: [&str; 2] = ["Dockerfile", "Containerfile"];
const IGNORED: &str = ".dockerignore";
/// Nobody writes more by hand.
const LONGEST: u64 = 16 << 20;

pub struct Source {
    /// What the Dockerfile is called in messages.
    pub file: String,
    pub text: String,
    /// `None`: there is a Dockerfile and nothing else.
    pub context: Option<request::Context>,
    /// Keeps the files of an archive there.
    _taken: Option<Taken>,
}

pub fn open(context: &Context, typed: &str, file: Option<&str>) -> Result<Source> {
    match typed {
        "-" if file == Some("-") => {
            Err(Error::usage("standard input cannot be the Dockerfile and the context").hint("name a directory: tare build -f - DIRECTORY"))
        }
        "-" => from_standard_input(context, file),
        _ if is_git(typed) => Err(Error::cannot_keep(format!("{typed} is a git repository"))
            .because("a context is not fetched with git yet")
            .hint("clone it, and name the directory")),
        url if url.starts_with("http://") || url.starts_with("https://") => from_url(context, url, file),
        path => of_directory(&directory(path).map_err(|error| error.hint("tare build DIRECTORY"))?, file),
    }
}

fn is_git(typed: &str) -> bool {
    let path = typed.split('#').next().unwrap_or_default();
    let is_address = typed.contains("://") || typed.starts_with("git@") || typed.starts_with("github.com/");
    typed.starts_with("git://") || typed.starts_with("git@") || typed.starts_with("github.com/") || (is_address && path.ends_with(".git"))
}

fn of_directory(directory: &Path, file: Option<&str>) -> Result<Source> {
    let (file, text, path) = dockerfile(directory, file)?;
    let ignored = ignored(directory, path.as_deref())?;
    Ok(Source { file, text, context: Some(request::Context { directory: directory.to_owned(), ignored }), _taken: None })
}

fn from_standard_input(context: &Context, file: Option<&str>) -> Result<Source> {
    let input = std::io::stdin().lock();
    // A person who types just this would wait for ever.
    if input.is_terminal() {
        return Err(Error::usage("there is nothing on standard input").hint("pipe a Dockerfile or an archive in, or name a directory"));
    }
    from_stream(context, input, "standard input", file)
}

fn from_url(context: &Context, url: &str, file: Option<&str>) -> Result<Source> {
    match download(&Known::of_this_user()?, url, None, None)? {
        Downloaded::Anew(download) => from_stream(context, download, url, file),
        Downloaded::AsBefore => Err(Error::failed(format!("{url} was not sent"))),
    }
}

/// An archive, or a Dockerfile alone.
fn from_stream(context: &Context, mut input: impl Read, named: &str, file: Option<&str>) -> Result<Source> {
    let unreadable = |e: std::io::Error| Error::failed(format!("cannot read {named}")).because(e);
    let mut first = Vec::new();
    input.by_ref().take(512).read_to_end(&mut first).map_err(unreadable)?;
    if taken::is_archive(&first) {
        let taken = taken::take(&context.paths, first.as_slice().chain(input))?;
        let inside = file.map(|file| taken.directory.join(file));
        let source = of_directory(&taken.directory, inside.as_deref().and_then(Path::to_str))?;
        return Ok(Source { file: file.map_or(source.file, str::to_owned), _taken: Some(taken), ..source });
    }
    if let Some(file) = file {
        return Err(Error::usage(format!("-f {file} names a file of an archive, and {named} is none")).hint("leave -f out"));
    }
    input.take(LONGEST).read_to_end(&mut first).map_err(unreadable)?;
    Ok(Source { file: "Dockerfile".to_owned(), text: text(first, named)?, context: None, _taken: None })
}

fn text(bytes: Vec<u8>, named: &str) -> Result<String> {
    if bytes.len() as u64 >= LONGEST {
        return Err(Error::usage(format!("{named} is too long for a Dockerfile")));
    }
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("{named} is no Dockerfile")).because("it is not text in UTF-8"))
}

/// What it is called, what it says, and where it lies.
fn dockerfile(directory: &Path, file: Option<&str>) -> Result<(String, String, Option<PathBuf>)> {
    match file {
        Some("-") => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes);
            read.map_err(|e| Error::failed("cannot read standard input").because(e))?;
            Ok(("Dockerfile".to_owned(), text(bytes, "standard input")?, None))
        }
        // As Docker: from where we stand. As others: from the context.
        Some(typed) => {
            let path = if Path::new(typed).exists() { PathBuf::from(typed) } else { directory.join(typed) };
            Ok((typed.to_owned(), read(&path, typed)?, Some(path)))
        }
        None => {
            let found = USUAL.iter().find(|name| directory.join(name).exists());
            let name = found.ok_or_else(|| not_there(directory))?;
            let path = directory.join(name);
            Ok(((*name).to_owned(), read(&path, name)?, Some(path)))
        }
    }
}

fn read(path: &Path, typed: &str) -> Result<String> {
    let cannot = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Error::no_such(format!("no such Dockerfile: {typed}")),
        _ => Error::failed(format!("cannot read {typed}")).because(e),
    };
    if path.is_dir() {
        return Err(Error::usage(format!("{typed} is a directory")).hint("-f names the Dockerfile itself"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes)).map_err(cannot)?;
    text(bytes, typed)
}

fn not_there(directory: &Path) -> Error {
    const SHOWN: usize = 8;
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let near: Vec<&String> = names.iter().filter(|name| name.to_ascii_lowercase().contains("file")).collect();
    let what = match names.len() {
        0 => "the directory is empty".to_owned(),
        1..=SHOWN => format!("there is {}", names.join(", ")),
        more => format!("there is {}, and {} more", names[..SHOWN].join(", "), more - SHOWN),
    };
    let hint = near.first().map_or("-f names a Dockerfile that lies elsewhere".to_owned(), |name| format!("-f {name}"));
    Error::no_such("there is no Dockerfile").because(what).hint(hint)
}

/// The list beside the Dockerfile comes before the one of the directory.
fn ignored(directory: &Path, dockerfile: Option<&Path>) -> Result<Option<(String, String)>> {
    let own = dockerfile.map(|path| {
        let mut name = path.as_os_str().to_owned();
        name.push(IGNORED);
        PathBuf::from(name)
    });
    for path in own.into_iter().chain([directory.join(IGNORED)]) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(Some((name, text))),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {}
            Err(e) => return Err(Error::failed(format!("cannot read {name}")).because(e)),
        }
    }
    Ok(None)
}
