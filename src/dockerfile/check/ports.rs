//! EXPOSE.

use super::{MOST, Rule, Seen};
use crate::dockerfile::instruction::Instruction;

pub const EXPOSE_PROTO_CASING: Rule = Rule {
    name: "ExposeProtoCasing",
    sentence: "protocols of EXPOSE are written in small letters",
    find: |seen| {
        let wrong = ports(seen).filter(|(_, port)| {
            let protocol = port.split_once('/').map_or("", |(_, protocol)| protocol);
            !protocol.contains('$') && protocol != protocol.to_lowercase()
        });
        wrong.take(MOST).map(|(item, port)| seen.hit(item, port, format!("write {} instead of {port}", port.to_lowercase()))).collect()
    },
};

pub const EXPOSE_INVALID_FORMAT: Rule = Rule {
    name: "ExposeInvalidFormat",
    sentence: "EXPOSE names ports of the container only: what they are on the host is said when it is run",
    find: |seen| {
        // Braces may hold a colon that is none of a port.
        let wrong = ports(seen).filter(|(_, port)| port.contains(':') && !port.contains('$'));
        wrong.take(MOST).map(|(item, port)| seen.hit(item, port, format!("of {port} only the last part counts"))).collect()
    },
};

fn ports<'a>(seen: &'a Seen) -> impl Iterator<Item = (usize, &'a str)> {
    seen.items.iter().enumerate().flat_map(|(item, have)| {
        let ports = match &have.line.instruction {
            Instruction::Expose(ports) => &ports[..],
            _ => &[],
        };
        ports.iter().map(move |port| (item, port.as_str()))
    })
}
