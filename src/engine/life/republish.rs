//! A container's published ports change, also while it runs. What is done is written down with it, for its next start.

use crate::engine::{amend, doors, join, kill, retell};
use crate::error::{Context, Error, Result};
use crate::network::{rules, switchboard};
use crate::options::Network as Wish;
use crate::options::ports::PortWish;
use crate::paths::Paths;
use crate::record::network::{Change, Joined, Published};
use crate::record::{Amended, Live, Seen};
use std::os::fd::AsFd;

/// Published from now on.
pub fn publish(paths: &Paths, seen: &Seen, wishes: &[PortWish]) -> Result<()> {
    let what = || format!("cannot publish ports of container {}", seen.record.name);
    if !matches!(seen.record.wishes.network, Wish::Networks(_)) {
        return Err(Error::conflict(what()).because("it is in no network of its own").hint("make it with one: tare run --network NETWORK"));
    }
    let open = |live: Option<&Live>| live.map_or(Ok(()), |live| open_doors(paths, seen, live, wishes)).map(|()| amend::nothing());
    let change = |amended: &mut Amended| amended.networks.extend(wishes.iter().cloned().map(Change::Published));
    amend::amend_with(paths, seen, &open, &change).map_err(|error| error.context(what()))
}

fn open_doors(paths: &Paths, seen: &Seen, live: &Live, wishes: &[PortWish]) -> Result<()> {
    are_not_fixed(seen)?;
    let files = seen.files(paths);
    let init = kill::first_process(live).context("it has just ended")?;
    let mut joined = join::written(&files).unwrap_or_default();
    let open = doors::open(paths, wishes, &joined)?;
    joined.ports.extend(&open.published);
    join::write_down(&files, &joined)?;
    doors::lead_in(paths, &files, &mut joined, &open.published)?;
    retell::open_doors(seen, &files, init.as_fd(), open)
}

/// As long as it runs pasta has the ports that it began with. Nobody else can lead in without hiding who calls.
fn are_not_fixed(seen: &Seen) -> Result<()> {
    match switchboard::is_needed() {
        false => Ok(()),
        true => {
            let name = &seen.record.name;
            let error = Error::cannot_keep("the ports of an ordinary user's container are fixed while it runs");
            Err(error.hint(format!("stop it first, then start it again: tare stop {name}")))
        }
    }
}

/// Published no more. Connections that have come through stay.
pub fn withdraw(paths: &Paths, seen: &Seen, wishes: &[PortWish]) -> Result<()> {
    let what = || format!("cannot withdraw ports of container {}", seen.record.name);
    let is_published =
        |wish: &PortWish| seen.record.wishes.ports.iter().any(|port| wish.means(port.address, port.host, port.container, port.protocol));
    if let Some(wish) = wishes.iter().find(|wish| !is_published(wish)) {
        return Err(Error::no_such(what()).because(format!("port {}/{} is not published so", wish.container, wish.protocol)));
    }
    let close = |live: Option<&Live>| live.map_or(Ok(()), |_| close_doors(paths, seen, wishes)).map(|()| amend::nothing());
    let change = |amended: &mut Amended| amended.networks.extend(wishes.iter().cloned().map(Change::Withdrawn));
    amend::amend_with(paths, seen, &close, &change).map_err(|error| error.context(what()))
}

/// Its ports lead to its first network, and that is another one now.
pub fn lead_elsewhere(paths: &Paths, seen: &Seen, live: &Live, before: &Joined, now: &Joined) -> Result<()> {
    if now.ports.is_empty() || before.addresses() == now.addresses() {
        return Ok(());
    }
    let files = seen.files(paths);
    let init = kill::first_process(live).context("it has just ended")?;
    rules::withdraw(paths, &join::redirects(before))?;
    retell::close_doors(&files, &now.ports)?;
    let open = doors::open(paths, &doors::wishes_of(&now.ports), now)?;
    doors::lead_in(paths, &files, &mut now.clone(), &open.published)?;
    retell::open_doors(seen, &files, init.as_fd(), open)
}

fn close_doors(paths: &Paths, seen: &Seen, wishes: &[PortWish]) -> Result<()> {
    are_not_fixed(seen)?;
    let files = seen.files(paths);
    let Some(mut joined) = join::written(&files) else { return Ok(()) };
    let means = |one: &Published| wishes.iter().any(|wish| wish.means(Some(one.address), Some(one.host), one.container, one.protocol));
    let (closed, rest): (Vec<_>, Vec<_>) = joined.ports.iter().partition(|one| means(one));
    rules::withdraw(paths, &join::redirects(&Joined { ports: closed.clone(), ..joined.clone() }))?;
    joined.ports = rest;
    join::write_down(&files, &joined)?;
    retell::close_doors(&files, &closed)
}
