//! Whom a container asks for names: what stands in its /etc/resolv.conf, and whom its porter asks.

use crate::engine::claim::Claimed;
use crate::network::{porter, switchboard};
use crate::options::{NameService, Network, Wishes};
use std::net::{IpAddr, SocketAddr};

/// In a network with names its porter answers, and asks others for what it does not know itself.
pub fn resolv_conf(wishes: &Wishes, claimed: Option<&Claimed>) -> String {
    let host = read("/etc/resolv.conf").unwrap_or_default();
    if claimed.is_some_and(|claimed| claimed.has_names() || can_only_ask_the_porter(wishes)) {
        return of_the_porter(wishes);
    }
    match wishes.network {
        Network::Host => with_wishes(&host, &wishes.names),
        _ => with_wishes(&reachable_servers(&host, || read("/run/systemd/resolve/resolv.conf")), &wishes.names),
    }
}

/// The host's name servers are on its loopback alone, and an ordinary user's container gets nowhere near that; his porter is there.
pub fn can_only_ask_the_porter(wishes: &Wishes) -> bool {
    if !switchboard::is_needed() || !wishes.names.servers.is_empty() {
        return false;
    }
    let host = read("/etc/resolv.conf").unwrap_or_default();
    let reachable = reachable_servers(&host, || read("/run/systemd/resolve/resolv.conf"));
    !servers(&host).is_empty() && servers(&reachable).is_empty()
}

pub fn of_the_porter(wishes: &Wishes) -> String {
    let names = NameService { servers: vec![porter::NAME_SERVER.to_string()], ..wishes.names.clone() };
    with_wishes(&read("/etc/resolv.conf").unwrap_or_default(), &names)
}

/// Whom the porter asks. It asks from the host, so a resolver on the host's loopback is as good as any.
pub fn upstream(wishes: &Wishes) -> Vec<SocketAddr> {
    let host = read("/etc/resolv.conf").unwrap_or_default();
    let servers = if wishes.names.servers.is_empty() { servers(&host) } else { wishes.names.servers.clone() };
    servers.iter().filter_map(|server| Some(SocketAddr::new(server.parse::<IpAddr>().ok()?, 53))).collect()
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn servers(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).map(|rest| rest.trim().to_owned()).collect()
}

/// Each kind of line is the host's, unless something is wished of that kind.
fn with_wishes(host: &str, wishes: &NameService) -> String {
    if wishes.servers.is_empty() && wishes.search.is_empty() && wishes.options.is_empty() {
        return host.to_owned();
    }
    let replaced = |line: &&str| match line.split_whitespace().next() {
        Some("nameserver") => !wishes.servers.is_empty(),
        // The last of the two counts, so a wish for one would be undone by the other (resolv.conf(5)).
        Some("search" | "domain") => !wishes.search.is_empty(),
        Some("options") => !wishes.options.is_empty(),
        _ => false,
    };
    let mut text: String = host.lines().filter(|line| !replaced(line)).map(|line| format!("{line}\n")).collect();
    text.extend(wishes.servers.iter().map(|server| format!("nameserver {server}\n")));
    let search: Vec<&str> = wishes.search.iter().map(String::as_str).filter(|domain| *domain != ".").collect();
    match (wishes.search.is_empty(), search.is_empty()) {
        (true, _) => {}
        // Without this line the resolver would search the domain of the host name.
        (false, true) => text.push_str("search .\n"),
        (false, false) => text.push_str(&format!("search {}\n", search.join(" "))),
    }
    if !wishes.options.is_empty() {
        text.push_str(&format!("options {}\n", wishes.options.join(" ")));
    }
    text
}

/// A resolver on the host's loopback cannot be reached from another network namespace: its upstream servers take its place.
fn reachable_servers(host: &str, upstream: impl Fn() -> Option<String>) -> String {
    let is_loopback = |server: &String| server.starts_with("127.") || server == "::1";
    let found = servers(host);
    if found.is_empty() || !found.iter().any(is_loopback) {
        return host.to_owned();
    }
    match upstream() {
        Some(text) if !servers(&text).is_empty() && !servers(&text).iter().any(is_loopback) => text,
        _ => {
            let keep = |line: &&str| !line.trim().strip_prefix("nameserver").is_some_and(|rest| is_loopback(&rest.trim().to_owned()));
            host.lines().filter(keep).map(|line| format!("{line}\n")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_resolver_is_kept_as_it_is() {
        assert_eq!(reachable_servers("nameserver 10.0.0.1\n", || None), "nameserver 10.0.0.1\n");
        assert_eq!(reachable_servers("", || None), "");
    }

    #[test]
    fn a_stub_on_loopback_is_replaced_by_its_upstream() {
        let stub = "nameserver 127.0.0.53\noptions edns0\n";
        assert_eq!(reachable_servers(stub, || Some("nameserver 9.9.9.9\n".into())), "nameserver 9.9.9.9\n");
        assert_eq!(reachable_servers(stub, || None), "options edns0\n");
        assert_eq!(reachable_servers("nameserver ::1\nnameserver 10.0.0.1\n", || None), "nameserver 10.0.0.1\n");
    }

    #[test]
    fn a_wish_replaces_the_host_s_lines_of_its_kind_and_no_others() {
        let host = "domain old\nnameserver 10.0.0.1\nsearch old\noptions edns0\n# kept";
        let wish = |servers: &[&str], search: &[&str], options: &[&str]| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            NameService { hosts: vec![], servers: owned(servers), search: owned(search), options: owned(options) }
        };
        assert_eq!(with_wishes(host, &wish(&[], &[], &[])), host);
        let text = with_wishes(host, &wish(&["1.1.1.1", "::1"], &[], &[]));
        assert_eq!(text, "domain old\nsearch old\noptions edns0\n# kept\nnameserver 1.1.1.1\nnameserver ::1\n");
        let text = with_wishes(host, &wish(&[], &["a", "b"], &["ndots:2", "rotate"]));
        assert_eq!(text, "nameserver 10.0.0.1\n# kept\nsearch a b\noptions ndots:2 rotate\n");
        assert!(with_wishes(host, &wish(&[], &["."], &[])).ends_with("search .\n"));
    }
}
