//! The words of the command line become what `build` is asked for.

use super::annotation;
use super::flags;
use super::keep_to;
use super::named;
use super::output::{self, Output, Target};
use super::source::{self, Source};
use crate::build::Request;
use crate::build::request::Secret;
use crate::cli::Context;
use crate::cli::run_flags::line::Line;
use crate::cli::run_flags::words::{Flags, blame};
use crate::cli::run_flags::{limits, network};
use crate::error::{Context as _, Error, Kind, Result};
use crate::names;
use crate::options::{Wishes, cgroup_parent, labels, name_service, networks, platform, sizes, ulimits};
use crate::sys::file;
use clap::ArgMatches;
use std::path::PathBuf;

/// Everything that was typed, checked.
pub struct Asked {
    pub request: Request,
    /// What it is called, in the store or only in the archives that are wanted.
    pub names: Vec<String>,
    pub outputs: Vec<Output>,
    pub push: bool,
    pub progress: Progress,
    pub debug: bool,
    pub check: bool,
    pub id_file: Option<PathBuf>,
    pub metadata_file: Option<PathBuf>,
    /// Where the context is kept meanwhile, if it came as an archive.
    _source: Source,
}

impl Asked {
    /// Standard output is free for what a person wants to know.
    pub fn writes_no_archive(&self) -> bool {
        !self.outputs.iter().any(|output| output.target == Target::StandardOutput)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Auto,
    Plain,
    Tty,
    Json,
    RawJson,
    Quiet,
}

const PROGRESS: &[(&str, Progress)] = &[
    ("auto", Progress::Auto),
    ("plain", Progress::Plain),
    ("tty", Progress::Tty),
    ("json", Progress::Json),
    ("rawjson", Progress::RawJson),
    ("quiet", Progress::Quiet),
];

pub fn read(context: &Context, matches: &ArgMatches) -> Result<Asked> {
    let mut flags = Flags(Line::of(&flags::all(), matches));
    // Docker's word for what a step gets where nothing is said.
    flags.0.values.retain(|value| *value != ("network", "default"));
    let outputs = flags.parse_all("output", output::parse)?;
    let (arguments, epoch) = arguments(&flags)?;
    let (mut secrets, mut names) = (Vec::<Secret>::new(), names_of(&flags)?);
    for secret in flags.parse_all("secret", named::secret)? {
        secrets.retain(|known| known.id != secret.id);
        secrets.push(secret);
    }
    for name in outputs.iter().flat_map(|output| output.names.iter()).filter(|name| !name.is_empty()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let push = flags.on("push")? || outputs.iter().any(|output| output.push);
    if push && names.is_empty() {
        return Err(Error::usage("there is no name to push to").hint("give the image one: -t registry.example.com/app"));
    }
    let allowed: Vec<String> = flags.parse_all("allow", allowed)?;
    let check = flags.on("check")? || flags.parse("call", call)?.unwrap_or(false);
    // Last, because it may read standard input to its end.
    let source = source::open(context, flags.0.words.first().copied().unwrap_or_default(), flags.text("file"))?;
    let request = Request {
        id: file::random_id().context("cannot make an id for the build")?,
        file: source.file.clone(),
        text: source.text.clone(),
        context: source.context.clone(),
        names: if output::stays(&outputs) || push { names.clone() } else { Vec::new() },
        arguments,
        target: flags.text("target").filter(|target| !target.is_empty()).map(str::to_owned),
        no_cache: flags.on("no-cache")?,
        no_cache_of: flags.all("no-cache-filter").flat_map(|all| all.split(',')).map(|stage| stage.trim().to_owned()).collect(),
        pull: flags.on("pull")?,
        labels: label_list(&flags)?,
        annotations: flags.parse_all("annotation", annotation::parse)?.into_iter().collect(),
        platform: flags.parse("platform", |text| platform::Platform::parse(text).map(|found| found.to_string()))?,
        secrets,
        agents: flags.parse_all("ssh", named::agent)?,
        contexts: flags.parse_all("build-context", named::context)?,
        wishes: wishes(&flags)?,
        may_be_insecure: allowed.iter().any(|word| word == "security.insecure"),
        may_use_host_network: allowed.iter().any(|word| word == "network.host"),
        squash: flags.on("squash")?,
        epoch,
        rewrite_times: flags.on("rewrite-timestamp")? || outputs.iter().any(|output| output.rewrite_times),
        keep_failed: flags.on("debug")? || flags.switch("rm")? == Some(false),
        cache_from: flags.parse_all("cache-from", |text| named::remembered(text, "src"))?,
        cache_to: flags.parse_all("cache-to", keep_to::parse)?,
        makes_image: output::makes_image(&outputs) || push,
    };
    let quiet = flags.on("quiet")?;
    let _ = flags.on("force-rm")?;
    Ok(Asked {
        request,
        names,
        push,
        progress: if quiet { Progress::Quiet } else { flags.parse("progress", progress)?.unwrap_or_else(usual_progress) },
        debug: flags.on("debug")?,
        check,
        id_file: flags.text("iidfile").map(PathBuf::from),
        metadata_file: flags.text("metadata-file").map(PathBuf::from),
        outputs,
        _source: source,
    })
}

/// `-t a -t b`, and `-t a,b` as the output's `name=` has it.
fn names_of(flags: &Flags) -> Result<Vec<String>> {
    let wrong = |error: Error| error.of_kind(Kind::Usage);
    let parse = |text: &str| crate::image::Reference::parse(text).map(|name| name.to_string()).map_err(wrong);
    let mut names = flags.parse_all("tag", parse)?;
    names.dedup();
    Ok(names)
}

const EPOCH: &str = "SOURCE_DATE_EPOCH";
/// Those of ARG, and the moment that all that is new comes from.
type Arguments = (Vec<(String, String)>, Option<u64>);

fn arguments(flags: &Flags) -> Result<Arguments> {
    let mut arguments = Vec::new();
    for text in flags.all("build-arg") {
        match text.split_once('=') {
            Some(("", _)) => return Err(blame("build-arg", text, Error::usage("there is no name before the ="))),
            Some((name, value)) => arguments.push((name.to_owned(), value.to_owned())),
            // One that is not there is not given: its default counts.
            None => arguments.extend(std::env::var(text).ok().map(|value| (text.to_owned(), value))),
        }
    }
    let given = arguments.iter().rev().find(|(name, _)| name == EPOCH).map(|(_, value)| value.clone());
    let epoch = given.or_else(|| std::env::var(EPOCH).ok()).filter(|text| !text.is_empty());
    let wrong = |text: &str| Error::usage(format!("{EPOCH} is {text:?}")).because("it is no number of seconds since 1970");
    let epoch = epoch.map(|text| text.parse::<u64>().map_err(|_| wrong(&text))).transpose()?;
    if let Some(epoch) = epoch.filter(|_| !arguments.iter().any(|(name, _)| name == EPOCH)) {
        // A Dockerfile may declare it, wherever it comes from.
        arguments.push((EPOCH.to_owned(), epoch.to_string()));
    }
    Ok((arguments, epoch))
}

fn label_list(flags: &Flags) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    flags.parse_all("label", labels::parse)?.into_iter().for_each(|label| labels::add(&mut all, label));
    Ok(all)
}

fn wishes(flags: &Flags) -> Result<Wishes> {
    let mut wishes = Wishes::default();
    network::read(flags, &mut wishes)?;
    limits::read(flags, &mut wishes)?;
    wishes.names.hosts = flags.parse_all("add-host", name_service::parse_host)?;
    flags.parse_all("ulimit", ulimits::parse)?.into_iter().for_each(|limit| ulimits::add(&mut wishes.ulimits, limit));
    wishes.shm_size = flags.parse("shm-size", sizes::parse_bytes)?;
    wishes.cgroup_parent = flags.parse("cgroup-parent", cgroup_parent::parse)?;
    networks::check(&wishes).map_err(|error| network::with_whose_word(flags, error))?;
    Ok(wishes)
}

fn allowed(text: &str) -> Result<String> {
    const KNOWN: &[&str] = &["network.host", "security.insecure"];
    match KNOWN.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(Error::usage("unknown word").hint(names::one_of(text, KNOWN))),
    }
}

/// Whether it only looks.
fn call(text: &str) -> Result<bool> {
    match text {
        "check" | "lint" => Ok(true),
        "build" | "" => Ok(false),
        "outline" | "targets" => Err(Error::cannot_keep("this is not built yet").hint("--check looks at the Dockerfile")),
        _ => Err(Error::usage("unknown word").hint(names::one_of(text, &["build", "check"]))),
    }
}

fn progress(text: &str) -> Result<Progress> {
    let known: Vec<&str> = PROGRESS.iter().map(|(name, _)| *name).collect();
    let found = PROGRESS.iter().find(|(name, _)| *name == text).map(|(_, progress)| *progress);
    found.ok_or_else(|| Error::usage("unknown word").hint(names::one_of(text, &known)))
}

/// Docker's users say once how they like it.
fn usual_progress() -> Progress {
    std::env::var("BUILDKIT_PROGRESS").ok().and_then(|text| progress(&text).ok()).unwrap_or(Progress::Auto)
}
