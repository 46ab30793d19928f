//! What of the host's own firewall stands in the way of containers, and the rule that would open it.
//!
//! Our rules never accept over the host's decision, so where its forward chain throws away what no rule lets through, containers reach
//! nobody, and nobody reaches their ports. That is the administrator's will, or a habit of other programs; we say so, and go on.
//! A chain in whose table a rule speaks of our interfaces is taken for settled.
//!
//! A strict `rp_filter` is no obstacle: packets to published ports are forwarded from where they came in (`rules/`).

use crate::sys::Errno;
use crate::sys::legacy_tables;
use crate::sys::netlink::Netlink;
use crate::sys::netlink::nftables::looking::Chain;
use crate::sys::netlink::nftables::objects::{FORWARD, OUTPUT};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub text: String,
    /// What an administrator can type.
    pub hint: String,
}

/// All that is known; where the kernel does not answer, none.
pub fn obstacles() -> Vec<Obstacle> {
    let mut found = Vec::new();
    let netlink = Netlink::open_netfilter();
    let chains = netlink.as_ref().map_err(|errno| *errno).and_then(Netlink::chains);
    if let Err(Errno::EPROTONOSUPPORT | Errno::EOPNOTSUPP | Errno::EINVAL) = chains {
        let lost = "this kernel has no nf_tables: containers reach nobody outside, networks see each other, and servers do not see their clients' addresses";
        found.push(Obstacle { text: lost.to_owned(), hint: "modprobe nf_tables".to_owned() });
    }
    if let (Ok(netlink), Ok(chains)) = (&netlink, &chains) {
        let settled = |chain: &Chain, name: &str| netlink.speaks_of(chain.family, &chain.table, name).unwrap_or(false);
        let foreign = chains.iter().filter(|chain| !chain.table.starts_with("tare"));
        for chain in foreign {
            match chain.hook {
                Some((FORWARD, _)) if forbids(chain) && !settled(chain, "tare") => found.push(forward(chain, chains)),
                Some((OUTPUT, _)) if chain.drops && !settled(chain, "td") => found.push(output(chain)),
                _ => {}
            }
        }
    }
    for (is_v4, program) in [(true, "iptables-legacy"), (false, "ip6tables-legacy")] {
        let drops =
            legacy_tables::filter(is_v4).is_some_and(|filter| filter.forward_drops && !filter.bytes.windows(4).any(|name| name == b"tare"));
        if drops {
            let text = format!("the chain FORWARD of {program} drops what no rule lets through: containers reach only each other");
            found.push(Obstacle { text, hint: by_iptables(program, "FORWARD") });
        }
    }
    if !found.is_empty() && bridges_are_filtered() {
        let text = "packets within one network meet the host's forward chains too (bridge-nf-call-iptables)".to_owned();
        found.push(Obstacle { text, hint: "sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0".into() });
    }
    found
}

const FIREWALLD: &str = "firewalld";

/// firewalld accepts in the end, but has refused before what belongs to no zone.
fn forbids(chain: &Chain) -> bool {
    chain.drops || (chain.table == FIREWALLD && chain.name == "filter_FORWARD")
}

fn forward(chain: &Chain, all: &[Chain]) -> Obstacle {
    let name = format!("the chain {} of table {} {}", chain.name, family(chain), chain.table);
    let text = format!("{name} drops what no rule lets through: containers reach only each other, and nobody reaches their ports");
    let has = |name: &str| all.iter().any(|other| (other.family, &other.table) == (chain.family, &chain.table) && other.name == name);
    let (is_of_iptables, program) = (is_of_iptables(chain), iptables(chain));
    let hint = match () {
        () if chain.table == FIREWALLD => {
            "firewall-cmd --permanent --zone=trusted --add-interface=tare+ && firewall-cmd --reload".to_owned()
        }
        () if is_of_iptables && (has("ufw-user-forward") || has("ufw6-user-forward")) => {
            "ufw route allow in on tare+ && ufw route allow out on tare+".to_owned()
        }
        () if is_of_iptables && has("DOCKER-USER") => by_iptables(program, "DOCKER-USER"),
        () if is_of_iptables => by_iptables(program, "FORWARD"),
        () => {
            let place = format!("insert rule {} {} {}", family(chain), chain.table, chain.name);
            format!(
                "nft '{place} ct state established,related accept; {place} iifname \"tare*\" accept; {place} oifname \"tare*\" ct status dnat accept'"
            )
        }
    };
    Obstacle { text, hint }
}

fn output(chain: &Chain) -> Obstacle {
    let name = format!("the chain {} of table {} {}", chain.name, family(chain), chain.table);
    let hint = match is_of_iptables(chain) {
        true => format!("{} -I {} -o td+ -j ACCEPT", iptables(chain), chain.name),
        false => format!("nft 'insert rule {} {} {} oifname \"td*\" accept'", family(chain), chain.table, chain.name),
    };
    Obstacle {
        text: format!("{name} drops what no rule lets through: packets to published ports are lost on their way through td…"), hint
    }
}

/// Its program writes all names of its own chains in capitals.
fn is_of_iptables(chain: &Chain) -> bool {
    chain.table == "filter" && chain.name.bytes().all(|letter| letter.is_ascii_uppercase())
}

fn iptables(chain: &Chain) -> &'static str {
    if chain.family == V6 { "ip6tables" } else { "iptables" }
}

fn by_iptables(program: &str, chain: &str) -> String {
    let within = format!("{program} -I {chain} -o tare+ -m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT");
    format!("{program} -I {chain} -i tare+ -j ACCEPT && {within}")
}

/// NFPROTO_IPV6
const V6: u8 = 10;

fn family(chain: &Chain) -> &'static str {
    match chain.family {
        1 => "inet",
        2 => "ip",
        V6 => "ip6",
        _ => "bridge",
    }
}

fn bridges_are_filtered() -> bool {
    let file = std::fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables");
    file.is_ok_and(|value| value.trim() == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(family: u8, table: &str, name: &str) -> Chain {
        Chain { family, table: table.into(), name: name.into(), hook: Some((FORWARD, 0)), drops: true }
    }

    #[test]
    fn the_hint_is_the_command_of_whoever_made_the_chain() {
        let own = forward(&chain(1, "mine", "through"), &[]);
        assert!(own.text.contains("the chain through of table inet mine"), "{own:?}");
        assert!(own.hint.starts_with("nft 'insert rule inet mine through ct state"), "{own:?}");
        let docker = [chain(2, "filter", "FORWARD"), chain(2, "filter", "DOCKER-USER")];
        assert!(forward(&docker[0], &docker).hint.starts_with("iptables -I DOCKER-USER -i tare+ "));
        let ufw = [chain(2, "filter", "FORWARD"), chain(2, "filter", "ufw-user-forward")];
        assert!(forward(&ufw[0], &ufw).hint.starts_with("ufw route"));
        // Another family's chain says nothing of this one.
        assert!(forward(&chain(V6, "filter", "FORWARD"), &docker).hint.starts_with("ip6tables -I FORWARD "));
        assert!(forward(&chain(1, FIREWALLD, "filter_FORWARD"), &[]).hint.starts_with("firewall-cmd"));
    }
}
