//! What our things in the kernel are called. Each store has its own, so that two stores on one machine do not meet; those of the
//! usual store have the plain names that people look for.

use crate::paths::Paths;

/// The nftables tables `ip …` and `ip6 …`, and the beginning of nothing else.
pub fn table(paths: &Paths) -> String {
    match is_usual(paths) {
        true => "tare".to_owned(),
        false => format!("tare-{:08x}", hash(&[&paths.root().to_string_lossy()]) as u32),
    }
}

/// A network's bridge. An interface has 15 letters at most.
pub fn bridge(paths: &Paths, network: &str) -> String {
    match is_usual(paths) && network == crate::options::networks::DEFAULT {
        true => "tare0".to_owned(),
        false => format!("tare-{:010x}", hash(&[&paths.root().to_string_lossy(), network]) & 0xff_ffff_ffff),
    }
}

/// The host's end of a container's cable into its n-th network.
pub fn cable(id: &str, number: usize) -> String {
    format!("tc{}{number:x}", &id[..10])
}

/// The two ends of the cable by which a first packet goes round: see `rules/`.
pub fn door(paths: &Paths) -> [String; 2] {
    let number = door_number(paths);
    [format!("td{number:08x}"), format!("th{number:08x}")]
}

/// By which its ends are also numbered: each store has its own.
pub fn door_number(paths: &Paths) -> u32 {
    hash(&[&paths.root().to_string_lossy()]) as u32
}

fn is_usual(paths: &Paths) -> bool {
    paths.root() == std::path::Path::new(Paths::DEFAULT_ROOT)
}

/// FNV-1a: the same in every life of the machine, and in every version of ours.
fn hash(words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_fits_and_each_store_has_its_own() {
        let usual = Paths::new(Paths::DEFAULT_ROOT, Paths::DEFAULT_RUN);
        let other = Paths::new("/var/tmp/other", "/run/other");
        assert_eq!((table(&usual).as_str(), bridge(&usual, "bridge").as_str()), ("tare", "tare0"));
        assert_ne!(bridge(&other, "bridge"), bridge(&other, "backend"));
        assert_ne!(bridge(&usual, "backend"), bridge(&other, "backend"));
        let id = "0123456789abcdef";
        for name in [bridge(&usual, "backend"), bridge(&other, "bridge"), cable(id, 15), door(&usual)[0].clone(), door(&other)[1].clone()] {
            assert!(name.len() <= 15, "{name}");
        }
    }
}
