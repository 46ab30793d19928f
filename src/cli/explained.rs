//! `--explain`: the command goes on in a child, and we look on and tell what it does.

use crate::cli::say::say_aside;
use crate::error::{Error, Result};
use crate::explain::observe::{self, Side};
use crate::explain::tell::{Json, Teller, Text};
use crate::options::explain::{self, Explain};
use crate::sys::{file, terminal};
use clap::{Arg, ArgMatches, Command};
use std::io::IsTerminal;

/// Those that can be looked at while they work, beside `run` and `create`, which have all their flags in lists of their own.
const EXPLAINED: &[&str] = &["start", "exec", "stop", "kill", "restart", "rm", "load", "pull", "build", "commit"];

/// Whether a command has `--explain`.
pub fn can_be(name: &str) -> bool {
    EXPLAINED.contains(&name) || ["run", "create"].contains(&name)
}

/// Adds the flag where it makes sense.
pub fn define(command: Command, name: &str) -> Command {
    if !EXPLAINED.contains(&name) {
        return command;
    }
    let arg = Arg::new("explain").long("explain").value_name("HOW").num_args(0..=1).require_equals(true);
    command.arg(arg.default_missing_value("short").help("Tell each step while it happens: short, full or json"))
}

/// `Some`: it has been carried out and told, and this is its exit code. `None`: carry it out.
pub fn if_asked(name: &str, matches: &ArgMatches) -> Result<Option<i32>> {
    if !EXPLAINED.contains(&name) {
        return Ok(None);
    }
    let Some(typed) = matches.get_one::<String>("explain") else { return Ok(None) };
    match explain::parse(typed)? {
        Explain::Script => {
            let error = Error::usage(format!("{name} cannot be written as a shell script"));
            Err(error.because("only a new container can").hint(format!("tare {name} --explain, or tare run --explain=sh IMAGE")))
        }
        how => look_on(how),
    }
}

pub fn look_on(how: Explain) -> Result<Option<i32>> {
    let has_colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut teller: Box<dyn Teller> = match how {
        Explain::Json => Box::new(Json),
        how => Box::new(Text::new(how == Explain::Full, has_colours, columns())),
    };
    let Side::Observer(observer) = observe::divide()? else { return Ok(None) };
    let code = observer.look_on(&mut |seen, at, happened| say_lines(&teller.tell(seen, at, happened)))?;
    say_lines(&teller.end());
    Ok(Some(code))
}

/// Of the terminal that shows it, if one does.
fn columns() -> Option<usize> {
    let [_, _, error] = file::standard_streams();
    terminal::size(error).ok().map(|size| usize::from(size.columns)).filter(|columns| *columns > 0)
}

/// The command may have made the terminal raw, where a line feed goes down and not back.
fn say_lines(text: &str) {
    match std::io::stderr().is_terminal() {
        true => say_aside(text.replace('\n', "\r\n").as_bytes()),
        false => say_aside(text.as_bytes()),
    };
}
