//! A build is followed to its end: what it tells is shown, and ctrl-c ends all of it.

use super::show::Show;
use crate::build::apart::{self, Heard};
use crate::build::{Outcome, Request};
use crate::cli::say::say_aside;
use crate::cli::{Context, interruption};
use crate::error::{Context as _, Result};
use crate::image::Limits;
use crate::sys::poll::{Watched, poll};
use std::os::fd::AsFd;

const INTERRUPTED: &str = "what was built so far is known to the next build";

pub enum Seen {
    Over(Outcome),
    /// By this signal. Whoever hears of it clears away what is his, and ends of it.
    Interrupted(i32),
}

pub fn watch(context: &Context, request: &Request, show: &mut Show) -> Result<Seen> {
    let signals = interruption::catch();
    let mut apart = apart::begin(&context.paths, request, &Limits::default())?;
    loop {
        let caught = signals.as_ref().map_or_else(Watched::never, |signals| Watched::new(signals.as_fd(), true, false));
        let mut watched = [Watched::new(apart.descriptor(), true, false), caught];
        poll(&mut watched, show.pause()).context("cannot wait for the build")?;
        if let Some(number) = signals.as_ref().and_then(|signals| signals.next()) {
            show.end();
            say_aside(format!("tare: interrupted; {INTERRUPTED}\n").as_bytes());
            let _ = apart.end(&context.paths);
            return Ok(Seen::Interrupted(number));
        }
        let goes_on = !watched[0].is_ready() || apart.receive()?;
        while let Some(heard) = apart.heard()? {
            match heard {
                Heard::Event(event) => show.event(&event),
                Heard::Over(outcome) => {
                    show.end();
                    apart.wait()?;
                    return outcome.map(Seen::Over);
                }
            }
        }
        if !goes_on {
            show.end();
            let _ = apart.end(&context.paths);
            return Err(apart::killed());
        }
        show.tick();
    }
}
