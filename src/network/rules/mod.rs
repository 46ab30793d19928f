//! What the kernel does with packets on our behalf: in tables of our own, and never against what the host has decided.

use crate::error::Result;
use crate::network::Network;
use crate::options::ports::Protocol;
use crate::paths::Paths;
use std::net::{IpAddr, SocketAddr};

pub struct Redirect {
    pub address: IpAddr,
    pub protocol: Protocol,
    pub host: u16,
    pub to: SocketAddr,
}

pub fn admit(_paths: &Paths, _network: &Network) -> Result<()> {
    Ok(())
}
pub fn publish(_paths: &Paths, _redirects: &[Redirect]) -> Result<()> {
    Ok(())
}
pub fn withdraw(_paths: &Paths, _redirects: &[Redirect]) -> Result<()> {
    Ok(())
}
pub fn rebuild(_paths: &Paths, _networks: &[Network], _redirects: &[Redirect]) -> Result<()> {
    Ok(())
}
pub fn is_whole(_paths: &Paths, _networks: &[Network], _redirects: &[Redirect]) -> Result<bool> {
    Ok(true)
}
