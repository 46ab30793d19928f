//! The door of a registry: we show what it wants to see there, and wait where it has too much to do.

use crate::error::Result;
use crate::registry::credentials::Login;
use crate::registry::http::{Answer, Http, Question, complaint};
use crate::registry::known::Known;
use crate::registry::tokens::{Passes, denied};
use std::time::Duration;

/// So often somebody is asked again who is not well, or has too much to do.
const TRIES: u32 = 4;
/// Longer than this nobody is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

pub struct Door {
    pub http: Http,
    login: Option<Login>,
    passes: Passes,
}

impl Door {
    pub fn new(known: &Known, registry: &str) -> Result<Door> {
        let address = known.address(registry);
        let login = known.logins.find(&address)?;
        Ok(Door { http: known.http(address), login, passes: Passes::default() })
    }

    pub fn registry(&self) -> &str {
        &self.http.address.name
    }

    pub fn knows_us(&self) -> bool {
        self.login.is_some()
    }

    /// `scope`: what it is asked for, in the words of those who give tokens.
    pub fn ask(&self, question: Question, scope: &str) -> Result<Answer> {
        let answer = self.try_ask(question, scope)?;
        match answer.status().as_u16() {
            401 | 403 => Err(denied(&self.http.address, complaint(answer))),
            _ => Ok(answer),
        }
    }

    /// The same for whoever can do without: that we are not let in is an answer, too.
    pub fn try_ask(&self, mut question: Question, scope: &str) -> Result<Answer> {
        // Somebody else, to whom the registry has sent us, neither learns who we are nor may ask for it.
        let is_own = self.http.is_own(question.target);
        let mut shown = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            question.pass = self.passes.get(scope).filter(|_| is_own);
            let answer = self.http.ask(&question)?;
            match answer.status().as_u16() {
                // A token may have grown old: one more is asked for.
                401 if is_own && !shown => {
                    shown = true;
                    self.passes.obtain(&self.http, self.login.as_ref(), scope, question.pass.as_deref(), answer)?;
                }
                429 | 500 | 502 | 503 | 504 if attempt < TRIES => match wait_of(&answer, attempt) {
                    Some(wait) => std::thread::sleep(wait),
                    None => return Ok(answer),
                },
                _ => return Ok(answer),
            }
        }
    }
}

/// What it asks for, or a little longer each time. `None`: it asks for more than anybody waits.
fn wait_of(answer: &Answer, attempt: u32) -> Option<Duration> {
    let asked = answer.headers().get("retry-after").and_then(|after| after.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
    let wait = asked.unwrap_or(Duration::from_millis(200 << attempt));
    (wait <= LONGEST_WAIT).then_some(wait)
}
