//! Registries behind TLS: whom we trust there, who we are to them, and the proxies on the way.

use crate::common::authority::{Authority, Signed};
use crate::common::process::{self, Ran, tool};
use crate::common::registry::Registry;
use crate::common::tunnel::Tunnel;
use crate::common::{Store, image_dir};
use std::path::Path;

const LOOPBACK: &str = "IP:127.0.0.1";

fn registry(signed: &Signed) -> Option<Registry> {
    Registry::start(|_| signed.in_configuration(), |_| String::new())
}

/// With the image `team/box:1`. skopeo shows the certificate and key that lie in this directory, if they do.
fn fill(registry: &Registry, certificates: &Path) {
    let archive = format!("docker-archive:{}", image_dir().join("busybox.tar").display());
    let name = format!("docker://{}/team/box:1", registry.host);
    let dir = certificates.to_str().expect("utf-8");
    tool(&["skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-cert-dir", dir, &archive, &name]).ok();
}

fn settings(host: &str, text: &str) -> String {
    format!("[registry.\"{host}\"]\n{text}\n")
}

fn certificates_of(store: &Store, authority: &Authority) -> std::path::PathBuf {
    let text = std::fs::read(authority.certificate()).expect("a certificate");
    store.file("trusted/ca.crt", text).parent().expect("a directory").to_owned()
}

#[test]
fn who_signed_it_must_be_known() {
    let store = Store::empty();
    let authority = Authority::new(&store.dir.join("ca"));
    let Some(registry) = registry(&authority.sign("server", LOOPBACK, 2)) else { return };
    fill(&registry, &store.dir);
    let name = format!("{}/team/box:1", registry.host);
    let error = store.fails(1, &["pull", "-q", &name]);
    assert!(error.contains("nobody whom this machine trusts has signed its certificate"), "{error}");
    assert!(error.contains(&format!("/etc/docker/certs.d/{}/ca.crt", registry.host)), "{error}");
    let pulled = |store: &Store| {
        store.ok(&["pull", "-q", &name]);
        store.ok(&["rmi", &name]);
    };
    store.registries(&settings(&registry.host, &format!("certificates = \"{}\"", certificates_of(&store, &authority).display())));
    pulled(&store);
    store.registries(&settings(&registry.host, "skip-verify = true"));
    pulled(&store);
    // Of another registry it says nothing.
    store.registries(&settings("127.0.0.1:1", "skip-verify = true"));
    assert!(store.fails(1, &["pull", "-q", &name]).contains("nobody whom this machine trusts"));
    let mut command = store.command(&["pull", "-q", &name]);
    command.env("SSL_CERT_FILE", authority.certificate());
    assert_eq!(process::run(command, None).ok(), name);
}

