//! What can stand where: names of containers in the right state, of images, signals, words that a flag knows.

use crate::cli::explain;
use crate::engine::networks::PREDEFINED;
use crate::engine::{list, login};
use crate::image::catalog;
use crate::network;
use crate::options::networks::DEFAULT;
use crate::options::ulimits;
use crate::paths::Paths;
use crate::record::{Seen, Status};
use crate::spec::capabilities::names::NAMES;
use crate::sys::signal;
use crate::volume;
use clap::Arg;

#[derive(Debug, Default, PartialEq)]
pub struct Candidate {
    pub word: String,
    pub about: String,
}

#[derive(Debug, Default, PartialEq)]
pub struct Offer {
    pub words: Vec<Candidate>,
    /// The shell knows its files better than we do: what it is told about them.
    pub files: Option<&'static str>,
}

const FILES: Option<&str> = Some(":files\n");
const DIRECTORIES: Option<&str> = Some(":directories\n");

impl Offer {
    pub fn of<'a>(words: impl IntoIterator<Item = (&'a str, &'a str)>) -> Offer {
        let words = words.into_iter().map(|(word, about)| Candidate { word: word.to_owned(), about: about.to_owned() });
        Offer { words: words.collect(), files: None }
    }
    fn plain<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Offer {
        Offer { words: words.into_iter().map(|word| Candidate { word: word.into(), about: String::new() }).collect(), files: None }
    }
    fn files(files: Option<&'static str>) -> Offer {
        Offer { words: Vec::new(), files }
    }
    fn and(mut self, other: Offer) -> Offer {
        self.words.extend(other.words);
        self.files = self.files.or(other.files);
        self
    }
    pub fn starting(mut self, typed: &str) -> Offer {
        self.words.retain(|one| one.word.starts_with(typed));
        self
    }
    pub fn without(mut self, given: &[String]) -> Offer {
        self.words.retain(|one| !given.contains(&one.word));
        self
    }
    pub fn behind(mut self, flag: &str) -> Offer {
        self.words.iter_mut().for_each(|one| one.word.insert_str(0, flag));
        self
    }
}

/// Arguments of the commands: one row for each kind of name.
pub fn of_argument(command: &str, given: &[String], typed: &str, paths: &Paths) -> Offer {
    let first = given.is_empty();
    match command {
        "exec" | "attach" if first => containers(paths, is_up),
        "stop" | "kill" | "wait" | "pause" | "top" | "stats" | "restart" => containers(paths, is_up),
        "port" if first => containers(paths, is_up).and(Offer::plain(["add", "rm"])),
        "port" if given.len() < 2 => containers(paths, is_up),
        "unpause" => containers(paths, |seen| seen.status == Status::Paused),
        "start" => containers(paths, |seen| !is_up(seen)),
        "logs" | "rename" | "diff" | "export" | "commit" | "tree" | "why" if first => containers(paths, |_| true),
        "cp" if given.len() < 2 => places(paths),
        "commit" if given.len() < 2 => images(typed, paths),
        "rm" | "update" => containers(paths, |_| true),
        "inspect" => containers(paths, |_| true).and(images(typed, paths)),
        "run" | "create" | "images" | "push" | "history" | "layers" if first => images(typed, paths),
        "tag" if given.len() < 2 => images(typed, paths),
        "rmi" | "save" => images(typed, paths),
        "volume inspect" | "volume rm" => volumes(paths),
        "network inspect" => networks(paths, &PREDEFINED),
        "network rm" => networks(paths, &[]),
        "network connect" | "network disconnect" if first => networks(paths, &[DEFAULT]),
        "network connect" | "network disconnect" if given.len() < 2 => containers(paths, |_| true),
        "explain" if first => Offer::of(explain::words()),
        "explain" if given.len() < 2 && given[0] == "run" => images(typed, paths),
        "explain" if given.len() < 2 => containers(paths, |_| true),
        "login" | "logout" if first => Offer::plain(login::registries()),
        "build" if first => Offer::files(DIRECTORIES),
        "import" if first => Offer::files(FILES),
        "completion" if first => Offer::plain(["bash", "fish", "zsh"]),
        _ => Offer::default(),
    }
}

