//! Where its output is kept.

use super::words::{Flag, Flags, list, value};
use crate::error::{Error, Result};
use crate::options::{LogDriver, Wishes, logs};

pub const FLAGS: &[Flag] = &[
    value("log-driver", None, "NAME", "json-file (default), none, or passthrough: straight to the caller's streams"),
    list("log-opt", None, "NAME=VALUE", "max-size=10m, max-file=3, labels=…, env=…, tag=…"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.log.driver = flags.parse("log-driver", logs::parse_driver)?.unwrap_or_default();
    wishes.log.options = flags.parse_all("log-opt", logs::parse_option)?;
    logs::check(&wishes.log)?;
    if wishes.terminal && wishes.log.driver == LogDriver::Passthrough {
        return Err(Error::usage("--log-driver passthrough and --tty contradict each other")
            .because("a terminal of the container's own is not the caller's stream")
            .hint("leave one of them out"));
    }
    Ok(())
}
