//! Whether this host passes packets on at all: without that a container reaches nobody but its neighbours.

use crate::error::{Error, Result};
use crate::network::Network;
use crate::sys::file;
use std::path::Path;

const V4: &str = "/proc/sys/net/ipv4/ip_forward";
const V6: &str = "/proc/sys/net/ipv6/conf/all/forwarding";

pub fn switch_on(network: &Network) -> Result<()> {
    if network.internal {
        return Ok(());
    }
    if network.v4.is_some() && !is_on(V4) {
        write(V4, "1")?;
    }
    if network.v6.is_some() && !is_on(V6) {
        keep_listening_to_routers();
        write(V6, "1")?;
    }
    Ok(())
}

/// A host that forwards is taken for a router, and routers do not listen to other routers unless told so: the host would lose its
/// own way out.
fn keep_listening_to_routers() {
    for entry in std::fs::read_dir("/proc/sys/net/ipv6/conf").into_iter().flatten().flatten() {
        let setting = entry.path().join("accept_ra");
        if std::fs::read_to_string(&setting).is_ok_and(|text| text.trim() == "1") {
            let _ = file::write_kernel_file(&setting, "2");
        }
    }
}

fn is_on(setting: &str) -> bool {
    std::fs::read_to_string(setting).is_ok_and(|text| text.trim() != "0")
}

fn write(setting: &str, value: &str) -> Result<()> {
    file::write_kernel_file(Path::new(setting), value).map_err(|errno| {
        Error::from_errno(format!("cannot let this host pass packets on ({setting})"), errno)
            .hint("switch it on yourself, or run with --network none or host")
    })
}
