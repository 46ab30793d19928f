//! What an ordinary user has here, and what he lacks, for `info`: looked at from outside of his namespace, in which he is root.

use crate::error::Error;
use crate::kernel::abilities::{Ability, State};
use crate::rootless::who::{self, Who};
use crate::rootless::{ground, obstacles, ranges};
use std::path::Path;

pub const GROUP: &str = "Without root";

/// `hindrance`: why he has got no namespace.
pub fn of_user(who: &Who, hindrance: Option<&Error>, store: &Path) -> Vec<Ability> {
    vec![namespace(who, hindrance), further_ids(who), program(who::NEWUIDMAP, "uidmap"), place(store), program("pasta", "passt"), tun()]
}

/// What root can see to for others.
pub fn of_root() -> Vec<Ability> {
    let text = std::fs::read_to_string(who::SUBUID).unwrap_or_default();
    let count = text.lines().filter(|line| line.split(':').count() == 3).count();
    let ids = match count {
        0 => Ability::new(GROUP, "further ids", State::No, format!("nobody has any in {}", who::SUBUID))
            .advice("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME"),
        _ => Ability::new(GROUP, "further ids", State::Yes, format!("{} has {count} of ranges", who::SUBUID)),
    };
    vec![ids, program(who::NEWUIDMAP, "uidmap"), program("pasta", "passt")]
}

fn namespace(who: &Who, hindrance: Option<&Error>) -> Ability {
    const NAME: &str = "user namespace";
    match hindrance {
        None => Ability::new(GROUP, NAME, State::Yes, format!("root of a container is {} ({}) outside", who.called(), who.uid)),
        Some(error) => Ability::new(GROUP, NAME, State::No, error.to_string()).advice(error.hint_text().unwrap_or_default()),
    }
}

fn further_ids(who: &Who) -> Ability {
    const NAME: &str = "further ids";
    let said = |state: State, error: &Error| {
        let why = error.to_string();
        let why = why.strip_prefix("note: ").unwrap_or(&why).to_owned();
        Ability::new(GROUP, NAME, state, why).advice(error.hint_text().unwrap_or_default())
    };
    if !who.has_ranges() {
        return said(State::No, &obstacles::why_one_id(who, true));
    }
    if let Some(few) = obstacles::why_few_ids(who) {
        return said(State::Partly, &few);
    }
    let words = |owned: &[ranges::Owned]| {
        let range = |(first, count): &ranges::Owned| format!("{first}-{}", first + (count - 1));
        owned.iter().map(range).collect::<Vec<_>>().join(", ")
    };
    let why = match (words(&who.uids), words(&who.gids)) {
        (users, groups) if users == groups => format!("{users} for users and groups"),
        (users, groups) => format!("{users} for users, {groups} for groups"),
    };
    Ability::new(GROUP, NAME, State::Yes, why)
}

fn program(name: &'static str, package: &str) -> Ability {
    match who::find_program(name) {
        Some(path) => Ability::new(GROUP, name, State::Yes, path.display().to_string()),
        None => Ability::new(GROUP, name, State::No, "not installed").advice(format!("sudo apt install {package}")),
    }
}

fn place(store: &Path) -> Ability {
    const NAME: &str = "place of the store";
    match ground::check(store) {
        Err(error) => Ability::new(GROUP, NAME, State::No, error.to_string()).advice(error.hint_text().unwrap_or_default()),
        Ok(()) if ground::ignores_setuid(store) => {
            let why = format!("{} is mounted nosuid: sudo, su and ping of a container do no more than who calls them", store.display());
            Ability::new(GROUP, NAME, State::Partly, why).advice("--root DIR, TARE_ROOT or XDG_DATA_HOME on another file system")
        }
        Ok(()) => Ability::new(GROUP, NAME, State::Yes, store.display().to_string()),
    }
}

/// What pasta makes its interfaces with.
fn tun() -> Ability {
    const NAME: &str = "/dev/net/tun";
    let path = Path::new(NAME);
    match (path.exists(), crate::sys::file::may_write(path)) {
        (_, true) => Ability::new(GROUP, NAME, State::Yes, "containers get out, by pasta"),
        (true, false) => {
            Ability::new(GROUP, NAME, State::No, "it is closed to you: containers have no way out").advice("sudo chmod 666 /dev/net/tun")
        }
        (false, false) => Ability::new(GROUP, NAME, State::No, "it is not there: containers have no way out").advice("sudo modprobe tun"),
    }
}
