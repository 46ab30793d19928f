//! How one finds out whether it does its work.

use super::words::{Flag, Flags, switch, value};
use crate::error::{Error, Result};
use crate::options::Wishes;
use crate::options::health::{self, Check};

pub const FLAGS: &[Flag] = &[
    value("health-cmd", None, "COMMAND", "A shell's line that ends with 0 as long as all is well"),
    value("health-interval", None, "TIME", "Between two checks (default 30s)"),
    value("health-timeout", None, "TIME", "Longer than this a check must not take (default 30s)"),
    value("health-retries", None, "COUNT", "So many failures in a row make it unhealthy (default 3)"),
    value("health-start-period", None, "TIME", "How long it may take to start: failures do not count meanwhile"),
    value("health-start-interval", None, "TIME", "Between two checks meanwhile (default 5s)"),
    switch("no-healthcheck", None, "No checks, whatever the image says"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    let time = |name| flags.parse(name, health::parse_time);
    let check = Check {
        test: flags.text("health-cmd").filter(|line| !line.is_empty()).map_or(Vec::new(), |line| vec!["CMD-SHELL".into(), line.into()]),
        shell: Vec::new(),
        interval: time("health-interval")?.unwrap_or(0),
        timeout: time("health-timeout")?.unwrap_or(0),
        start_period: time("health-start-period")?.unwrap_or(0),
        start_interval: time("health-start-interval")?.unwrap_or(0),
        retries: flags.parse("health-retries", health::parse_retries)?.unwrap_or(0),
    };
    wishes.health = match (flags.on("no-healthcheck")?, check == Check::default()) {
        (true, true) => Some(health::none()),
        (true, false) => return Err(Error::usage("--no-healthcheck contradicts the other --health flags")),
        (false, true) => None,
        (false, false) => Some(check),
    };
    Ok(())
}
