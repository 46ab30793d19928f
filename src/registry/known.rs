//! What this user has said about registries: how they are reached, and who he is there.

use crate::error::Result;
use crate::registry::login::Logins;

#[derive(Clone, Debug, Default)]
pub struct Known {
    pub logins: Logins,
}

impl Known {
    pub fn of_this_user() -> Result<Known> {
        Ok(Known { logins: Logins::of_this_user() })
    }
}
