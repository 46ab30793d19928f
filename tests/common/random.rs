//! Moments that nobody chose, and that can be chosen again: numbers from a seed that is printed when a test fails.

use std::time::Duration;

pub struct Random(u64);

impl Random {
    /// The seed is `TARE_SEED`, or the time; a failed test shows it.
    pub fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let seed = std::env::var("TARE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(now.as_micros() as u64);
        eprintln!("TARE_SEED={seed} chooses the same moments again");
        Random(seed | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Mostly within the 30 ms in which a container starts, sometimes later.
    pub fn moment(&mut self) -> Duration {
        let most = if self.below(5) == 0 { 120_000 } else { 30_000 };
        Duration::from_micros(self.below(most))
    }
}

/// How often something is tried: `TARE_ROUNDS`, or this.
pub fn rounds(otherwise: usize) -> usize {
    std::env::var("TARE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// How often a race is tried. A release is tried with TARE_RACE_ROUNDS=2000.
pub fn race_rounds() -> u32 {
    let asked = std::env::var("TARE_RACE_ROUNDS").ok().map(|text| text.parse().expect("TARE_RACE_ROUNDS is a number"));
    asked.unwrap_or(if super::in_vm() { 5 } else { 40 })
}
