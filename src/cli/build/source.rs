//! Where the Dockerfile and the files around it come from: a directory, or an archive or a lone Dockerfile, at a URL or on standard
//! input, or a git repository.

mod dockerfile;

use super::named::directory;
use crate::build::request;
use crate::build::taken::{self, Taken};
use crate::cli::Context;
use crate::error::{Error, Result};
use crate::registry::{Downloaded, Known, download};
use dockerfile::{Found, LONGEST, Place};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

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
        path if Path::new(path).is_dir() => of_own(directory(path)?, file),
        url if taken::is_repository(url) => of_taken(taken::repository(&context.paths, url)?, file),
        url if url.starts_with("http://") || url.starts_with("https://") => from_url(context, url, file),
        path => of_own(directory(path).map_err(|error| error.hint("tare build DIRECTORY"))?, file),
    }
}

fn of_own(directory: PathBuf, file: Option<&str>) -> Result<Source> {
    let found = Place::own(&directory).find(file)?;
    Ok(source(found, directory, None))
}

fn of_taken(taken: Taken, file: Option<&str>) -> Result<Source> {
    let found = Place::foreign(&taken.directory)?.find(file)?;
    Ok(source(found, taken.directory.clone(), Some(taken)))
}

fn source(found: Found, directory: PathBuf, taken: Option<Taken>) -> Source {
    let context = request::Context { directory, ignored: found.ignored };
    Source { file: found.file, text: found.text, context: Some(context), _taken: taken }
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
        let taken = taken::archive(&context.paths, first.as_slice().chain(input)).map_err(|error| error.context(named))?;
        return of_taken(taken, file);
    }
    if let Some(file) = file {
        return Err(Error::usage(format!("-f {file} names a file of an archive, and {named} is none")).hint("leave -f out"));
    }
    input.take(LONGEST).read_to_end(&mut first).map_err(unreadable)?;
    let text = dockerfile::text(first, named)?;
    // What a browser shows of a repository or a download.
    if text.trim_start().starts_with('<') {
        return Err(Error::damaged(format!("{named} is neither an archive nor a Dockerfile"))
            .because("it is a page for browsers")
            .hint("name the archive itself; a git repository ends in .git"));
    }
    Ok(Source { file: "Dockerfile".to_owned(), text, context: None, _taken: None })
}