#[test]
fn certificates_are_found_where_docker_and_podman_keep_them() {
    let store = Store::empty();
    let authority = Authority::new(&store.dir.join("ca"));
    let Some(registry) = registry(&authority.sign("server", LOOPBACK, 2)) else { return };
    fill(&registry, &store.dir);
    let name = format!("{}/team/box:1", registry.host);
    // In a world of its own, so that nothing is left of it in /etc.
    for place in ["/etc/docker", "/etc/containers"] {
        let script = "mount -t tmpfs none /etc -o size=4m && mkdir -p $1/certs.d/$2 && cp $3 $1/certs.d/$2/our.crt && exec $4 pull -q $5";
        let mut command = std::process::Command::new("unshare");
        command.args(["--mount", "sh", "-ec", script, "sh", place, &registry.host]).arg(authority.certificate());
        command.arg(crate::common::program()).arg(&name);
        store.tell(&mut command);
        assert_eq!(process::run(command, None).ok(), name, "{place}");
        store.ok(&["rmi", &name]);
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let store = Store::empty();
    let authority = Authority::new(&store.dir.join("ca"));
    let dir = certificates_of(&store, &authority);
    let error = |signed: &Signed| {
        let registry = registry(signed)?;
        store.registries(&settings(&registry.host, &format!("certificates = \"{}\"", dir.display())));
        // One that was good for a moment is over when its second is.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        Some(store.fails(1, &["pull", "-q", &format!("{}/team/box:1", registry.host)]))
    };
    let Some(over) = error(&authority.sign("over", LOOPBACK, 0)) else { return };
    assert!(over.contains("its certificate was good until 20") && over.contains("clock"), "{over}");
    let other = error(&authority.sign("other", "DNS:registry.example,DNS:second.example", 2)).unwrap();
    assert!(other.contains("is for another name") && other.contains("registry.example"), "{other}");
}

#[test]
fn an_authority_that_is_a_server_itself_is_trusted_where_it_is_named() {
    let store = Store::empty();
    let authority = Authority::new(&store.dir.join("ca"));
    let signed = authority.both_in_one("both", LOOPBACK);
    let Some(registry) = registry(&signed) else { return };
    fill(&registry, &store.dir);
    let name = format!("{}/team/box:1", registry.host);
    assert!(store.fails(1, &["pull", "-q", &name]).contains("nobody whom this machine trusts"));
    let dir = store.file("trusted/own.crt", std::fs::read(&signed.certificate).unwrap()).parent().unwrap().to_owned();
    store.registries(&settings(&registry.host, &format!("certificates = \"{}\"", dir.display())));
    assert_eq!(store.ok(&["pull", "-q", &name]), name);
    // For this name and no other.
    let tunnel = Tunnel::start(Some(&registry.host));
    store.registries(&settings("far.test", &format!("certificates = \"{}\"", dir.display())));
    let ran = pull_by_way_of(&store, "far.test/team/box:1", &tunnel, "");
    assert!(ran.code == 1 && ran.stderr.contains("is for another name"), "{}", ran.story());
}

#[test]
fn a_registry_that_wants_to_see_our_certificate_sees_it() {
    let store = Store::empty();
    let authority = Authority::new(&store.dir.join("ca"));
    let ca = authority.certificate();
    let wants = format!("\n    clientcas: [ {} ]", ca.display());
    let server = authority.sign("server", LOOPBACK, 2);
    let http = format!("  tls:\n    certificate: {}\n    key: {}{wants}", server.certificate.display(), server.key.display());
    let Some(registry) = Registry::start(|_| http, |_| String::new()) else { return };
    let client = authority.sign("client", "DNS:me", 2);
    let dir = certificates_of(&store, &authority);
    store.registries(&settings(&registry.host, &format!("certificates = \"{}\"", dir.display())));
    let name = format!("{}/team/box:1", registry.host);
    let error = store.fails(1, &["pull", "-q", &name]);
    assert!(error.contains("wants to see a certificate of ours") && error.contains("client.cert"), "{error}");
    std::fs::copy(&client.certificate, dir.join("client.cert")).unwrap();
    let error = store.fails(1, &["pull", "-q", &name]);
    assert!(error.contains("client.cert needs its key beside it"), "{error}");
    std::fs::copy(&server.key, dir.join("client.key")).unwrap();
    let error = store.fails(1, &["pull", "-q", &name]);
    assert!(error.contains("is not the key of"), "{error}");
    std::fs::copy(&client.key, dir.join("client.key")).unwrap();
    fill(&registry, &dir);
    assert_eq!(store.ok(&["pull", "-q", &name]), name);
}

#[test]
fn without_tls_only_if_it_is_said() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::empty();
    fill(&registry, &store.dir);
    let name = format!("{}/team/box:1", registry.host);
    store.registries(&settings(&registry.host, "plain-http = false"));
    let error = store.fails(1, &["pull", "-q", &name]);
    assert!(error.contains("does not speak TLS") && error.contains("plain-http = true"), "{error}");
    store.registries(&settings(&registry.host, "plain-http = true"));
    store.ok(&["pull", "-q", &name]);
    // Somewhere else: by way of a proxy, which is the only one who knows the name.
    let tunnel = Tunnel::start(Some(&registry.host));
    let far = |settings: &str| {
        store.registries(settings);
        pull_by_way_of(&store, "far.test:5000/team/box:1", &tunnel, "")
    };
    assert_eq!(far("").code, 1);
    assert!(far("").stderr.contains("does not speak TLS"), "{}", far("").stderr);
    far(&settings("far.test:5000", "plain-http = true")).ok();
}

fn pull_by_way_of(store: &Store, name: &str, tunnel: &Tunnel, without: &str) -> Ran {
    let mut command = store.command(&["pull", "-q", name]);
    for variable in ["HTTPS_PROXY", "http_proxy"] {
        command.env(variable, format!("http://user:p%40ss@{}", tunnel.host));
    }
    command.env("NO_PROXY", without);
    process::run(command, None)
}

#[test]
fn proxies_are_asked_the_way_as_the_environment_says() {
    let store = Store::empty();
    let authority = Authority::new(&store.dir.join("ca"));
    let Some(registry) = registry(&authority.sign("server", "DNS:far.test", 2)) else { return };
    fill(&registry, &store.dir);
    let tunnel = Tunnel::start(Some(&registry.host));
    store.registries(&settings("far.test", &format!("certificates = \"{}\"", certificates_of(&store, &authority).display())));
    pull_by_way_of(&store, "far.test/team/box:1", &tunnel, "other.test").ok();
    let asked = tunnel.asked();
    assert!(asked.iter().all(|head| head.starts_with("CONNECT far.test:443 ")), "{asked:?}");
    assert!(asked.iter().all(|head| head.contains("Proxy-Authorization: Basic dXNlcjpwQHNz")), "{asked:?}");
    // Who is named goes without.
    let ran = pull_by_way_of(&store, "far.test/team/box:1", &tunnel, "other.test,.test");
    assert!(ran.code == 1 && ran.stderr.contains("nobody knows a machine of this name"), "{}", ran.story());
    assert_eq!(tunnel.asked().len(), asked.len());
    // This machine is reached without anybody's help.
    store.registries(&settings(&registry.host, "skip-verify = true"));
    pull_by_way_of(&store, &format!("{}/team/box:1", registry.host), &tunnel, "").ok();
    assert_eq!(tunnel.asked().len(), asked.len());
    let closed = Tunnel::start(None);
    let ran = pull_by_way_of(&store, "far.test/team/box:1", &closed, "");
    let way = format!("by way of the proxy {}", closed.host);
    assert!(ran.code == 1 && ran.stderr.contains(&way) && ran.stderr.contains("403"), "{}", ran.story());
}
