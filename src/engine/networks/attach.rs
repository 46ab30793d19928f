//! Containers come into networks and leave them after they were made, whether they run or rest: `rewire.rs` does it, and here is
//! looked whether it makes sense.

use crate::engine::networks::settle::{place, still_there};
use crate::engine::{find, networks, rewire};
use crate::error::{Error, Kind, Result};
use crate::network;
use crate::options::Network as Wish;
use crate::options::networks::Attachment;
use crate::paths::Paths;
use crate::record::Seen;
use crate::store;

/// `wish` names the network.
pub fn connect(paths: &Paths, wanted: &str, mut wish: Attachment) -> Result<()> {
    let found = find::container(paths, wanted)?;
    let network = networks::find_to_join(paths, &wish.network, network::default)?;
    let what = || format!("cannot connect container {} to network {}", found.record.name, network.name);
    place(&network, &mut wish).map_err(|error| error.context(what()))?;
    // Of two who change it at once, one comes after the other, and adds to what the first has made of it.
    let _one_at_a_time = store::lock_dir(&found.files(paths).disk)?;
    let seen = now(paths, &found)?;
    if seen.record.wishes.network == Wish::None {
        return Err(Error::conflict(what()).because("it was made without a network").hint("make it with one: tare run --network NETWORK"));
    }
    rewire::connect(paths, &seen, &network, &wish)?;
    // Its record names the network by now: whoever removes networks sees that, or was there before.
    if let Err(error) = still_there(paths, &now(paths, &seen)?.record.wishes) {
        let _ = rewire::disconnect(paths, &now(paths, &seen)?, &network.name);
        return Err(error.context(what()));
    }
    networks::tell(paths, "connect", &network, Some(&seen.record.id));
    Ok(())
}

/// `force`: one that is not in it is as good as disconnected.
pub fn disconnect(paths: &Paths, wanted: &str, network: &str, force: bool) -> Result<()> {
    let found = find::container(paths, wanted)?;
    let network = networks::find(paths, network)?;
    let _one_at_a_time = store::lock_dir(&found.files(paths).disk)?;
    let seen = now(paths, &found)?;
    match rewire::disconnect(paths, &seen, &network.name) {
        Err(error) if force && error.kind() == Kind::NoSuch => return Ok(()),
        other => other?,
    }
    networks::tell(paths, "disconnect", &network, Some(&seen.record.id));
    Ok(())
}

fn now(paths: &Paths, found: &Seen) -> Result<Seen> {
    Ok(find::by_id(paths, &found.record.id)?.unwrap_or_else(|| found.clone()))
}
