//! Where our rules are, and how they are changed while others change them too.

use super::door::Door;
use super::{Redirect, elements, tables};
use crate::error::{Error, Kind, Result};
use crate::network::{Network, naming};
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::netlink::Netlink;
use crate::sys::netlink::message::Message;
use crate::sys::netlink::nftables::objects::Table;
use crate::sys::netlink::nftables::sets::{Element, Set};
use crate::sys::netlink::nftables::{Batch, Family, Refused};

/// Of our tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Ground,
    Publishing,
}

/// An element and where it belongs.
#[derive(Clone, Debug)]
pub struct Owned {
    pub table: Table,
    pub set: Set,
    pub element: Element,
}

impl Owned {
    pub fn add(&self) -> Message {
        self.table.add(&self.set, &self.element)
    }
}

pub struct Place {
    pub netlink: Netlink,
    pub door: Door,
    name: String,
    /// Which this kernel has.
    families: Vec<Family>,
}

impl Place {
    pub fn open(paths: &Paths) -> Result<Place> {
        let netlink = Netlink::open_netfilter().map_err(|errno| refusal(errno, "cannot reach the kernel's rules"))?;
        let has_v6 = std::path::Path::new("/proc/sys/net/ipv6").exists();
        let families = if has_v6 { Family::BOTH.to_vec() } else { vec![Family::V4] };
        Ok(Place { netlink, name: naming::table(paths), families, door: Door::of(paths) })
    }

    fn table(&self, family: Family) -> Table {
        Table { family, name: self.name.clone() }
    }
    pub fn tables(&self) -> impl Iterator<Item = Table> {
        self.families.iter().map(|family| self.table(*family))
    }

    pub fn of_networks(&self, networks: &[Network]) -> Vec<Owned> {
        let all = networks.iter().flat_map(|network| self.families.iter().map(move |family| (network, *family)));
        all.flat_map(|(network, family)| self.owned(family, elements::of_network(network, family))).collect()
    }
    pub fn of_redirects(&self, redirects: &[Redirect]) -> Vec<Owned> {
        let known = redirects.iter().filter_map(|redirect| Some((redirect, redirect.family()?)));
        let known = known.filter(|(_, family)| self.families.contains(family));
        known.flat_map(|(redirect, family)| self.owned(family, elements::of_redirect(redirect, family))).collect()
    }
    fn owned(&self, family: Family, elements: Vec<(Set, Element)>) -> Vec<Owned> {
        elements.into_iter().map(|(set, element)| Owned { table: self.table(family), set, element }).collect()
    }

    pub fn messages_of(&self, table: &Table, part: Part) -> Vec<Message> {
        match part {
            Part::Ground => [vec![table.make()], tables::ground(table.family).messages(table)].concat(),
            Part::Publishing => tables::publishing(table.family, &self.door).messages(table),
        }
    }

    /// All of it is tried, with something impossible at the end: so nothing of it happens, whatever the kernel thinks of the rest.
    pub fn can_publish(&self) -> bool {
        let mut batch = Batch::default();
        let try_out = |family| Table { family, name: format!("{}-try", self.name) };
        for family in &self.families {
            for part in [Part::Ground, Part::Publishing] {
                batch.extend(self.messages_of(&try_out(*family), part));
            }
        }
        batch.push(Table { family: Family::V4, name: format!("{}-nowhere", self.name) }.remove());
        let last = batch.len() - 1;
        self.commit(&batch).is_err_and(|refused| refused.0.iter().all(|(number, _)| *number == last))
    }

    pub fn commit(&self, batch: &Batch) -> Result<(), Refused> {
        self.netlink.commit(batch)
    }

    /// The elements, and with them what is missing of these parts: nothing in the usual case, else the first, else all.
    pub fn add(&self, elements: &[Owned], parts: &[Part]) -> Result<(), Refused> {
        let mut batch = Batch::default();
        batch.extend(elements.iter().map(Owned::add));
        match self.commit(&batch) {
            Err(refused) if refused.only(Errno::ENOENT) => {}
            other => return other,
        }
        for table in self.tables() {
            let own: Vec<Message> = elements.iter().filter(|owned| owned.table == table).map(Owned::add).collect();
            if !own.is_empty() {
                self.add_with_parts(&table, &own, parts)?;
            }
        }
        Ok(())
    }

