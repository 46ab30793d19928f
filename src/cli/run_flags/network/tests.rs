//! Promises about the flags of networks, made without a container.

use super::*;
use crate::cli::run_flags::{Parsed, parse_words};
use crate::error::Kind;
use crate::options::networks::NetRate;
use crate::options::ports::Protocol;

fn run(line: &[&str]) -> Result<Parsed> {
    let words: Vec<String> = line.iter().chain(&["x"]).map(|word| (*word).to_owned()).collect();
    parse_words("run", &words).expect("it is spelt right")
}

fn attachments(line: &[&str]) -> Vec<Attachment> {
    match run(line).unwrap().wishes.network {
        Network::Networks(all) => all,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_names_no_network_gets_the_one_that_everybody_has() {
    assert_eq!(usual(None).unwrap(), Network::Networks(vec![networks::to("bridge")]));
    assert_eq!(usual(Some(String::new())).unwrap(), usual(None).unwrap());
    assert_eq!(usual(Some("none".into())).unwrap(), Network::None);
    assert_eq!(usual(Some("backend".into())).unwrap(), Network::Networks(vec![networks::to("backend")]));
    for wrong in ["container:web", "a b"] {
        let error = usual(Some(wrong.into())).unwrap_err();
        assert!(error.kind() == Kind::Usage && error.to_string().starts_with("TARE_NETWORK"), "{error}");
    }
}

#[test]
fn a_place_in_the_only_network_is_wished_with_flags_of_its_own() {
    let flags = ["--ip", "10.0.0.5", "--ip6", "fd00::5", "--mac-address", "02:42:0a:00:00:05", "--network-alias=db", "--net-alias=sql"];
    let all = attachments(&[&["--network", "backend"], &flags[..]].concat());
    assert_eq!(all, networks::parse("name=backend,ip=10.0.0.5,ip6=fd00::5,mac-address=02:42:0a:00:00:05,alias=db,alias=sql").unwrap());
    assert_eq!(attachments(&["--net", "a", "--network", "b,c"]).len(), 3);
    for wrong in [
        &["--network", "a", "--network", "b", "--ip", "10.0.0.5"][..],
        &["--network", "none", "--ip", "10.0.0.5"],
        &["--network", "host", "--mac-address", "02:42:0a:00:00:05"],
        &["--network", "container:web", "--network-alias", "db"],
        &["--network", "name=a,ip=10.0.0.5", "--ip", "10.0.0.6"],
        &["--network", "bridge", "--network-alias", "db"],
        &["--network", "a", "--network", "a"],
        &["--network", "a", "--network", "host"],
        &["--network", "a", "--ip", "fd00::5"],
    ] {
        let error = run(wrong).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{wrong:?}: {error}");
    }
}

#[test]
fn ports_are_published_in_ranges_too() {
    let wishes = run(&["--network", "bridge", "-p", "8080:80", "-p80-81/udp", "-P", "--net-rate", "8mbit:"]).unwrap().wishes;
    let told: Vec<_> = wishes.ports.iter().map(|port| (port.host, port.container, port.protocol)).collect();
    assert_eq!(told, [(Some(8080), 80, Protocol::Tcp), (None, 80, Protocol::Udp), (None, 81, Protocol::Udp)]);
    assert!(wishes.publish_all);
    assert_eq!(wishes.net_rate, NetRate { inward: Some(1_000_000), outward: None });
}

#[test]
fn wishes_that_a_network_cannot_keep_are_refused() {
    for wrong in [
        &["--network", "host", "-p", "80:80"][..],
        &["--network", "none", "-P"],
        &["--network", "container:web", "-p", "80"],
        &["--network", "container:web", "--expose", "80"],
        &["--network", "none", "--net-rate", "1m:1m"],
        &["--network", "none", "--add-host", "h:host-gateway"],
        &["--network", "bridge", "--net-rate", ":1m", "--cap-add", "NET_ADMIN"],
        &["--network", "bridge", "--net-rate", ":1m", "--privileged"],
        &["--network", "bridge", "-p", "80:80", "-p", "80:81"],
    ] {
        let error = run(wrong).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{wrong:?}: {error}");
    }
    assert!(run(&["--network", "bridge", "--add-host", "h:host-gateway"]).is_ok());
}
