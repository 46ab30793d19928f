//! What systemd finds in a container beside what others find (systemd.io, "The Container Interface").

use crate::options::Wishes;
use crate::spec::mounts;
use oci_spec::runtime::Mount;

/// Whether it runs in a container it learns from the first, and what the machine is called that it shall believe to be from the
/// second: without one, all machines of an image would have the id that the image has.
pub fn environment(id: &str) -> [String; 2] {
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or("0");
    let uuid = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
    ["container=tare".to_owned(), format!("container_uuid={uuid}")]
}

/// What lives as long as a machine is switched on lies in memory, as on a machine; systemd would mount it itself and may not.
/// The sizes are systemd's own. What the image has there is copied, and what was asked for goes before it.
pub fn memory(wishes: &Wishes) -> impl Iterator<Item = Mount> {
    const SAFE: [&str; 4] = ["nosuid", "nodev", "rprivate", "tmpcopyup"];
    let all = [("/run", ["mode=755", "size=20%"]), ("/run/lock", ["mode=1777", "size=5m"]), ("/tmp", ["mode=1777", "size=50%"])];
    let own = all.into_iter().filter(|(target, _)| !wishes.mounts.iter().any(|mount| mount.target() == *target));
    own.map(|(target, options)| mounts::mount(target, "tmpfs", "tmpfs", &[&SAFE[..], &options].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::mounts::parse_tmpfs;

    #[test]
    fn the_container_s_id_is_the_machine_s() {
        let id = "0123456789abcdef0123456789abcdef".repeat(2);
        assert_eq!(environment(&id), ["container=tare", "container_uuid=01234567-89ab-cdef-0123-456789abcdef"]);
    }

    #[test]
    fn what_was_asked_for_takes_its_place() {
        let targets = |wishes: &Wishes| memory(wishes).map(|mount| mount.destination().display().to_string()).collect::<Vec<_>>();
        assert_eq!(targets(&Wishes::default()), ["/run", "/run/lock", "/tmp"]);
        let wishes = Wishes { mounts: vec![parse_tmpfs("/tmp:size=1m").unwrap()], ..Wishes::default() };
        assert_eq!(targets(&wishes), ["/run", "/run/lock"]);
    }
}
