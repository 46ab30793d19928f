//! Whether our tables are what they should be: somebody may have flushed or edited them (`nft flush ruleset`, a firewall's reload).

use super::Redirect;
use super::place::{Owned, Part, Place};
use super::tables::{self, Chain};
use crate::error::{Context, Result};
use crate::network::{Network, switchboard};
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::netlink::nftables::looking::{Chain as Seen, Rule};
use crate::sys::netlink::nftables::objects::Table;
use crate::sys::netlink::nftables::sets::Element;

/// Nothing is missing, and nothing too much. Where no network needs rules there need not be any.
pub fn is_whole(paths: &Paths, networks: &[Network], redirects: &[Redirect]) -> Result<bool> {
    if switchboard::is_needed() {
        return Ok(true);
    }
    let place = Place::open(paths)?;
    if is_as_it_should_be(&place, networks, redirects)? {
        return Ok(true);
    }
    // Where the kernel lacks something the porter serves all ports alone.
    Ok(!redirects.is_empty() && !place.can_publish() && is_as_it_should_be(&place, networks, &[])?)
}

fn is_as_it_should_be(place: &Place, networks: &[Network], redirects: &[Redirect]) -> Result<bool> {
    let failed = "cannot read our rules";
    let seen = place.netlink.chains().context(failed)?;
    let redirected = place.of_redirects(redirects);
    let wanted: Vec<Owned> = place.of_networks(networks).into_iter().chain(redirected.iter().cloned()).collect();
    for table in place.tables() {
        let has = |chain: &str| seen.iter().any(|seen| is_ours(seen, &table) && seen.name == chain);
        let mut parts = Vec::new();
        if !wanted.is_empty() || has("forward") {
            parts.push(Part::Ground);
        }
        if redirected.iter().any(|owned| owned.table == table) || has("last") {
            parts.push(Part::Publishing);
        }
        let chains: Vec<Chain> = parts.iter().flat_map(|part| place.chains_of(&table, *part)).collect();
        let rules = place.netlink.rules(&table).context(failed)?;
        if !are_the_same(&chains, &seen, &rules, &table) {
            return Ok(false);
        }
        for set in tables::sets(table.family) {
            let own = wanted.iter().filter(|owned| owned.table == table && owned.set.name == set.name);
            let mut elements: Vec<Element> = own.map(|owned| owned.element.clone()).collect();
            elements.sort();
            elements.dedup();
            let mut found = match place.netlink.elements(&table, set.name) {
                Err(Errno::ENOENT) => Vec::new(),
                found => found.context(failed)?,
            };
            found.sort();
            if found != elements {
                return Ok(false);
            }
        }
    }
    Ok(place.door.is_there() != redirected.is_empty())
}

impl Place {
    fn chains_of(&self, table: &Table, part: Part) -> Vec<Chain> {
        match part {
            Part::Ground => tables::ground(table.family).chains,
            Part::Publishing => tables::publishing(table.family, &self.door).chains,
        }
    }
}

fn is_ours(seen: &Seen, table: &Table) -> bool {
    seen.family == table.family as u8 && seen.table == table.name
}

fn are_the_same(chains: &[Chain], seen: &[Seen], rules: &[Rule], table: &Table) -> bool {
    let ours: Vec<&Seen> = seen.iter().filter(|seen| is_ours(seen, table)).collect();
    let hung = |chain: &Chain| chain.hook.map(|hook| (hook.place, hook.priority));
    ours.len() == chains.len()
        && chains.iter().all(|chain| {
            let is_there = ours.iter().any(|seen| seen.name == chain.name && seen.hook == hung(chain) && !seen.drops);
            let found = rules.iter().filter(|rule| rule.chain == chain.name).map(|rule| (rule.why.as_str(), rule.expressions.clone()));
            is_there && found.eq(chain.rules.iter().map(|(why, expressions)| (*why, expressions.names())))
        })
}
