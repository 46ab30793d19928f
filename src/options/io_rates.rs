//! `--device-read-bps DEVICE:RATE` and its three kin: how fast a block device may be used.

use super::{IoRate, IoRateKind, sizes};
use crate::error::{Error, Result};

pub fn parse(text: &str, kind: IoRateKind) -> Result<IoRate> {
    let (device, rate) =
        text.rsplit_once(':').ok_or_else(|| Error::usage("there is no rate").hint("write DEVICE:RATE, for example /dev/sda:1m"))?;
    if !device.starts_with('/') {
        return Err(Error::usage(format!("{device:?} is not an absolute path")).hint("the device is a file of this host's /dev"));
    }
    let rate = match kind {
        IoRateKind::ReadBytes | IoRateKind::WriteBytes => sizes::parse_bytes(rate)?,
        IoRateKind::ReadOperations | IoRateKind::WriteOperations => operations(rate)?,
    };
    // The kernel takes no zero (io.max): nothing at all would wait for ever.
    if rate == 0 {
        return Err(Error::usage("a rate of 0 would stop it for ever"));
    }
    Ok(IoRate { device: super::mounts::clean_path(device).into(), kind, rate })
}

fn operations(text: &str) -> Result<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // io.max counts operations in 32 bits.
    let number = text.parse::<u64>().ok().filter(|number| digits && *number < u64::from(u32::MAX));
    number.ok_or_else(|| Error::usage(format!("{text:?} is no number of operations per second")))
}

/// A later rate for the same device and kind replaces the earlier one.
pub fn add(rates: &mut Vec<IoRate>, new: IoRate) {
    match rates.iter_mut().find(|known| (&known.device, known.kind) == (&new.device, new.kind)) {
        Some(known) => *known = new,
        None => rates.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units_and_operations_have_none() {
        let rate = parse("/dev/sda:1m", IoRateKind::ReadBytes).unwrap();
        assert_eq!((rate.device.to_str(), rate.rate), (Some("/dev/sda"), 1 << 20));
        assert_eq!(parse("/dev/disk/by-path/pci-0:1:50", IoRateKind::WriteOperations).unwrap().rate, 50);
        assert!(parse("/dev/sda:1m", IoRateKind::ReadOperations).is_err());
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "/dev/sda", "/dev/sda:", "/dev/sda:0", "sda:1m", "/dev/sda:-1", "/dev/sda:fast"] {
            assert!(parse(text, IoRateKind::WriteBytes).is_err(), "{text:?}");
            assert!(parse(text, IoRateKind::WriteOperations).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_last_rate_counts() {
        let mut rates = Vec::new();
        for text in ["/dev/a:1", "/dev/b:2", "/dev/a:3"] {
            add(&mut rates, parse(text, IoRateKind::ReadBytes).unwrap());
        }
        add(&mut rates, parse("/dev/a:9", IoRateKind::ReadOperations).unwrap());
        assert_eq!(rates.iter().map(|rate| rate.rate).collect::<Vec<_>>(), [3, 2, 9]);
    }
}
