//! One request to one registry, carried out: over TLS, or plainly where the machine is our own; redirects followed, patience limited.
//!
//! What says who we are goes to the registry alone: a redirect to another host, where most keep their blobs, goes there without it.

use crate::error::{Error, Result};
use crate::registry::sending::Sending;
use crate::registry::settings::About;
use crate::registry::way::address::{Address, Plain, is_link_local, is_loopback, without_port};
use crate::registry::way::agents::Agents;
pub use crate::registry::way::complaint::{complaint, harmless};
use crate::registry::way::unreachable::unreachable;
use std::sync::OnceLock;
use ureq::http::{HeaderValue, Method, Request, Uri};
use ureq::{AsSendBody, Body, RequestExt, SendBody};

/// Nobody who means well needs more of them.
const MOST_REDIRECTS: usize = 8;

pub type Answer = ureq::http::Response<Body>;
pub type Header<'a> = (&'a str, String);

pub struct Http {
    pub address: Address,
    agents: Agents,
    /// `https` or `http`, once it is known which of them is understood there.
    scheme: OnceLock<&'static str>,
}

/// What is asked.
pub struct Question<'a> {
    pub method: Method,
    /// A path at the registry, or a whole address.
    pub target: &'a str,
    pub headers: Vec<Header<'a>>,
    /// `Authorization`, for the registry itself only.
    pub pass: Option<String>,
    /// `None`: there is nothing to send, as with most questions.
    pub body: Option<Sending<'a>>,
}

impl<'a> Question<'a> {
    pub fn get(target: &'a str) -> Question<'a> {
        Question { method: Method::GET, target, headers: Vec::new(), pass: None, body: None }
    }
}

impl Http {
    pub fn new(address: Address, about: &About) -> Http {
        Http { agents: Agents::of(&address, about), address, scheme: OnceLock::new() }
    }

    /// Whether what we say can be read on the way.
    pub fn is_plain(&self) -> bool {
        self.address.plain == Plain::Yes || self.scheme.get() == Some(&"http")
    }

    /// Any answer with a status is an answer; an error is that there was none.
    pub fn ask(&self, question: &Question) -> Result<Answer> {
        let start = match question.target.strip_prefix('/') {
            Some(path) => format!("{}://{}/{path}", self.scheme()?, self.address.host),
            None => question.target.to_owned(),
        };
        self.follow(question, start)
    }

    /// To whom gives tokens. He is not followed anywhere: what is sent would go along.
    pub fn ask_with_form(&self, url: &str, form: &str) -> Result<Answer> {
        let here: Uri = url.parse().map_err(|_| Error::failed(format!("{} is no address", harmless(url))))?;
        let request = Request::post(here.clone()).header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        self.send(&here, request.map_err(|e| Error::failed("cannot write a request").because(e))?)
    }

    /// A registry on our own machine is asked which of the two it understands.
    fn scheme(&self) -> Result<&'static str> {
        match self.address.plain {
            Plain::No => return Ok("https"),
            Plain::Yes => return Ok("http"),
            Plain::Perhaps => {}
        }
        if let Some(known) = self.scheme.get() {
            return Ok(known);
        }
        let understands = |scheme: &str| {
            let root = format!("{scheme}://{}/v2/", self.address.host);
            let url: Uri = root.parse().map_err(|_| Error::failed(format!("{} is no address", harmless(&root))))?;
            self.once(&Question::get(&root), &url, None)
        };
        let tls = understands("https");
        let scheme = match tls {
            Ok(_) => "https",
            // Who speaks TLS, with a certificate that we do not trust, answers a plain question with 400. There, and where nobody
            // answers in either way, the first reason is the one to tell.
            Err(error) => match understands("http") {
                Ok(answer) if answer.status().as_u16() != 400 => "http",
                _ => return Err(error),
            },
        };
        Ok(self.scheme.get_or_init(|| scheme))
    }

