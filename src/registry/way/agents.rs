//! Those who carry questions over the network, with the connections that are kept for the next question: one for each way.

use crate::error::Result;
use crate::registry::settings::About;
use crate::registry::way::address::{Address, without_port};
use crate::registry::way::certificates::Certificates;
use crate::registry::way::proxies::Proxies;
use crate::registry::way::surroundings::Guard;
use crate::registry::way::tls::Tls;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ureq::http::Uri;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Proxy};

const CONNECT: Duration = Duration::from_secs(20);
/// Without a single byte for so long, a connection is dead.
const SILENCE: Duration = Duration::from_secs(30);
/// And without an answer for so long, however much of its beginning has come.
const ANSWER: Duration = Duration::from_secs(300);
const BUFFER: usize = 256 << 10;

pub struct Agents {
    /// Without its port: whoever is on the same machine may know who we are.
    host: String,
    certificates: Certificates,
    proxies: Proxies,
    made: Mutex<Vec<(Way, Agent)>>,
}

/// What makes one agent different from another.
#[derive(Clone, PartialEq, Eq)]
struct Way {
    is_own: bool,
    proxy: Option<Proxy>,
}

impl Agents {
    pub fn of(address: &Address, about: &About) -> Agents {
        let host = without_port(&address.host).to_owned();
        Agents { host, certificates: Certificates::of(address, about), proxies: Proxies::of_environment(), made: Mutex::default() }
    }

    pub fn proxy(&self, url: &Uri) -> Result<Option<Proxy>> {
        let scheme = url.scheme_str().unwrap_or("https");
        let port = url.port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
        self.proxies.on_the_way_to(scheme, url.host().unwrap_or_default(), port)
    }

    pub fn for_url(&self, url: &Uri) -> Result<Agent> {
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
        let way = Way { is_own: host == self.host, proxy: self.proxy(url)? };
        let mut made = self.made.lock().unwrap_or_else(|broken| broken.into_inner());
        if let Some((_, agent)) = made.iter().find(|(known, _)| *known == way) {
            return Ok(agent.clone());
        }
        let agent = self.make(&way)?;
        made.push((way, agent.clone()));
        Ok(agent)
    }

    fn make(&self, way: &Way) -> Result<Agent> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("tare/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .timeout_recv_response(Some(ANSWER))
            .input_buffer_size(BUFFER)
            // What comes behind a preliminary answer in one piece with it is counted as a header.
            .max_response_header_size(BUFFER)
            .max_idle_connections_per_host(8)
            .proxy(way.proxy.clone())
            .build();
        let tls = Tls(Arc::new(self.certificates.tls(way.is_own)?));
        let connector = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default()).chain(tls);
        let guard = Guard { registry: self.host.clone(), is_own: way.is_own };
        Ok(Agent::with_parts(config, connector, guard))
    }
}
