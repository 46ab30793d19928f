//! What stands in our two tables, `ip` and `ip6`: the **ground**, which every network needs, and what **publishing** needs, made
//! with the first published port, so that a host without any has no chain of ours on its way in.
//!
//! The rules are the same for ever. What changes are the elements of their sets (`elements.rs`).

use super::door::Door;
use crate::sys::netlink::message::Message;
use crate::sys::netlink::nftables::Family;
use crate::sys::netlink::nftables::expressions::{
    Base, Connection, Expressions, Meta, Register, STATE_NEW, STATUS_REDIRECTED, TYPE_LOCAL, Verdict,
};
use crate::sys::netlink::nftables::objects::{FORWARD, Hook, INPUT, POSTROUTING, PREROUTING, Table};
use crate::sys::netlink::nftables::sets::{Field, Set, address};

/// The highest byte of the mark of a first packet that goes round; the others say at which interface it came in.
pub const MARK: u32 = 0x7a00_0000;
const MARK_BYTE: u32 = 0xff00_0000;

pub struct Part {
    pub sets: Vec<Set>,
    pub chains: Vec<Chain>,
}

pub struct Chain {
    pub name: &'static str,
    pub hook: Option<Hook>,
    /// Why, and what.
    pub rules: Vec<(&'static str, Expressions)>,
}

impl Part {
    pub fn messages(&self, table: &Table) -> Vec<Message> {
        let sets = (1..).zip(&self.sets).map(|(number, set)| table.set(set, number));
        let chains = self.chains.iter().map(|chain| table.chain(chain.name, chain.hook));
        let rules = self.chains.iter().flat_map(|chain| chain.rules.iter().map(|(why, rule)| table.rule(chain.name, why, rule)));
        sets.chain(chains).chain(rules).collect()
    }
}

/// All bridges of our networks.
pub const BRIDGES: Set = Set { name: "bridges", key: &[Field::Interface], value: &[], ranges: false };
/// From a bridge to the same one.
pub const INSIDE: Set = Set { name: "inside", key: &[Field::Interface, Field::Interface], value: &[], ranges: false };
/// Bridges of networks that know no outside.
pub const INTERNAL: Set = Set { name: "internal", key: &[Field::Interface], value: &[], ranges: false };

/// From which packets leave under the host's address.
pub const fn subnets(family: Family) -> Set {
    let key: &[Field] = match family {
        Family::V4 => &[Field::Address4],
        Family::V6 => &[Field::Address6],
    };
    Set { name: "subnets", key, value: &[], ranges: true }
}

/// Ports that are published on every address of the host, and where they lead.
pub const PORTS: Set = Set { name: "ports", key: &[Field::Protocol, Field::Port], value: &[], ranges: false };
pub const fn container(family: Family) -> Set {
    let value: &[Field] = match family {
        Family::V4 => &[Field::Address4, Field::Port],
        Family::V6 => &[Field::Address6, Field::Port],
    };
    Set { name: "container", value, ..PORTS }
}

/// The same for one address of the host.
pub const fn ports_at(family: Family) -> Set {
    let key: &[Field] = match family {
        Family::V4 => &[Field::Address4, Field::Protocol, Field::Port],
        Family::V6 => &[Field::Address6, Field::Protocol, Field::Port],
    };
    Set { name: "ports_at", key, value: &[], ranges: false }
}
pub const fn container_at(family: Family) -> Set {
    Set { name: "container_at", value: container(family).value, ..ports_at(family) }
}

/// Every set, in both parts.
pub fn sets(family: Family) -> [Set; 8] {
    [BRIDGES, INSIDE, INTERNAL, subnets(family), PORTS, ports_at(family), container(family), container_at(family)]
}

const A: Register = Register(0);
const B: Register = Register(4);

pub fn ground(family: Family) -> Part {
    let coming_in = || Expressions::new().load(Meta::InName, A);
    let going_out = || Expressions::new().load(Meta::OutName, A);
    let forward = vec![
        ("within one network", coming_in().load(Meta::OutName, B).among(INSIDE.name, A).verdict(Verdict::Return)),
        (
            "networks do not see each other",
            coming_in().among(BRIDGES.name, A).load(Meta::OutName, A).among(BRIDGES.name, A).verdict(Verdict::Drop),
        ),
        ("an internal network reaches nobody", coming_in().among(INTERNAL.name, A).verdict(Verdict::Drop)),
        ("nobody reaches an internal network", going_out().among(INTERNAL.name, A).verdict(Verdict::Drop)),
        (
            "from outside only to published ports",
            going_out()
                .among(BRIDGES.name, A)
                .load_of_connection(Connection::State, A)
                .has(A, STATE_NEW)
                .load_of_connection(Connection::Status, A)
                .has_not(A, STATUS_REDIRECTED)
                .verdict(Verdict::Drop),
        ),
    ];
    let post = vec![
        ("the host to itself", Expressions::new().load(Meta::OutInterface, A).is(A, &LOOPBACK).verdict(Verdict::Return)),
        ("to a container", going_out().among(BRIDGES.name, A).verdict(Verdict::Return)),
        ("containers leave under the address of the host", load_source(family).among("subnets", A).masquerade()),
    ];
    let hook = |kind, place, priority| Some(Hook { kind, place, priority });
    Part {
        sets: vec![BRIDGES, INSIDE, INTERNAL, subnets(family)],
        chains: vec![
            Chain { name: "forward", hook: hook("filter", FORWARD, 0), rules: forward },
            Chain { name: "post", hook: hook("nat", POSTROUTING, 100), rules: post },
        ],
    }
}

/// See `mod.rs` for the way of a first packet.
pub fn publishing(family: Family, door: &Door) -> Part {
    let round = |rule: Expressions| rule.bits(A, &MARK_BYTE.to_ne_bytes(), &[0; 4]).is(A, &MARK.to_ne_bytes());
    let mark = || round(Expressions::new().load(Meta::Mark, A));
    let to_container = |rule: Expressions, map: &str| {
        let to = Register(8);
        let port = Register(8 + length_of_address(family));
        rule.translate(map, A, to).put(&[0; 4], Register(0)).set(Meta::Mark, Register(0)).redirect(family, to, port)
    };
    let port = |rule: Expressions| load_port(rule, 0);
    let port_at = |rule: Expressions| {
        let (offset, length) = destination(family);
        load_port(rule.load_bytes(Base::Network, offset, length, A), length_of_address(family))
    };
    let pre = vec![
        ("a first packet that has gone round", to_container(port(mark()), "container")),
        ("and to one address of the host", to_container(port_at(mark()), "container_at")),
    ];

    let again = Expressions::new().load(Meta::InInterface, A).bits(A, &(!MARK_BYTE).to_ne_bytes(), &MARK.to_ne_bytes()).set(Meta::Mark, A);
    let again = again.put(&address(Door::neighbour(family)), A).put(&door.sending.to_ne_bytes(), B).copy_to(A, B);
    let again = vec![("a copy comes in again, to be forwarded", again.verdict(Verdict::Drop))];

    let state = Expressions::new().load_of_connection(Connection::State, A).has_not(A, STATE_NEW);
    let mut last = vec![
        ("it was decided with its first packet", state.verdict(Verdict::Return)),
        ("the host's own, by the porter", Expressions::new().load(Meta::InInterface, A).is(A, &LOOPBACK).verdict(Verdict::Return)),
        ("containers', by the porter", Expressions::new().load(Meta::InName, A).among(BRIDGES.name, A).verdict(Verdict::Return)),
        ("no packet goes round twice", mark().verdict(Verdict::Return)),
    ];
    if family == Family::V6 {
        // Addresses that mean something on one cable only are never forwarded.
        let near = Expressions::new().load_bytes(Base::Network, 8, 2, A).is(A, &[0xfe, 0x80]);
        last.push(("the next machine's, by the porter", near.verdict(Verdict::Return)));
    }
    let to_this_host = |rule: Expressions| rule.load_type_of_destination(A).is(A, &TYPE_LOCAL.to_ne_bytes());
    last.push(("a published port", to_this_host(port(Expressions::new()).among("ports", A)).verdict(Verdict::Goto("again"))));
    last.push(("on one address of the host", port_at(Expressions::new()).among("ports_at", A).verdict(Verdict::Goto("again"))));

    let hook = |kind, place, priority| Some(Hook { kind, place, priority });
    Part {
        sets: vec![PORTS, ports_at(family), container(family), container_at(family)],
        chains: vec![
            // Right after connections are known (-200), before anybody else who looks at marks.
            Chain { name: "pre", hook: hook("nat", PREROUTING, -199), rules: pre },
            Chain { name: "again", hook: None, rules: again },
            // After everybody: what the host's own rules drop does not come here.
            Chain { name: "last", hook: hook("filter", INPUT, 2_000_000_000), rules: last },
        ],
    }
}

/// Its interface is the first one everywhere.
const LOOPBACK: [u8; 4] = 1u32.to_ne_bytes();

/// In registers.
fn length_of_address(family: Family) -> u32 {
    destination(family).1 / 4
}

/// Where it stands in a header: offset and length.
fn destination(family: Family) -> (u32, u32) {
    match family {
        Family::V4 => (16, 4),
        Family::V6 => (24, 16),
    }
}

fn load_source(family: Family) -> Expressions {
    let (destination, length) = destination(family);
    Expressions::new().load_bytes(Base::Network, destination - length, length, A)
}

/// Protocol and port, which stands at the same place in all of ours, into two registers from this one on.
fn load_port(rule: Expressions, first: u32) -> Expressions {
    rule.load(Meta::Protocol, Register(first)).load_bytes(Base::Transport, 2, 2, Register(first + 1))
}
