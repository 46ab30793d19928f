//! The door of a registry: we show what it wants to see there, and wait where it has too much to do.

use crate::error::{Error, Result};
use crate::registry::known::Known;
use crate::registry::way::address::Address;
use crate::registry::way::http::{Answer, Http, Question, complaint};
use crate::registry::way::retry_after::wait_of;
use crate::registry::who::credentials::Login;
use crate::registry::who::logins::Logins;
use crate::registry::who::tokens::{Passes, denied};
use std::sync::OnceLock;

/// So often somebody is asked again who is not well, or has too much to do.
const TRIES: u32 = 4;

pub struct Door {
    pub http: Http,
    logins: Logins,
    /// Looked for when somebody wants to see it: a helper that keeps it may have to ask a person first.
    login: OnceLock<Option<Login>>,
    passes: Passes,
    /// Somebody else has what is here, too: nobody waits.
    is_one_of_many: bool,
}

impl Door {
    pub fn new(known: &Known, registry: &str) -> Door {
        Door::at(known, known.address(registry))
    }

    pub fn of_mirror(known: &Known, address: Address) -> Door {
        Door { is_one_of_many: true, ..Door::at(known, address) }
    }

    fn at(known: &Known, address: Address) -> Door {
        let (http, logins) = (known.http(address), known.logins.clone());
        Door { http, logins, login: OnceLock::new(), passes: Passes::default(), is_one_of_many: false }
    }

    pub fn registry(&self) -> &str {
        &self.http.address.name
    }

    /// Whether it has learnt who we are.
    pub fn knows_us(&self) -> bool {
        self.login.get().is_some_and(Option::is_some)
    }

    fn login(&self) -> Result<Option<&Login>> {
        if self.login.get().is_none() {
            let found = self.logins.find(&self.http.address)?;
            let _ = self.login.set(found);
        }
        Ok(self.login.get().and_then(Option::as_ref))
    }

    /// `scope`: what it is asked for, in the words of those who give tokens.
    pub fn ask(&self, question: Question, scope: &str) -> Result<Answer> {
        let answer = self.try_ask(question, scope)?;
        match answer.status().as_u16() {
            401 | 403 => Err(self.denied(answer)),
            _ => Ok(answer),
        }
    }

    pub fn denied(&self, answer: Answer) -> Error {
        denied(&self.http.address, self.login.get().and_then(Option::as_ref), complaint(answer))
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
                    self.passes.obtain(&self.http, self.login()?, scope, question.pass.as_deref(), answer)?;
                }
                429 | 500 | 502 | 503 | 504 if attempt < TRIES && !self.is_one_of_many => match wait_of(&answer, attempt) {
                    Some(wait) => std::thread::sleep(wait),
                    None => return Ok(answer),
                },
                _ => return Ok(answer),
            }
        }
    }
}
