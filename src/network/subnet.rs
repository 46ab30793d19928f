//! A range of addresses, written `10.207.0.0/16` or `fd00::/64`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    /// The first one: all bits behind the prefix are zero.
    first: IpAddr,
    length: u8,
}

impl Subnet {
    /// The subnet in which `address` is.
    pub fn around(address: IpAddr, length: u8) -> Option<Subnet> {
        let bits = bits_of(address);
        (length <= bits).then(|| Subnet { first: from_number(to_number(address) & !below(bits - length), bits == 32), length })
    }
    pub fn first(&self) -> IpAddr {
        self.first
    }
    pub fn length(&self) -> u8 {
        self.length
    }
    pub fn is_v4(&self) -> bool {
        self.first.is_ipv4()
    }
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.is_v4() && Subnet::around(address, self.length).is_some_and(|around| around.first == self.first)
    }
    pub fn overlaps(&self, other: &Subnet) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }
    pub fn holds(&self, other: &Subnet) -> bool {
        self.length <= other.length && self.contains(other.first)
    }
    /// The n-th address, counted from the first, which is number 0.
    pub fn nth(&self, number: u128) -> Option<IpAddr> {
        let most = below(bits_of(self.first) - self.length);
        (number <= most).then(|| from_number(to_number(self.first) | number, self.is_v4()))
    }
    /// Which one `address` is.
    pub fn number_of(&self, address: IpAddr) -> Option<u128> {
        self.contains(address).then(|| to_number(address) & below(bits_of(self.first) - self.length))
    }
    /// The number of its last address.
    pub fn last(&self) -> u128 {
        below(bits_of(self.first) - self.length)
    }
    /// No host may have it: the first is the network's own; in IPv4 the last one calls all of them.
    pub fn is_for_a_host(&self, address: IpAddr) -> bool {
        match self.number_of(address) {
            None => false,
            Some(_) if self.last() < 2 => true,
            Some(number) => number != 0 && !(self.is_v4() && number == self.last()),
        }
    }
}

fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn below(bits: u8) -> u128 {
    1u128.checked_shl(u32::from(bits)).map_or(u128::MAX, |one| one - 1)
}

fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn from_number(number: u128, is_v4: bool) -> IpAddr {
    if is_v4 { Ipv4Addr::from(number as u32).into() } else { Ipv6Addr::from(number).into() }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

impl FromStr for Subnet {
    type Err = String;
    /// Bits behind the prefix are an error, because they are a mistake: 10.0.0.5/16.
    fn from_str(text: &str) -> Result<Subnet, String> {
        let wrong = || format!("{text:?} is no subnet");
        let (address, length) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let digits = length.bytes().all(|byte| byte.is_ascii_digit());
        let length = length.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
        let subnet = Subnet::around(address, length).ok_or_else(wrong)?;
        match subnet.first == address {
            true => Ok(subnet),
            false => Err(format!("{text} is an address in {subnet}")),
        }
    }
}

impl TryFrom<String> for Subnet {
    type Error = String;
    fn try_from(text: String) -> Result<Subnet, String> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> String {
        subnet.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn a_subnet_is_its_first_address_and_a_length() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.168.1.7/32", "fd00::/64", "::/0", "fd00::1/128"] {
            assert_eq!(subnet(text).to_string(), text);
        }
        for wrong in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/", "10.0.0.1/8", "fd00::/129", "a/8", "fd00::1/64"] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_counted_from_the_first() {
        let net = subnet("10.1.0.0/16");
        assert_eq!(net.nth(258), Some("10.1.1.2".parse().unwrap()));
        assert_eq!(net.nth(65_536), None);
        assert_eq!(net.number_of("10.1.1.2".parse().unwrap()), Some(258));
        assert_eq!(net.number_of("10.2.1.2".parse().unwrap()), None);
        assert_eq!(subnet("fd00::/64").nth(u128::from(u64::MAX)), Some("fd00::ffff:ffff:ffff:ffff".parse().unwrap()));
        assert_eq!(subnet("::/0").last(), u128::MAX);
    }

    #[test]
    fn two_overlap_when_one_is_in_the_other() {
        assert!(subnet("10.0.0.0/8").overlaps(&subnet("10.9.0.0/16")) && subnet("10.9.0.0/16").overlaps(&subnet("10.0.0.0/8")));
        assert!(!subnet("10.8.0.0/16").overlaps(&subnet("10.9.0.0/16")) && !subnet("::/0").overlaps(&subnet("0.0.0.0/0")));
        assert!(subnet("10.0.0.0/8").holds(&subnet("10.9.0.0/16")) && !subnet("10.9.0.0/16").holds(&subnet("10.0.0.0/8")));
    }

    #[test]
    fn the_first_and_in_ipv4_the_last_are_nobody_s() {
        let host = |net: &str, address: &str| subnet(net).is_for_a_host(address.parse().unwrap());
        assert!(host("10.0.0.0/24", "10.0.0.1") && host("10.0.0.0/24", "10.0.0.254") && host("fd00::/120", "fd00::ff"));
        assert!(
            !host("10.0.0.0/24", "10.0.0.0")
                && !host("10.0.0.0/24", "10.0.0.255")
                && !host("fd00::/120", "fd00::")
                && !host("10.0.0.0/24", "10.0.1.1")
        );
        assert!(host("10.0.0.4/31", "10.0.0.4"));
    }
}
