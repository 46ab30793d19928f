//! Promises about what may stand behind `-p`.

use super::*;

/// As it would be typed, one port each.
fn read(text: &str) -> Vec<String> {
    let word = |wish: PortWish| {
        let address = wish.address.map_or("*".to_owned(), |address| address.to_string());
        let host = wish.host.map_or("any".to_owned(), |host| host.to_string());
        format!("{address} {host} {} {}", wish.container, wish.protocol)
    };
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).into_iter().map(word).collect()
}

#[test]
fn a_port_has_an_address_a_place_on_the_host_and_a_protocol_or_none_of_them() {
    for (text, expected) in [
        ("80", "* any 80 tcp"),
        (":80", "* any 80 tcp"),
        ("0:80", "* any 80 tcp"),
        ("8080:80", "* 8080 80 tcp"),
        ("53:53/UDP", "* 53 53 udp"),
        ("127.0.0.1:8080:80", "127.0.0.1 8080 80 tcp"),
        ("127.0.0.1::80/sctp", "127.0.0.1 any 80 sctp"),
        ("[::1]:8080:80", "::1 8080 80 tcp"),
        ("[2001:db8::1]::80", "2001:db8::1 any 80 tcp"),
        ("0.0.0.0:8080:80", "0.0.0.0 8080 80 tcp"),
        ("published=8080,target=80", "* 8080 80 tcp"),
        ("target=53,protocol=udp", "* any 53 udp"),
    ] {
        assert_eq!(read(text), [expected], "{text}");
    }
}

#[test]
fn ranges_go_together_port_by_port() {
    assert_eq!(read("8000-8001:80-81"), ["* 8000 80 tcp", "* 8001 81 tcp"]);
    assert_eq!(read("80-81/udp"), ["* any 80 udp", "* any 81 udp"]);
    assert_eq!(read("[::1]:1-65535:1-65535").len(), 65_535);
}

#[test]
fn what_is_no_port_is_refused() {
    for text in [
        "",
        ":",
        "80:",
        "a",
        "0",
        "8080:0",
        "65536",
        "-1",
        "+80",
        "80/",
        "80/icmp",
        "80/tcp/udp",
        "9-8",
        "8-9:1-3",
        "8000-8010:80",
        "1.2.3:80:80",
        "1.2.3.4.5:80:80",
        "localhost:80:80",
        "::1:80:80",
        "::1::80",
        "[::1]:80",
        "[::1:80:80",
        "::1]:80:80",
        "[127.0.0.1]:80:80",
        "[fe80::1%eth0]:80:80",
        "1.2.3.4:5:6:7",
        " 80",
        "80 ",
        "published=8080",
        "target=80,port=1",
        "target=80,x",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    assert!(parse("::1:80:80").unwrap_err().hint_text().unwrap().contains("[::1]"));
}

#[test]
fn two_ports_cannot_be_in_one_place() {
    let together = |words: &[&str]| together(words.iter().flat_map(|word| parse(word).unwrap())).map(|all| all.len());
    assert_eq!(together(&["80:80", "80:80"]).unwrap(), 1);
    assert_eq!(together(&["80", "80", "81:80"]).unwrap(), 3, "any free port is another one each time");
    assert_eq!(together(&["80:80", "80:80/udp", "127.0.0.1:81:80", "127.0.0.2:81:80", "[::]:82:80", "0.0.0.0:82:80"]).unwrap(), 6);
    for wrong in [["80:80", "80:81"], ["80:80", "127.0.0.1:80:80"], ["0.0.0.0:80:80", "127.0.0.1:80:80"], ["[::]:80:80", "80:80"]] {
        assert!(together(&wrong).is_err(), "{wrong:?}");
    }
}