    fn add_with_parts(&self, table: &Table, elements: &[Message], parts: &[Part]) -> Result<(), Refused> {
        // Others do the same now: who is second finds that something is there already, and needs less.
        let mut last = Ok(());
        for attempt in 0..12 {
            let count = attempt % (parts.len() + 1);
            let mut batch = Batch::default();
            for part in parts[..count].iter().rev() {
                batch.extend(self.messages_of(table, *part));
            }
            batch.extend(elements.iter().cloned());
            last = self.commit(&batch);
            let Err(refused) = &last else { break };
            let something_is_missing = refused.0.iter().any(|(_, errno)| *errno == Errno::ENOENT);
            let something_is_there = refused.0.iter().any(|(_, errno)| *errno == Errno::EEXIST);
            // With everything that we can make something is still missing: the kernel has it not.
            let is_hopeless = something_is_missing && !something_is_there && count == parts.len();
            if is_hopeless || !(something_is_missing || something_is_there) {
                break;
            }
        }
        last
    }

    /// Without those that are gone.
    pub fn delete(&self, elements: &[Owned]) -> Result<(), Refused> {
        let mut batch = Batch::default();
        batch.extend(elements.iter().map(|owned| owned.table.delete(&owned.set, &owned.element)));
        self.delete_those(batch)
    }

    fn delete_those(&self, mut batch: Batch) -> Result<(), Refused> {
        while !batch.is_empty() {
            match self.commit(&batch) {
                Err(refused) if refused.only(Errno::ENOENT) => {
                    let gone: Vec<usize> = refused.0.iter().map(|(number, _)| *number).collect();
                    batch = batch.without(&gone);
                }
                other => return other,
            }
        }
        Ok(())
    }

    /// Only what still has this value. Who takes a port over may do it at any moment, so it is looked and deleted in one generation
    /// of the rules.
    pub fn delete_if_unchanged(&self, elements: &[Owned]) -> Result<(), Refused> {
        // Where others change something all the time it is done without: they would have to take over this very port now.
        const TRIES: usize = 20;
        for attempt in 0..=TRIES {
            let generation = self.netlink.generation()?;
            let mut taken: Vec<&[u8]> = Vec::new();
            for owned in elements.iter().filter(|owned| !owned.set.value.is_empty()) {
                let found = self.netlink.element(&owned.table, &owned.set, &owned.element.key)?;
                if found.is_some_and(|found| found.value != owned.element.value) {
                    taken.push(&owned.element.key);
                }
            }
            let mut batch = Batch::default();
            let ours = elements.iter().filter(|owned| !taken.contains(&owned.element.key.as_slice()));
            batch.extend(ours.map(|owned| owned.table.delete(&owned.set, &owned.element)));
            if attempt < TRIES {
                batch = batch.at_generation(generation);
            }
            match self.delete_those(batch) {
                Err(refused) if refused.only(Errno::ERESTART) => {}
                other => return other,
            }
        }
        Ok(())
    }

    /// The table of IPv6 does no harm where that is switched off; but a new interface has no ways of it there.
    pub fn open_door(&self) -> Result<()> {
        let is_off = std::fs::read_to_string("/proc/sys/net/ipv6/conf/default/disable_ipv6").is_ok_and(|text| text.trim() == "1");
        let families = self.families.iter().copied().filter(|family| !is_off || *family == Family::V4);
        self.door.make(&families.collect::<Vec<_>>())
    }

    /// Whoever publishes adds his elements first, and sees to the door then. So who finds no element and takes the door away looks
    /// again afterwards: an element that is there now may belong to one who still saw the old door.
    pub fn close_door_if_unused(&self) -> Result<()> {
        while self.door.is_there() && !self.is_used()? {
            self.door.remove()?;
            if !self.is_used()? {
                break;
            }
            self.open_door()?;
        }
        Ok(())
    }

    /// Some port is published.
    fn is_used(&self) -> Result<bool> {
        for table in self.tables() {
            for set in [tables::PORTS, tables::ports_at(table.family)] {
                match self.netlink.elements(&table, set.name) {
                    Ok(elements) if elements.is_empty() => {}
                    Err(Errno::ENOENT) => {}
                    Ok(_) => return Ok(true),
                    Err(errno) => return Err(Error::from_errno("cannot read the rules of published ports", errno)),
                }
            }
        }
        Ok(false)
    }
}

pub fn refusal(errno: Errno, what: impl Into<String>) -> Error {
    let error = Error::from_errno(what, errno);
    match errno {
        // A kind of chain or expression that the kernel has not is told like a file that is not there.
        Errno::ENOENT | Errno::EOPNOTSUPP | Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT => {
            let modules = "modprobe -a nf_tables nft_chain_nat nft_masq nft_nat nft_ct nft_fib_ipv4 nft_fib_ipv6 nft_dup_ipv4 nft_dup_ipv6, or run with --network host or none";
            error.of_kind(Kind::CannotKeep).because("this kernel lacks a part of nf_tables").hint(modules)
        }
        Errno::EPERM => error.hint("only root may change rules"),
        _ => error.hint("tare system check"),
    }
}
