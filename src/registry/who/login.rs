//! `login`: whether a registry believes us, before anything is written down.

use crate::error::{Error, Result};
use crate::registry::known::Known;
use crate::registry::way::http::{Question, complaint};
use crate::registry::who::credentials::Login;
use crate::registry::who::tokens::pass;

/// Gives what is to be kept: the registry may have a token for us that does instead of the password.
pub fn prove(known: &Known, registry: &str, login: Login) -> Result<Login> {
    let http = known.http(known.address(registry));
    let cannot = |why: String| Error::failed(format!("cannot log in to {registry}")).because(why);
    let answer = http.ask(&Question::get("/v2/")).map_err(|e| e.context(format!("cannot log in to {registry}")))?;
    match answer.status().as_u16() {
        // It lets in everybody.
        200 => return Ok(login),
        401 => {}
        404 => return Err(cannot("it is no registry: there is no /v2/".to_owned())),
        _ => return Err(cannot(complaint(answer))),
    }
    let pass = pass(&http, Some(&login), "", answer).map_err(|e| e.context(format!("cannot log in to {registry}")))?.map_err(cannot)?;
    let answer = http.ask(&Question { pass: Some(pass.text), ..Question::get("/v2/") })?;
    match (answer.status().is_success(), pass.identity, login) {
        (true, Some(token), Login::Password { user, .. }) => Ok(Login::Identity { user, token }),
        (true, _, login) => Ok(login),
        (false, ..) => Err(cannot(complaint(answer))),
    }
}
