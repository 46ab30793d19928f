//! What this machine has, before a container is promised some of it: processors, and nodes of memory.

use crate::error::{Error, Result};
use crate::options::Limits;
use crate::spec::number_list::NumberList;

pub fn check(limits: &Limits) -> Result<()> {
    if let Some(wish) = limits.nano_cpus {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        if wish > processors as u64 * 1_000_000_000 {
            return Err(Error::cannot_keep("cannot give so many processors (--cpus)").because(format!("this machine has {processors}")));
        }
    }
    check_set("--cpuset-cpus", "processor", limits.cpuset_cpus.as_deref(), "/sys/devices/system/cpu/online")?;
    check_set("--cpuset-mems", "node of memory", limits.cpuset_mems.as_deref(), "/sys/devices/system/node/online")
}

fn check_set(flag: &str, one: &str, wish: Option<&str>, online: &str) -> Result<()> {
    let Some(wish) = wish else { return Ok(()) };
    // A kernel that tells no nodes apart has one, number 0.
    let online = std::fs::read_to_string(online).unwrap_or_else(|_| "0".to_owned());
    let (Some(wish), Some(online)) = (NumberList::parse(wish), NumberList::parse(online.trim())) else { return Ok(()) };
    match wish.first_missing_in(&online) {
        None => Ok(()),
        Some(missing) => Err(Error::cannot_keep(format!("cannot keep {flag} {wish}"))
            .because(format!("there is no {one} {missing}"))
            .hint(format!("this machine has {online}"))),
    }
}
