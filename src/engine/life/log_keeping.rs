//! What is kept of a container's output, as its wishes say.

use crate::engine::create::Made;
use crate::error::{Error, Result};
use crate::monitor::log::Keeping;
use crate::options::{LogDriver, logs};
use crate::record::Seen;

pub fn keeping(made: &Made) -> Option<Keeping> {
    let record = &made.record;
    let log = &record.wishes.log;
    if log.driver != LogDriver::JsonFile {
        return None;
    }
    let env = made.spec.process().as_ref().and_then(|process| process.env().as_deref()).unwrap_or_default();
    let facts =
        logs::Facts { id: &record.id, name: &record.name, image: &record.image, image_id: &record.image_id, labels: &record.labels, env };
    Some(Keeping { path: made.files.log(), rotation: logs::rotation(log), attributes: logs::attributes(log, &facts) })
}

/// Why there is nothing to be read, if there is not.
pub fn check_kept(seen: &Seen) -> Result<()> {
    let name = &seen.record.name;
    let none = |hint: String| {
        let driver = logs::driver_name(seen.record.wishes.log.driver);
        Err(Error::cannot_keep(format!("container {name} has no log"))
            .because(format!("it was made with --log-driver {driver}"))
            .hint(hint))
    };
    match seen.record.wishes.log.driver {
        LogDriver::JsonFile => Ok(()),
        LogDriver::None => none(format!("tare attach {name} shows what it writes from now on")),
        LogDriver::Passthrough => none("look where the output of the command that started it went".to_owned()),
    }
}

/// Why nobody can attend to its streams, if nobody can.
pub fn check_attended(seen: &Seen) -> Result<()> {
    match seen.record.wishes.log.driver {
        LogDriver::Passthrough => Err(Error::cannot_keep(format!("cannot attach to container {}", seen.record.name))
            .because("it writes straight to the streams of the command that started it (--log-driver passthrough)")
            .hint("look where these go")),
        _ => Ok(()),
    }
}
