//! What is there: the chains of everybody, the rules and elements of ours.

use super::objects::{TABLE, Table};
use super::sets::{DATA, ELEMENT_FLAGS, ELEMENT_SET, ELEMENTS, Element, GET_ELEMENT, KEY, Set, VALUE};
use super::{HEAD, message};
use crate::sys::Errno;
use crate::sys::netlink::Netlink;
use crate::sys::netlink::message::{Answer, Attributes};

const GET_CHAIN: u16 = 4;
const GET_RULE: u16 = 7;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// NFPROTO_…: 1 is inet, both kinds in one.
    pub family: u8,
    pub table: String,
    pub name: String,
    /// Its place and priority, where it is hung at a hook.
    pub hook: Option<(u32, i32)>,
    /// What no rule decides about is thrown away.
    pub drops: bool,
}

/// One of ours, known again by what is told of it and by the names of its expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub chain: String,
    pub why: String,
    pub expressions: Vec<String>,
}

impl Netlink {
    /// Of every table of this network namespace.
    pub fn chains(&self) -> Result<Vec<Chain>, Errno> {
        const ANY_FAMILY: u8 = 0;
        Ok(self.ask(message(GET_CHAIN, 0, ANY_FAMILY))?.iter().filter_map(read_chain).collect())
    }

    /// In their order. No table has no rules.
    pub fn rules(&self, table: &Table) -> Result<Vec<Rule>, Errno> {
        let answers = self.ask(message(GET_RULE, 0, table.family as u8).text(TABLE, &table.name))?;
        Ok(answers.iter().filter_map(|answer| read_rule(answer, table)).collect())
    }

    /// Some rule of this table compares something with what begins so: the name of an interface.
    pub fn speaks_of(&self, family: u8, table: &str, name: &str) -> Result<bool, Errno> {
        let answers = self.ask(message(GET_RULE, 0, family).text(TABLE, table))?;
        // As the value of a comparison: the kind of the attribute stands before it.
        let value = [&(VALUE).to_ne_bytes()[..], name.as_bytes()].concat();
        let says = |bytes: &[u8]| bytes.windows(value.len()).any(|part| part == value);
        Ok(answers.iter().any(|answer| {
            let attributes = answer.attributes(HEAD);
            attributes.text(TABLE) == Some(table) && attributes.value(4).is_some_and(says)
        }))
    }

    /// The one with this key, which may not be there.
    pub fn element(&self, table: &Table, set: &Set, key: &[u8]) -> Result<Option<Element>, Errno> {
        match self.ask_one(table.question(set, key)) {
            Ok(answer) => Ok(read_elements(&answer).into_iter().next().map(|(element, _)| element)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Of a set without ranges, or of one with them: then each has its end.
    pub fn elements(&self, table: &Table, set: &str) -> Result<Vec<Element>, Errno> {
        let answers = self.ask(table.message(GET_ELEMENT, 0).text(ELEMENT_SET, set))?;
        let mut found: Vec<(Element, bool)> = answers.iter().flat_map(read_elements).collect();
        // Ends come as elements of their own, and not always in order; an end stands before a beginning at the same address.
        found.sort_by(|(a, a_ends), (b, b_ends)| (&a.key, !a_ends).cmp(&(&b.key, !b_ends)));
        let mut elements: Vec<Element> = Vec::new();
        for (element, ends) in found {
            match (ends, elements.last_mut()) {
                (false, _) => elements.push(element),
                (true, Some(last)) if last.end.is_none() => last.end = Some(element.key),
                // Behind the last address before the first range.
                (true, _) => {}
            }
        }
        Ok(elements)
    }
}

fn read_chain(answer: &Answer) -> Option<Chain> {
    let attributes = answer.attributes(HEAD);
    let hook = attributes.value(4).map(Attributes);
    Some(Chain {
        family: *answer.body.first()?,
        table: attributes.text(TABLE)?.to_owned(),
        name: attributes.text(3)?.to_owned(),
        hook: hook.and_then(|hook| Some((hook.number_of_nftables(1)?, hook.number_of_nftables(2)? as i32))),
        drops: hook.is_some() && attributes.number_of_nftables(5) == Some(0),
    })
}

fn read_rule(answer: &Answer, table: &Table) -> Option<Rule> {
    let attributes = answer.attributes(HEAD);
    if attributes.text(TABLE)? != table.name {
        return None;
    }
    let why = match attributes.value(7) {
        Some([0, _, text @ ..]) => text.split(|byte| *byte == 0).next().unwrap_or_default(),
        _ => &[],
    };
    let expressions = Attributes(attributes.value(4).unwrap_or_default());
    Some(Rule {
        chain: attributes.text(2)?.to_owned(),
        why: String::from_utf8_lossy(why).into_owned(),
        expressions: expressions.filter_map(|(_, one)| Some(Attributes(one).text(1)?.to_owned())).collect(),
    })
}

/// With whether it is the end of a range.
fn read_elements(answer: &Answer) -> Vec<(Element, bool)> {
    let list = Attributes(answer.attributes(HEAD).value(ELEMENTS).unwrap_or_default());
    let bytes = |one: Attributes, kind| Some(Attributes(one.value(kind)?).value(VALUE)?.to_vec());
    let read = |(_, one)| {
        let one = Attributes(one);
        let ends = one.number_of_nftables(ELEMENT_FLAGS).is_some_and(|flags| flags & 1 != 0);
        Some((Element { key: bytes(one, KEY)?, value: bytes(one, DATA).unwrap_or_default(), end: None }, ends))
    };
    list.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::netlink::message::split;
    use crate::sys::netlink::nftables::Family;
    use crate::sys::netlink::nftables::sets::Field;

    #[test]
    fn elements_are_read_as_they_are_written_and_what_is_cut_short_is_none() {
        let table = Table { family: Family::V4, name: "t".into() };
        let set = Set { name: "s", key: &[Field::Port], value: &[Field::Port], ranges: false };
        let element = Element::key(vec![0, 80, 0, 0]).with_value(vec![31, 144, 0, 0]);
        let bytes = table.add(&set, &element).finish(1);
        let (_, answer, _) = split(&bytes).unwrap();
        assert_eq!(read_elements(&answer), [(element, false)]);
        for length in 0..answer.body.len() {
            let cut = Answer { kind: 0, body: answer.body[..length].to_vec() };
            let _ = (read_elements(&cut), read_chain(&cut), read_rule(&cut, &table));
        }
    }
}
