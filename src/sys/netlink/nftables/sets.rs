//! Sets and maps: what rules look into. An element is a row of fields, each filled up to a multiple of four bytes.

use super::objects::Table;
use crate::sys::netlink::message::{CREATE, EXCLUSIVE, Message};
use std::net::IpAddr;

const NEW_SET: u16 = 9;
const NEW_ELEMENT: u16 = 12;
pub(super) const GET_ELEMENT: u16 = 13;
const DELETE_ELEMENT: u16 = 14;

pub(super) const ELEMENT_SET: u16 = 2;
pub(super) const ELEMENTS: u16 = 3;
pub(super) const KEY: u16 = 1;
pub(super) const DATA: u16 = 2;
pub(super) const ELEMENT_FLAGS: u16 = 3;
pub(super) const VALUE: u16 = 1;
const RANGE_END: u32 = 1;

/// What a field of a key or of a value is. The numbers are those by which nft shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Address4 = 7,
    Address6 = 8,
    Protocol = 12,
    Port = 13,
    Interface = 41,
}

impl Field {
    fn length(self) -> usize {
        match self {
            Field::Interface | Field::Address6 => 16,
            Field::Address4 | Field::Protocol | Field::Port => 4,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Set {
    pub name: &'static str,
    pub key: &'static [Field],
    /// Of a map: what a key leads to.
    pub value: &'static [Field],
    /// Its elements are ranges.
    pub ranges: bool,
}

impl Table {
    /// `number` names it in this batch. It must not be there yet.
    pub fn set(&self, set: &Set, number: u32) -> Message {
        const NAME: u16 = 2;
        const FLAGS: u16 = 3;
        const KEY_KIND: u16 = 4;
        const KEY_LENGTH: u16 = 5;
        const VALUE_KIND: u16 = 6;
        const VALUE_LENGTH: u16 = 7;
        const NUMBER: u16 = 10;
        const USER_DATA: u16 = 13;
        const RANGES: u32 = 4;
        const MAP: u32 = 8;
        let flags = if set.ranges { RANGES } else { 0 } | if set.value.is_empty() { 0 } else { MAP };
        let message = self.message(NEW_SET, CREATE | EXCLUSIVE).text(NAME, set.name).number_of_nftables(FLAGS, flags);
        let message = message.number_of_nftables(KEY_KIND, kind(set.key)).number_of_nftables(KEY_LENGTH, length(set.key));
        let message = match set.value {
            [] => message,
            value => message.number_of_nftables(VALUE_KIND, kind(value)).number_of_nftables(VALUE_LENGTH, length(value)),
        };
        message.number_of_nftables(NUMBER, number).bytes(USER_DATA, &order(set.key))
    }

    /// What is there already, with the same value, is fine.
    pub fn add(&self, set: &Set, element: &Element) -> Message {
        self.element(NEW_ELEMENT, CREATE, set, element)
    }
    pub fn delete(&self, set: &Set, element: &Element) -> Message {
        self.element(DELETE_ELEMENT, 0, set, element)
    }

    pub(super) fn question(&self, set: &Set, key: &[u8]) -> Message {
        self.element(GET_ELEMENT, 0, set, &Element::key(key.to_vec()))
    }

    fn element(&self, kind: u16, flags: u16, set: &Set, element: &Element) -> Message {
        self.message(kind, flags).text(ELEMENT_SET, set.name).nest(ELEMENTS, |list| {
            let list = list.nest(1, |one| {
                let one = one.nest(KEY, |key| key.bytes(VALUE, &element.key));
                if element.value.is_empty() { one } else { one.nest(DATA, |data| data.bytes(VALUE, &element.value)) }
            });
            match &element.end {
                None => list,
                Some(end) => list.nest(1, |one| one.nest(KEY, |key| key.bytes(VALUE, end)).number_of_nftables(ELEMENT_FLAGS, RANGE_END)),
            }
        })
    }
}

/// Six bits for each field.
fn kind(fields: &[Field]) -> u32 {
    fields.iter().fold(0, |kind, field| kind << 6 | *field as u32)
}

fn length(fields: &[Field]) -> u32 {
    fields.iter().map(|field| field.length() as u32).sum()
}

/// For nft, which does not show ranges without it: which byte of a key comes first.
fn order(key: &[Field]) -> Vec<u8> {
    let order: u32 = match key {
        [Field::Interface] => 1,
        [_] => 2,
        _ => 0,
    };
    [&[0, 4], &order.to_ne_bytes()[..]].concat()
}

/// One that is put into a set, or was found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    /// Of a range: the first key behind it.
    pub end: Option<Vec<u8>>,
}

impl Element {
    pub fn key(key: Vec<u8>) -> Element {
        Element { key, ..Element::default() }
    }
    pub fn with_value(self, value: Vec<u8>) -> Element {
        Element { value, ..self }
    }
    /// From `first` to `last`.
    pub fn range(first: IpAddr, last: IpAddr) -> Element {
        let mut end = address(last);
        // One more. Behind the very last address there is none, and the range has no end.
        let carried = end.iter_mut().rev().all(|byte| {
            *byte = byte.wrapping_add(1);
            *byte == 0
        });
        Element { key: address(first), value: Vec::new(), end: (!carried).then_some(end) }
    }
}

pub fn address(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

pub fn port(port: u16) -> Vec<u8> {
    [&port.to_be_bytes()[..], &[0, 0]].concat()
}

/// IPPROTO_…
pub fn protocol(number: u8) -> Vec<u8> {
    vec![number, 0, 0, 0]
}

pub fn interface(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_behind_its_last_address() {
        let range = |first: &str, last: &str| Element::range(first.parse().unwrap(), last.parse().unwrap());
        assert_eq!(range("10.0.0.0", "10.0.255.255").end, Some(vec![10, 1, 0, 0]));
        assert_eq!(range("240.0.0.0", "255.255.255.255").end, None);
        assert_eq!(range("fd00::", "fd00::ffff").end.unwrap()[12..], [0, 1, 0, 0]);
    }

    /// The numbers are what nft wrote for the same declarations.
    #[test]
    fn kinds_are_those_of_nft() {
        assert_eq!((kind(&[Field::Protocol, Field::Port]), length(&[Field::Protocol, Field::Port])), (0x30d, 8));
        assert_eq!((kind(&[Field::Address4, Field::Port]), kind(&[Field::Interface, Field::Interface])), (0x1cd, 0xa69));
    }
}
