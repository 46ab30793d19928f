//! The three files of /etc that belong to a container and not to its image: hosts, hostname, resolv.conf.
//!
//! Made anew at every start: the host's name servers may have changed. The container's first process writes them down
//! (`runtime/root/small_files.rs`). Whoever shares the network of another container shares its files instead.

use crate::engine::join::Claimed;
use crate::options::{NameService, Network};
use crate::record::Container;
use crate::record::network::Endpoint;

const LOCAL_HOSTS: &str =
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

/// Name and content of each. `claimed`: where it is in its networks.
pub fn contents(container: &Container, claimed: Option<&Claimed>) -> Vec<(&'static str, String)> {
    let wishes = &container.wishes;
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let host_s = |path: &str| read(path).unwrap_or_default();
    let shares_network = wishes.network == Network::Host;
    let known = if shares_network { read("/etc/hosts").unwrap_or_else(|| LOCAL_HOSTS.to_owned()) } else { LOCAL_HOSTS.to_owned() };
    let servers = match shares_network {
        true => host_s("/etc/resolv.conf"),
        false => reachable_servers(&host_s("/etc/resolv.conf"), || read("/run/systemd/resolve/resolv.conf")),
    };
    vec![
        ("hosts", hosts(known, container, claimed, &wishes.names.hosts)),
        ("hostname", format!("{}\n", container.hostname)),
        ("resolv.conf", resolv_conf(&servers, &wishes.names)),
    ]
}

/// A program that looks up its own host name must find it (`hostname -i`, many servers at their start): under its own addresses, or
/// where it has none under 127.0.1.1, which is on the loopback interface too, and unlike 127.0.0.1 leads back to this name and not to
/// localhost.
fn hosts(mut text: String, container: &Container, claimed: Option<&Claimed>, more: &[(String, String)]) -> String {
    let name = &container.hostname;
    let wished = more.iter().any(|(wished, _)| wished == name);
    if !wished && !has_host(&text, name) {
        end_line(&mut text);
        let domain = container.wishes.domainname.as_ref().map(|domain| format!("{name}.{domain} ")).unwrap_or_default();
        // `web.example` is also `web`.
        let short = name.split_once('.').map(|(short, _)| format!(" {short}")).unwrap_or_default();
        let own: Vec<String> = match claimed {
            Some(claimed) => claimed.joined.endpoints.iter().flat_map(Endpoint::addresses).map(|address| address.to_string()).collect(),
            None => vec!["127.0.1.1".to_owned()],
        };
        text.extend(own.iter().map(|address| format!("{address}\t{domain}{name}{short}\n")));
    }
    for (name, address) in more {
        end_line(&mut text);
        text.push_str(&format!("{address}\t{name}\n"));
    }
    text
}

fn has_host(hosts: &str, name: &str) -> bool {
    let words = |line: &str| line.split('#').next().unwrap_or_default().split_whitespace().skip(1).any(|word| word == name);
    hosts.lines().any(words)
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// Each kind of line is the host's, unless something is wished of that kind.
fn resolv_conf(host: &str, wishes: &NameService) -> String {
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
    let servers = |text: &str| {
        text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).map(|rest| rest.trim().to_owned()).collect::<Vec<_>>()
    };
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
        assert_eq!(resolv_conf(host, &wish(&[], &[], &[])), host);
        let text = resolv_conf(host, &wish(&["1.1.1.1", "::1"], &[], &[]));
        assert_eq!(text, "domain old\nsearch old\noptions edns0\n# kept\nnameserver 1.1.1.1\nnameserver ::1\n");
        let text = resolv_conf(host, &wish(&[], &["a", "b"], &["ndots:2", "rotate"]));
        assert_eq!(text, "nameserver 10.0.0.1\n# kept\nsearch a b\noptions ndots:2 rotate\n");
        assert!(resolv_conf(host, &wish(&[], &["."], &[])).ends_with("search .\n"));
    }

    #[test]
    fn a_name_is_found_only_as_a_whole_word() {
        assert!(has_host("10.0.0.1 db web # box", "web"));
        assert!(!has_host("10.0.0.1 db web # box\n#1.1.1.1 box\nbox", "box"));
        assert!(!has_host("10.0.0.1 website", "web"));
    }
}
