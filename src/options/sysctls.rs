//! `--sysctl NAME=VALUE`: settings of the kernel, and only those that the container has of its own.

use super::{Ipc, Network, Wishes};
use crate::error::{Error, Result};
use crate::spec::sysctl::{self, Owner};

/// Name and value, the name with dots.
pub fn parse(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once('=').ok_or_else(|| Error::usage("there is no =").hint("write NAME=VALUE"))?;
    let dotted = sysctl::dotted(name)
        .ok_or_else(|| Error::usage(format!("{name:?} is no name of a setting")).hint("write it like net.core.somaxconn"))?;
    if value.contains(['\0', '\n']) {
        return Err(Error::usage("the value is more than one line"));
    }
    match sysctl::owner(&dotted) {
        Some(Owner::Names) if dotted == "kernel.hostname" => {
            Err(Error::usage("the host name has a flag of its own").hint("use --hostname"))
        }
        Some(_) => Ok((dotted, value.to_owned())),
        None => Err(Error::cannot_keep(format!("{dotted} belongs to the whole machine, not to a container"))
            .hint("a container has settings of its own below net., fs.mqueue. and kernel.shm*, kernel.msg*, kernel.sem")),
    }
}

/// The last value of a name counts.
pub fn add(sysctls: &mut Vec<(String, String)>, new: (String, String)) {
    sysctls.retain(|(name, _)| *name != new.0);
    sysctls.push(new);
}

/// A setting can only be set in a namespace of the container's own: in another's it would be changed for others too.
pub fn check(wishes: &Wishes) -> Result<()> {
    for (name, _) in &wishes.sysctls {
        let (own, flag) = match sysctl::owner(name) {
            Some(Owner::Network) => (!matches!(wishes.network, Network::Host | Network::Container(_)), "--network"),
            Some(Owner::Ipc) => (!matches!(wishes.ipc, Ipc::Host | Ipc::Container(_)), "--ipc"),
            Some(Owner::Names) => (!wishes.host_uts, "--uts"),
            None => (false, ""),
        };
        if !own {
            return Err(Error::usage(format!("--sysctl {name} and {flag} contradict each other"))
                .because("the setting would be changed for others too")
                .hint(format!("leave {flag} out")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_setting_of_the_container_s_own_is_taken() {
        assert_eq!(parse("net.core.somaxconn=1024").unwrap(), ("net.core.somaxconn".into(), "1024".into()));
        assert_eq!(parse("kernel.sem=250 32000 100 128").unwrap().1, "250 32000 100 128");
        assert_eq!(parse("net/ipv4/ip_forward=1").unwrap().0, "net.ipv4.ip_forward");
    }

    #[test]
    fn a_setting_of_the_machine_is_refused_by_name() {
        for name in ["kernel.panic", "vm.swappiness", "kernel.core_pattern", "fs.file-max"] {
            let error = parse(&format!("{name}=1")).unwrap_err();
            assert_eq!(error.kind(), Kind::CannotKeep);
            assert!(error.to_string().contains(name), "{error}");
        }
        for text in ["", "net", "=1", "net.x", "net..x=1", "kernel.hostname=x", "net.a=1\n2", "net/../kernel/panic=1"] {
            assert_eq!(parse(text).unwrap_err().kind(), Kind::Usage, "{text:?}");
        }
    }

    #[test]
    fn a_shared_namespace_keeps_its_settings() {
        let with = |name: &str, wishes: Wishes| check(&Wishes { sysctls: vec![(name.into(), "1".into())], ..wishes });
        assert!(with("net.x", Wishes::default()).is_ok() && with("kernel.shmmax", Wishes::default()).is_ok());
        assert!(with("net.x", Wishes { network: Network::Host, ..Wishes::default() }).is_err());
        assert!(with("net.x", Wishes { network: Network::Container("a".into()), ..Wishes::default() }).is_err());
        assert!(with("kernel.shmmax", Wishes { ipc: Ipc::Host, ..Wishes::default() }).is_err());
        assert!(with("kernel.shmmax", Wishes { ipc: Ipc::None, network: Network::Host, ..Wishes::default() }).is_ok());
        assert!(with("kernel.domainname", Wishes { host_uts: true, ..Wishes::default() }).is_err());
        assert!(with("net.x", Wishes { network: Network::Host, ..Wishes::default() }).unwrap_err().to_string().contains("--network"));
    }
}
