//! The use of disks: rates, and weights among the groups.

use super::limits::{Wanted, not_in_v2};
use crate::error::{Error, Result};
use oci_spec::runtime::LinuxBlockIo;
use std::collections::BTreeMap;

impl Wanted {
    pub(super) fn block_io(&mut self, block_io: &LinuxBlockIo) -> Result<()> {
        self.rates(block_io);
        self.weights(block_io)
    }

    /// One line for each device: the kernel takes all four rates of it at once.
    fn rates(&mut self, block_io: &LinuxBlockIo) {
        let mut devices: BTreeMap<(i64, i64), Vec<String>> = BTreeMap::new();
        for (key, throttled) in [
            ("rbps", block_io.throttle_read_bps_device()),
            ("wbps", block_io.throttle_write_bps_device()),
            ("riops", block_io.throttle_read_iops_device()),
            ("wiops", block_io.throttle_write_iops_device()),
        ] {
            for device in throttled.iter().flatten() {
                let rate = if device.rate() == 0 { "max".to_owned() } else { device.rate().to_string() };
                devices.entry((device.major(), device.minor())).or_default().push(format!("{key}={rate}"));
            }
        }
        for ((major, minor), rates) in devices {
            self.set("io.max", format!("{major}:{minor} {}", rates.join(" ")));
        }
    }

    fn weights(&mut self, block_io: &LinuxBlockIo) -> Result<()> {
        let devices = block_io.weight_device().as_deref().unwrap_or_default();
        if block_io.leaf_weight().into_iter().chain(devices.iter().filter_map(|device| device.leaf_weight())).any(|weight| weight != 0) {
            return Err(not_in_v2("blockIO.leafWeight"));
        }
        let of_devices = devices.iter().map(|device| (Some((device.major(), device.minor())), device.weight()));
        for (device, weight) in [(None, block_io.weight())].into_iter().chain(of_devices) {
            match weight {
                None | Some(0) => continue,
                Some(weight @ 10..=1000) => self.disk_weights.push((device, weight)),
                Some(other) => return Err(Error::usage(format!("blockIO: a weight of {other}")).because("weights go from 10 to 1000")),
            }
            self.need("io.weight");
        }
        Ok(())
    }
}

/// 10…1000 becomes 1…10000 on a straight line, as runc and crun have it.
pub fn io_weight(weight: u16) -> u64 {
    1 + u64::from(weight - 10) * 9999 / 990
}

#[cfg(test)]
mod tests {
    use super::super::limits::Present;
    use super::*;

    fn wanted(json: &str) -> Result<Wanted> {
        Wanted::from(&serde_json::from_str(json).unwrap(), &Present::default())
    }

    #[test]
    fn the_rates_of_a_device_stand_in_one_line() {
        let json = r#"{"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":100},{"major":7,"minor":1,"rate":5}],
            "throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":20}]}}"#;
        let files = wanted(json).unwrap().files;
        assert_eq!(files, [("io.max".into(), "7:1 rbps=5".into()), ("io.max".into(), "8:0 rbps=100 wiops=20".into())]);
    }

    #[test]
    fn docker_s_weights_at_the_disks_reach_from_end_to_end() {
        assert_eq!((io_weight(10), io_weight(1000)), (1, 10_000));
        assert!(io_weight(500) > 4900 && io_weight(500) < 5000);
        let made = wanted(r#"{"blockIO":{"weight":300,"weightDevice":[{"major":8,"minor":0,"weight":20}]}}"#).unwrap();
        assert_eq!(made.disk_weights, [(None, 300), (Some((8, 0)), 20)]);
        assert_eq!(made.controllers, ["io"]);
        for bad in [r#"{"weight":9}"#, r#"{"weight":1001}"#, r#"{"leafWeight":10}"#, r#"{"weightDevice":[{"leafWeight":10}]}"#] {
            assert!(wanted(&format!(r#"{{"blockIO":{bad}}}"#)).is_err(), "{bad}");
        }
    }
}