    fn follow(&self, question: &Question, start: String) -> Result<Answer> {
        let mut url = start;
        let (mut pass, mut is_elsewhere) = (question.pass.as_deref(), false);
        for _ in 0..=MOST_REDIRECTS {
            let here: Uri = url.parse().map_err(|_| Error::failed(format!("{} is no address", harmless(&url))))?;
            let answer = self.once(question, &here, pass)?;
            let status = answer.status().as_u16();
            if status == 401 && is_elsewhere {
                return Err(self.refused("it leads to somebody else who wants to know who we are"));
            }
            let Some(to) = answer.headers().get("location").filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308)) else {
                return Ok(answer);
            };
            let next = self.step(&here, to)?;
            if next.authority() != here.authority() || next.scheme() != here.scheme() {
                (pass, is_elsewhere) = (None, true);
            }
            url = next.to_string();
        }
        Err(self.refused("it leads from one address to the next without end"))
    }

    /// Where a `Location` or a `Link` leads that stood in the answer from `here`.
    pub fn step(&self, here: &Uri, to: &HeaderValue) -> Result<Uri> {
        let to = to.to_str().ok().and_then(|to| joined(here, to).parse::<Uri>().ok());
        let next = to.ok_or_else(|| self.refused("it leads to an address that is none"))?;
        self.check_step(here, &next)?;
        Ok(next)
    }

    /// Whether it is the registry itself that is asked: nobody else learns who we are.
    pub fn is_own(&self, target: &str) -> bool {
        let own = || format!("{}://{}/", self.scheme().ok()?, self.address.host).parse().ok();
        target.starts_with('/') || target.parse().is_ok_and(|target| own().is_some_and(|own| is_same_place(&own, &target)))
    }

    /// A registry behind TLS cannot send us where anybody can listen, nor anyone to the addresses of the machine itself.
    fn check_step(&self, here: &Uri, next: &Uri) -> Result<()> {
        let host = next.host().unwrap_or_default().trim_matches(['[', ']']);
        let (was, will) = (here.scheme_str(), next.scheme_str());
        if !matches!(will, Some("http" | "https")) || host.is_empty() {
            return Err(self.refused("it leads to something that is neither http nor https"));
        }
        if was == Some("https") && will != Some("https") {
            return Err(self.refused("it leads from https to something else"));
        }
        let from_here = is_loopback(without_port(&self.address.host));
        if is_link_local(host) || (is_loopback(host) && !from_here) {
            return Err(self.refused(&format!("it leads to {host}, which is an address of this machine's own surroundings")));
        }
        Ok(())
    }

    fn refused(&self, why: &str) -> Error {
        Error::failed(format!("registry {} cannot be followed", self.address.name)).because(why.to_owned())
    }

    fn once(&self, question: &Question, url: &Uri, pass: Option<&str>) -> Result<Answer> {
        let request = Request::builder().method(question.method.clone()).uri(url.clone());
        let request = question.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = pass.iter().fold(request, |request, pass| request.header("authorization", *pass));
        let wrong = |e| Error::failed("cannot write a request").because(e);
        let Some(body) = &question.body else { return self.send(url, request.body(()).map_err(wrong)?) };
        let mut content = body.read()?;
        let request = request.header("content-length", body.length());
        self.send(url, request.body(SendBody::from_reader(&mut content)).map_err(wrong)?)
    }

    fn send(&self, url: &Uri, request: Request<impl AsSendBody>) -> Result<Answer> {
        let agent = self.agents.for_url(url)?;
        request.with_agent(&agent).run().map_err(|error| {
            let proxy = self.agents.proxy(url).ok().flatten();
            unreachable(url, proxy.as_ref(), &error)
        })
    }
}

/// Scheme, host and port, also where one of them writes out the usual port.
fn is_same_place(one: &Uri, other: &Uri) -> bool {
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let has_user = |uri: &Uri| uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    one.scheme() == other.scheme() && host(one) == host(other) && port(one) == port(other) && !has_user(other)
}

fn joined(here: &Uri, to: &str) -> String {
    let scheme = here.scheme_str().unwrap_or("https");
    let host = here.authority().map(|authority| authority.as_str()).unwrap_or_default();
    match to {
        // What stands before the first colon is a scheme, unless it is a part of something else already.
        whole if whole.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':')) => whole.to_owned(),
        beside if beside.starts_with("//") => format!("{scheme}:{beside}"),
        path if path.starts_with('/') => format!("{scheme}://{host}{path}"),
        name => {
            let path = here.path();
            format!("{scheme}://{host}{}{name}", &path[..=path.rfind('/').unwrap_or(0)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_joined_as_browsers_do() {
        let here: Uri = "https://reg.example/v2/a/blobs/x?y=1".parse().unwrap();
        assert_eq!(joined(&here, "https://other/z"), "https://other/z");
        assert_eq!(joined(&here, "//cdn/z"), "https://cdn/z");
        assert_eq!(joined(&here, "/z?a=b"), "https://reg.example/z?a=b");
        assert_eq!(joined(&here, "z"), "https://reg.example/v2/a/blobs/z");
    }

    #[test]
    fn only_the_registry_itself_is_its_own() {
        let same = |other: &str| is_same_place(&"https://r.io/".parse().unwrap(), &other.parse().unwrap());
        assert!(same("https://r.io/v2/a?b=c") && same("https://r.io:443/v2/") && same("https://R.io/v2/"));
        for other in ["http://r.io/", "https://r.io:444/", "https://r.io.example/", "https://r.io@example/", "https://a@r.io/", "/v2/"] {
            assert!(!same(other), "{other}");
        }
        assert!(is_same_place(&"http://127.0.0.1:5000/".parse().unwrap(), &"http://127.0.0.1:5000/x".parse().unwrap()));
    }

    #[test]
    fn nobody_is_sent_where_others_listen_or_to_the_machine_itself() {
        let step = |registry: &str, here: &str, next: &str| {
            Http::new(Address::of(registry), &About::default()).check_step(&here.parse().unwrap(), &next.parse().unwrap()).is_ok()
        };
        assert!(step("r.io", "https://r.io/a", "https://cdn.io/a"));
        assert!(!step("r.io", "https://r.io/a", "http://cdn.io/a"));
        assert!(!step("r.io", "https://r.io/a", "ftp://cdn.io/a"));
        assert!(!step("r.io", "https://r.io/a", "https://169.254.169.254/latest/meta-data"));
        assert!(!step("r.io", "https://r.io/a", "https://127.0.0.1/a"));
        assert!(step("127.0.0.1:5000", "http://127.0.0.1:5000/a", "http://127.0.0.1:5001/a"));
    }
}
