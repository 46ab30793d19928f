//! `--debug`: a shell where a step has failed.

use super::failure::is_of_a_run;
use crate::build::{Failure, Request, debug};
use crate::cli::Context;
use crate::cli::say::say_aside;
use crate::error::Result;
use crate::monitor::attend::{self, How};
use crate::monitor::protocol::Wants;
use crate::options::detach_keys;
use crate::sys::terminal;
use std::os::fd::AsFd;

/// Returns when the person has seen enough.
pub fn look_around(context: &Context, request: &Request, failure: &Failure) -> Result<()> {
    let Some(before) = failure.before.as_ref().filter(|_| is_of_a_run(request, failure)) else { return Ok(()) };
    let terminal = terminal::is_terminal(std::io::stdin().as_fd()) && terminal::is_terminal(std::io::stdout().as_fd());
    say_aside(b"This is the state before the step; exit leaves it.\n");
    let wants = Wants { stdin: true, stdout: true, stderr: true };
    let monitor = debug::shell(&context.paths, before, &request.wishes, terminal, wants)?;
    let how = How { terminal, wants, sig_proxy: !terminal, detach_keys: detach_keys::DEFAULT.to_vec() };
    attend::attend(monitor, &how).map(drop)
}
