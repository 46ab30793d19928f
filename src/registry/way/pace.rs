//! How slow a registry may be. A limit for each read alone would let one byte every half minute hold a pull for years.

use std::io::{self, Read};
use std::time::{Duration, Instant};

/// As long as this nobody is judged.
const A_WHILE: Duration = Duration::from_secs(60);
/// Bytes that must come meanwhile. Telephones once brought ten times as much.
pub const LEAST: u64 = 32 << 10;

/// Of one who speaks: how long we have waited for him, and for how much.
#[derive(Default)]
struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// False: it was too little for so long a time.
    fn keeps_up(&mut self, waited: Duration, bytes: u64) -> bool {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < A_WHILE {
            return true;
        }
        std::mem::take(self).bytes >= LEAST
    }
}

/// Reads as long as enough comes. Only waiting counts: whoever reads may take his time in between.
pub struct Paced<R> {
    source: R,
    pace: Pace,
}

impl<R> Paced<R> {
    pub fn new(source: R) -> Paced<R> {
        Paced { source, pace: Pace::default() }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let started = Instant::now();
        let count = self.source.read(buffer)?;
        match count == 0 || self.pace.keeps_up(started.elapsed(), count as u64) {
            true => Ok(count),
            false => Err(io::Error::new(io::ErrorKind::TimedOut, "less than 32 kB have come in a minute")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_trickles_is_left_and_who_is_merely_slow_is_not() {
        let second = Duration::from_secs(1);
        let holds = |bytes: u64| {
            let mut pace = Pace::default();
            (0..600).take_while(|_| pace.keeps_up(second, bytes)).count()
        };
        assert_eq!((holds(1), holds(500)), (59, 59));
        assert_eq!(holds(1000), 600);
        // A good beginning does not count for ever, and a pause is forgiven.
        let mut pace = Pace::default();
        assert!(pace.keeps_up(second, 1 << 30) && pace.keeps_up(A_WHILE, 0));
        assert!(pace.keeps_up(second * 30, 0) && pace.keeps_up(second * 20, LEAST) && pace.keeps_up(second * 11, 0));
        assert!(!pace.keeps_up(A_WHILE, LEAST - 1));
    }
}
