//! RUN: a container of the engine's, of which only what it wrote stays.

use crate::build::event::Event;
use crate::build::history;
use crate::build::recall;
use crate::build::request::BUILD;
use crate::build::scope::PROXIES;
use crate::build::stage::Working;
use crate::build::steps::command;
use crate::build::steps::mounts::{self, Mounted};
use crate::build::steps::output::follow;
use crate::build::steps::{Outcome, Upper, known_or_made};
use crate::dockerfile::instruction::{Line, Run};
use crate::engine::create::{self, Place, Request};
use crate::engine::launch;
use crate::error::{Error, Result};
use crate::image::{self, Image};
use crate::monitor::protocol::Wants;
use crate::options::{LogDriver, Network, Wishes, health};
use serde_json::Value;

pub fn run(working: &mut Working, run: &Run, line: &Line) -> Result<Outcome> {
    let shell = shell(working);
    let command::Told { argv, script } = command::told(run, line, &shell);
    let arguments = working.state.scope.for_run(&working.env());
    let wishes = wishes(working, run)?;
    let planned = mounts::plan(working, run)?;
    let mut words = vec!["RUN".to_owned()];
    words.extend(argv.iter().cloned());
    words.push("|".to_owned());
    words.extend(arguments.iter().filter(|argument| !is_proxy(argument)).cloned());
    words.push(format!("{:?} {:?}", run.network, run.security));
    words.extend(script.iter().map(|script| script.text.clone()));
    words.extend(planned.key_words());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let key = working.state.key.then(&words);
    let text = history::of_run(&argv, &working.state.scope.told(&working.env()));
    let env: Vec<String> = proxies(working).into_iter().chain(arguments).collect();
    let outcome = known_or_made(working, key, &line.text, |working, upper| {
        let mut mounted = mounts::open(working, &planned, upper)?;
        if let Some(script) = &script {
            mounted.add_script(script, upper)?;
        }
        let wishes = Wishes {
            entrypoint: Some(Vec::new()),
            command: argv,
            env: env.into_iter().chain(mounted.env.iter().cloned()).collect(),
            mounts: mounted.mounts.clone(),
            ..wishes
        };
        in_container(working, wishes, mounted, upper)
    })?;
    working.state.told(text, true);
    Ok(outcome)
}

fn shell(working: &Working) -> Vec<String> {
    let said = working.state.config().get("Shell").cloned().unwrap_or_default();
    let words: Vec<String> = said.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if words.is_empty() { ["/bin/sh", "-c"].map(str::to_owned).to_vec() } else { words }
}

fn is_proxy(argument: &str) -> bool {
    argument.split_once('=').is_some_and(|(name, _)| PROXIES.contains(&name))
}

/// Given on the command line, and not declared.
fn proxies(working: &Working) -> Vec<String> {
    let given = &working.plan.given.arguments;
    given.iter().filter(|(name, _)| PROXIES.contains(&name.as_str())).map(|(name, value)| format!("{name}={value}")).collect()
}

fn wishes(working: &Working, run: &Run) -> Result<Wishes> {
    let request = working.plan.request;
    let mut wishes = request.wishes.clone();
    wishes.remove = true;
    wishes.labels.push((BUILD.to_owned(), request.id.clone()));
    wishes.log.driver = LogDriver::None;
    wishes.health = Some(health::none());
    match run.network.as_deref() {
        None | Some("default") => {}
        Some("none") => wishes.network = Network::None,
        Some("host") if request.may_use_host_network || wishes.network == Network::Host => wishes.network = Network::Host,
        Some("host") => {
            return Err(Error::cannot_keep("this step wants the host's network").hint("allow it: --allow network.host"));
        }
        Some(other) => {
            return Err(Error::usage(format!("--network={other} is not known")).hint("there are default, none and host"));
        }
    }
    match run.security.as_deref() {
        None | Some("sandbox") => {}
        Some("insecure") if request.may_be_insecure => wishes.privileged = true,
        Some("insecure") => {
            return Err(Error::cannot_keep("this step wants all rights").hint("allow it: --allow security.insecure"));
        }
        Some(other) => {
            return Err(Error::usage(format!("--security={other} is not known")).hint("there are sandbox and insecure"));
        }
    }
    Ok(wishes)
}

fn in_container(working: &mut Working, wishes: Wishes, mounted: Mounted, upper: &Upper) -> Result<()> {
    let image = image_so_far(working)?;
    let Mounted { trees, points, guards, relays, .. } = mounted;
    let place = Place { upper: upper.path(), work: upper.work(), points: Some(points), trees };
    let request = Request { image: called(working), name: None, wishes, launched: true, on_copy: |_| {}, place: Some(place) };
    let made = create::create(working.paths(), request, &image)?;
    let wants = Wants { stdin: false, stdout: true, stderr: true };
    let monitor = launch::launch(working.paths(), made, wants)?;
    let step = working.step();
    let code = follow(&monitor, &mut |is_error, bytes| working.tell(Event::Output { step, is_error, bytes: bytes.to_vec() }))?;
    drop((guards, relays));
    match code {
        0 => Ok(()),
        code => Err(Error::failed(format!("the command ended with code {code}{}", explained(code)))),
    }
}

/// What `ps` shows of it.
fn called(working: &Working) -> String {
    match working.planned.called.as_str() {
        "" => format!("build:{}", working.plan.request.file),
        stage => format!("build:{stage}"),
    }
}

/// Without what is only for containers of the finished image: a volume would take what RUN writes there.
fn image_so_far(working: &Working) -> Result<Image> {
    let mut config = working.state.config();
    for field in ["Volumes", "ExposedPorts", "Entrypoint", "Cmd", "Healthcheck", "StopSignal", "Labels"] {
        config.remove(field);
    }
    let layers = working.state.diff_ids();
    recall::redeem(working, &layers)?;
    image::unnamed(working.state.image.as_deref(), config, layers)
}

fn explained(code: i32) -> String {
    match code {
        126 => ", it cannot be executed".to_owned(),
        127 => ", it was not found".to_owned(),
        137 => ", it was killed".to_owned(),
        code if code > 128 => format!(", it was ended by signal {}", code - 128),
        _ => String::new(),
    }
}
