//! What is wished of a container's place in a network: `--network`, `--ip`, `--ip6`, `--mac-address`, `--network-alias`, `--net-rate`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// One network that the container is in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// Its name; `bridge` is the one that everybody has.
    pub network: String,
    /// `None`: any that is free.
    pub ip: Option<Ipv4Addr>,
    pub ip6: Option<Ipv6Addr>,
    /// `None`: one that follows from the address.
    pub mac: Option<Mac>,
    /// Names by which others in this network find it, beside its own.
    pub aliases: Vec<String>,
}

/// The address of a network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> String {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = String;
    fn try_from(text: String) -> Result<Mac, String> {
        let bytes: Vec<u8> =
            text.split([':', '-']).filter(|part| part.len() == 2).filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
        let separators = text.bytes().filter(|byte| matches!(byte, b':' | b'-')).count();
        match <[u8; 6]>::try_from(bytes) {
            Ok(bytes) if separators == 5 => Ok(Mac(bytes)),
            _ => Err(format!("{text:?} is no MAC address")),
        }
    }
}

/// How fast it may receive and send, in bytes per second; `None`: as fast as it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetRate {
    pub inward: Option<u64>,
    pub outward: Option<u64>,
}

/// The network that every container is in whose command names none.
pub const DEFAULT: &str = "bridge";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_s_address_is_six_pairs_of_digits() {
        assert_eq!(Mac::try_from("02:42:0a:00:00:FF".to_owned()).unwrap().to_string(), "02:42:0a:00:00:ff");
        for wrong in ["", "02:42", "02:42:0a:00:00:zz", "2:42:0a:00:00:ff", "02:42:0a:00:00:ff:", "02420a0000ff", "02:42:0a:00:00:ff:00"] {
            assert!(Mac::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
