//! `tare login`: who you are at a registry, proven there and then written down as Docker does.

use crate::cli::say::{say_aside, say_line};
use crate::cli::{Context, ask};
use crate::engine::login;
use crate::error::{Context as _, Error, Result};
use crate::registry::{Address, Kept};
use clap::{Arg, ArgAction, ArgMatches};
use std::io::Read;

const LONGEST_PASSWORD: u64 = 64 << 10;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("registry").value_name("REGISTRY").default_value("").hide_default_value(true).help("Its host; without it Docker Hub"))
        .arg(Arg::new("username").short('u').long("username").value_name("USER").help("Who you are there"))
        .arg(
            Arg::new("password")
                .short('p')
                .long("password")
                .value_name("PASSWORD")
                .allow_hyphen_values(true)
                .help("Everybody on this machine can see it here: better --password-stdin"),
        )
        .arg(Arg::new("password-stdin").long("password-stdin").action(ArgAction::SetTrue).help("Read the password from standard input"))
        .after_help("Example: tare login -u me registry.example.com")
}

pub fn run(_: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let registry = login::registry(&text("registry").unwrap_or_default())?;
    let (user, password) = (text("username").filter(|user| !user.is_empty()), text("password"));
    let (user, password) = match (user, password, matches.get_flag("password-stdin")) {
        (_, Some(_), true) => return Err(Error::usage("--password and --password-stdin exclude each other")),
        (None, _, true) => return Err(Error::usage("--password-stdin needs a user").hint("-u USER")),
        (Some(user), None, true) => (user, from_input()?),
        (user, password, false) => {
            if password.is_some() {
                warn("Using --password via the CLI is insecure. Use --password-stdin.");
            } else if user.is_none() && still_believed(&registry)? {
                return Ok(0);
            }
            asked(&registry, user, password)?
        }
    };
    if password.is_empty() {
        return Err(Error::usage("the password is empty"));
    }
    if let Kept::Readable(file) = login::login(&registry, user, password)? {
        let helper = "A credential helper (credsStore in this file) would keep it better.";
        warn(&format!("Your password is stored unencrypted in {}.\n{helper}", file.display()));
    }
    say_line!("Login Succeeded");
    Ok(0)
}

fn warn(text: &str) {
    say_aside(format!("WARNING! {text}\n").as_bytes());
}

fn from_input() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST_PASSWORD).read_to_string(&mut text).context("cannot read the password from standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Who is known there already need not type anything.
fn still_believed(registry: &Address) -> Result<bool> {
    let Some(known) = login::known(registry)? else { return Ok(false) };
    say_aside(b"Authenticating with existing credentials...\n");
    match login::is_believed(registry, known) {
        Ok(()) => {
            say_line!("Login Succeeded");
            Ok(true)
        }
        Err(error) if ask::can_be_asked() => {
            say_aside(format!("{error}\n").as_bytes());
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// What was not said on the command line.
fn asked(registry: &Address, user: Option<String>, password: Option<String>) -> Result<(String, String)> {
    let person = || match ask::can_be_asked() {
        true => Ok(()),
        false => Err(Error::usage("no terminal at which a user and a password could be asked for").hint("-u USER --password-stdin")),
    };
    let user = match user {
        Some(user) => user,
        None => {
            person()?;
            let before = login::known(registry)?.and_then(|login| login.user().map(str::to_owned));
            let question = before.iter().fold("Username".to_owned(), |question, before| format!("{question} ({before})"));
            Some(ask::line(&format!("{question}: "))?).filter(|user| !user.is_empty()).or(before).unwrap_or_default()
        }
    };
    if user.is_empty() {
        return Err(Error::usage("the user's name is empty"));
    }
    match password {
        Some(password) => Ok((user, password)),
        None => {
            person()?;
            Ok((user, ask::secret("Password: ")?))
        }
    }
}
