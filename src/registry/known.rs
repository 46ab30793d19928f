//! What this user has said about registries: how they are reached, and who he is there.

use crate::error::Result;
use crate::registry::settings::{Settings, When, mirror_parts};
use crate::registry::way::address::{Address, Plain};
use crate::registry::way::http::Http;
use crate::registry::who::logins::Logins;

#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What `run` and `create` do when nobody says it there.
    pub pull: Option<When>,
    pub logins: Logins,
    settings: Settings,
}

impl Known {
    pub fn of_this_user() -> Result<Known> {
        let settings = Settings::of_this_user()?;
        Ok(Known { pull: settings.pull, logins: Logins::of_this_user(), settings })
    }

    pub(super) fn address(&self, registry: &str) -> Address {
        let address = Address::of(registry);
        match self.settings.about(registry).plain_http {
            Some(true) => Address { plain: Plain::Yes, ..address },
            Some(false) => Address { plain: Plain::No, ..address },
            None => address,
        }
    }

    pub(super) fn http(&self, address: Address) -> Http {
        let about = self.settings.about(&address.name);
        Http::new(address, &about)
    }

    /// Those who have what this registry has, in the order in which they are asked.
    pub(super) fn mirrors(&self, registry: &str) -> impl Iterator<Item = Address> {
        self.settings.about(registry).mirrors.into_iter().filter_map(|mirror| {
            let (is_plain, host) = mirror_parts(&mirror)?;
            Some(Address { plain: if is_plain { Plain::Yes } else { Plain::No }, ..Address::of(host) })
        })
    }
}
