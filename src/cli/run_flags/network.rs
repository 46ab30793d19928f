//! Its network, and where names are looked up.

use super::words::{Flag, Flags, list, value};
use crate::error::{Error, Result};
use crate::options::{NameService, Network, Wishes, name_service, namespaces};

pub const FLAGS: &[Flag] = &[
    value("network", None, "none|host|container:NAME", "Network: loopback only, the host's, or another container's").alias("net"),
    list("add-host", None, "NAME:ADDRESS", "Add a line to /etc/hosts"),
    list("dns", None, "ADDRESS", "Ask this name server instead of the host's"),
    list("dns-search", None, "DOMAIN", "Look up short names in this domain (. for none)"),
    list("dns-option", None, "OPTION", "Set an option of /etc/resolv.conf").alias("dns-opt"),
];

/// After `sight.rs`: it looks at the host name.
pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.network = flags.parse("network", namespaces::parse_network)?.unwrap_or_default();
    wishes.names = NameService {
        hosts: flags.parse_all("add-host", name_service::parse_host)?,
        servers: flags.parse_all("dns", name_service::parse_address)?,
        search: flags.parse_all("dns-search", name_service::parse_domain)?,
        options: flags.parse_all("dns-option", name_service::parse_option)?,
    };
    if let Network::Container(other) = &wishes.network {
        let contradicting =
            ["hostname", "domainname", "add-host", "dns", "dns-search", "dns-option"].into_iter().find(|flag| flags.text(flag).is_some());
        if let Some(flag) = contradicting {
            return Err(Error::usage(format!("--{flag} and --network container:{other} contradict each other"))
                .because("the names of a network belong to whoever made it")
                .hint(format!("give --{flag} to {other}")));
        }
    }
    Ok(())
}