/// Values of flags: first what the flag's name alone tells, then what its help says stands there.
pub fn of_flag(command: &str, arg: &Arg, paths: &Paths) -> Offer {
    match (command, arg.get_id().as_str()) {
        (_, "signal" | "stop-signal") => Offer::plain((1..32).map(|number| signal::name(number).trim_start_matches("SIG").to_owned())),
        (_, "cap-add" | "cap-drop") => Offer::plain(["ALL"].into_iter().chain(NAMES.iter().map(|name| name.trim_start_matches("CAP_")))),
        // A name alone takes its value from here.
        (_, "env") => Offer::plain(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())),
        (_, "ulimit") => Offer::plain(ulimits::NAMES.iter().map(|name| format!("{name}="))),
        (_, "security-opt") => Offer::plain(["no-new-privileges", "seccomp=unconfined"]),
        (_, "restart") => Offer::plain(["no", "on-failure", "on-failure:", "always", "unless-stopped"]),
        (_, "condition") => Offer::plain(["not-running", "next-exit", "removed", "created", "running", "paused", "healthy", "unhealthy"]),
        (_, "attach") => Offer::plain(["stdin", "stdout", "stderr"]),
        ("save", "format") => Offer::plain(["docker-archive", "oci-archive"]),
        (_, "log-driver") => Offer::plain(["json-file", "none", "passthrough"]),
        (_, "log-opt") => Offer::plain(["max-size=", "max-file=", "labels=", "env=", "tag="]),
        ("build", "output") => Offer::plain(["type=local,dest=", "type=tar,dest=", "type=oci,dest=", "type=docker,dest=", "type=image"]),
        ("build", "secret") => Offer::plain(["id="]),
        ("build", "ssh") => Offer::plain(["default"]),
        ("build", "allow") => Offer::plain(["network.host", "security.insecure"]),
        ("build", "cache-from") => Offer::plain(["type=local,src=", "type=registry,ref="]).and(Offer::files(DIRECTORIES)),
        ("build", "cache-to") => Offer::plain(["type=local,dest=", "type=registry,ref="]).and(Offer::files(DIRECTORIES)),
        (_, "mount") => Offer::plain(["type=bind,source=", "type=volume,source=", "type=tmpfs,target="]),
        (_, "volumes-from") => containers(paths, |_| true),
        ("volume ls", "filter") => Offer::plain(["dangling=true", "dangling=false", "driver=local", "label=", "name="]),
        (_, "network") => networks(paths, &PREDEFINED).and(containers(paths, is_up).behind("container:")),
        ("network create", "opt") => Offer::plain(["mtu="]),
        ("network ls", "filter") => {
            Offer::plain(["dangling=true", "dangling=false", "type=custom", "type=builtin", "label=", "name=", "id="])
        }
        ("network prune", "filter") => Offer::plain(["until=", "label=", "label!="]),
        ("volume prune", "filter") => Offer::plain(["label=", "label!="]),
        ("images", "filter") => Offer::plain(["dangling=true", "dangling=false", "label=", "reference="]),
        ("ps", "filter") => ps_filters(paths),
        ("ps" | "images", "format") => Offer::plain(["json", "table"]),
        (_, "format") => Offer::plain(["json"]),
        _ => of_value_name(arg, paths),
    }
}

/// `none|host|container:ID` are words, FILE is a file, DIR on the host a directory; everything else is the user's own.
fn of_value_name(arg: &Arg, paths: &Paths) -> Offer {
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    match (name, arg.get_id().as_str()) {
        ("BOOL", _) => Offer::plain(["true", "false"]),
        ("DIR", "root" | "run-dir") => Offer::files(DIRECTORIES),
        _ if name.starts_with("FILE") || name.starts_with("SOURCE") || name.starts_with("DEVICE") => Offer::files(FILES),
        _ => name.split('|').map(|word| of_word(word, paths)).fold(Offer::default(), Offer::and),
    }
}

fn of_word(word: &str, paths: &Paths) -> Offer {
    match word.split_once(':') {
        Some(("container", _)) => containers(paths, is_up).behind("container:"),
        None if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') => Offer::plain([word]),
        _ => Offer::default(),
    }
}

fn ps_filters(paths: &Paths) -> Offer {
    let named = |key: &'static str| containers(paths, |_| true).behind(key);
    Offer::plain(["id=", "name=", "label=", "exited=", "ancestor=", "volume="])
        .and(Offer::plain(["created", "running", "paused", "exited", "dead"]).behind("status="))
        .and(networks(paths, &PREDEFINED).behind("network="))
        .and(Offer::plain(["publish=", "expose="]))
        .and(named("before="))
        .and(named("since="))
}

fn is_up(seen: &Seen) -> bool {
    seen.is_running()
}

fn containers(paths: &Paths, fits: impl Fn(&Seen) -> bool) -> Offer {
    let all = list::containers(paths).unwrap_or_default();
    let words = all.into_iter().filter(|seen| fits(seen)).map(|seen| Candidate { word: seen.record.name, about: seen.record.image });
    Offer { words: words.collect(), files: None }
}

/// What may stand on each side of `cp`: a path in a container, or here.
fn places(paths: &Paths) -> Offer {
    let mut offer = containers(paths, |_| true).and(Offer::files(FILES));
    offer.words.iter_mut().for_each(|one| one.word.push(':'));
    offer
}

/// `more`: those that nobody made.
fn networks(paths: &Paths, more: &[&str]) -> Offer {
    let all = network::list(paths).unwrap_or_default();
    let made = all.iter().map(|network| network.name.as_str()).filter(|name| !PREDEFINED.contains(name));
    Offer::plain(more.iter().copied().chain(made))
}

fn volumes(paths: &Paths) -> Offer {
    Offer::plain(volume::list(paths).unwrap_or_default().into_iter().map(|volume| volume.name))
}

/// `busybox` stands for `busybox:latest`, as everywhere; whoever has typed the colon gets the rest.
fn images(typed: &str, paths: &Paths) -> Offer {
    let names = catalog::list(paths).unwrap_or_default().into_iter().filter_map(|image| image.name);
    let short = |name: String| name.strip_suffix(":latest").map(str::to_owned).unwrap_or(name);
    let mut words: Vec<String> = if typed.contains(':') { names.collect() } else { names.map(short).collect() };
    words.sort();
    Offer::plain(words)
}
