//! One device file of a container.

use crate::error::{Error, Result};
use crate::runtime::impossible;
use crate::sys::inside::Node;
use std::path::Path;

pub struct Device<'a> {
    pub path: &'a Path,
    pub node: Node,
    pub mode: u32,
    pub owner: (u32, u32),
}

impl<'a> Device<'a> {
    pub(super) fn new(device: &'a oci_spec::runtime::LinuxDevice) -> Result<Device<'a>> {
        use oci_spec::runtime::LinuxDeviceType;
        let numbers = || impossible::device_numbers(&device.path().display().to_string(), device.major(), device.minor());
        let node = match device.typ() {
            LinuxDeviceType::C | LinuxDeviceType::U => numbers().map(|(major, minor)| Node::Character(major, minor))?,
            LinuxDeviceType::B => numbers().map(|(major, minor)| Node::Block(major, minor))?,
            LinuxDeviceType::P => Node::Fifo,
            other => return Err(Error::cannot_keep(format!("device {} of type {other:?}", device.path().display()))),
        };
        Ok(Device {
            path: device.path(),
            node,
            mode: device.file_mode().unwrap_or(0o666),
            owner: (device.uid().unwrap_or(0), device.gid().unwrap_or(0)),
        })
    }
}
