//! Messages that are right, and bytes that are none.

use super::*;

pub fn ask(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend(wire_name(name));
    message.extend(kind.to_be_bytes());
    message.extend(INTERNET.to_be_bytes());
    message
}

fn question(message: &[u8]) -> Option<Question> {
    match Question::read(message) {
        Heard::Question(question) => Some(question),
        _ => None,
    }
}

fn verdict(message: &[u8]) -> Option<u8> {
    match Question::read(message) {
        Heard::Wrong(reply) => Some(reply[3] & 15),
        _ => None,
    }
}

#[test]
fn a_question_is_read_in_small_letters_without_the_last_dot() {
    let message = ask("DB.Example.", AAAA);
    let read = question(&message).unwrap();
    assert_eq!((read.id, read.name.as_deref(), read.kind, read.end), (0x1234, Some("db.example"), AAAA, message.len()));
    assert_eq!(read.room_in_datagram(), 512);
    let mut edns = message;
    edns[11] = 1;
    edns.extend([0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(question(&edns).unwrap().room, Some(4096));
}

#[test]
fn the_address_behind_a_reverse_name() {
    let address = |name: &str| question(&ask(name, PTR)).unwrap().address();
    assert_eq!(address("2.0.207.10.in-addr.arpa"), Some("10.207.0.2".parse().unwrap()));
    let nibbles = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
    assert_eq!(address(nibbles), Some("fd00::2".parse().unwrap()));
    for wrong in ["0.207.10.in-addr.arpa", "1.2.3.4.5.in-addr.arpa", "256.0.0.1.in-addr.arpa", "a.0.0.1.in-addr.arpa", "1.ip6.arpa", "db"] {
        assert_eq!(address(wrong), None, "{wrong}");
    }
    assert_eq!(address(&nibbles.replace("d.f", "d.ff")), None);
    assert_eq!(question(&ask("2.0.207.10.in-addr.arpa", A)).unwrap().address(), None);
}

#[test]
fn a_reply_holds_what_fits_and_says_when_that_is_not_all() {
    let message = ask("db", A);
    let read = question(&message).unwrap();
    let records: Vec<Record> = (0..40).map(|n| Record::Address(IpAddr::from([10, 0, 0, n]))).collect();
    let all = reply(&message, &read, Verdict::Fine, &records, MOST_IN_A_STREAM);
    assert_eq!((number(&all, 6), all[2] & 2, all.len()), (Some(40), 0, message.len() + 40 * 16));
    let cut = reply(&message, &read, Verdict::Fine, &records, 512);
    assert_eq!((number(&cut, 6), cut[2] & 2), (Some(30), 2));
    assert!(cut.len() <= 512 && read.is_answered_by(&message, 0x1234, &cut) && !read.is_answered_by(&message, 0x1235, &cut));
    assert!(!read.is_answered_by(&message, 0x1234, &message), "a question is no reply");
    assert!(!question(&ask("dc", A)).unwrap().is_answered_by(&ask("dc", A), 0x1234, &cut), "a reply about another name");
    assert_eq!(&all[message.len()..message.len() + 16], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 0]);
}

#[test]
fn hostile_questions() {
    assert!(matches!(Question::read(&[]), Heard::Nothing) && matches!(Question::read(&[0; 11]), Heard::Nothing));
    let mut answer = ask("db", A);
    answer[2] |= 0x80;
    assert!(matches!(Question::read(&answer), Heard::Nothing), "an answer is never answered");
    let mut other = ask("db", A);
    other[2] |= 0x28;
    assert_eq!(verdict(&other), Some(Verdict::NotImplemented as u8));
    for count in [0, 2, 255] {
        let mut many = ask("db", A);
        many[5] = count;
        assert_eq!(verdict(&many), Some(Verdict::Malformed as u8), "{count} questions");
    }
    let names: [&[u8]; 6] = [
        // A pointer to itself, forward, and into the header; a label too long; one that ends behind the message; no end.
        &[0xc0, 12],
        &[0xc0, 14, 0],
        &[0xc0, 0],
        &[64; 70],
        &[60, b'a', b'b'],
        &[1, b'a'],
    ];
    for name in names {
        let message = [&[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], name].concat();
        assert_eq!(verdict(&message), Some(Verdict::Malformed as u8), "{name:?}");
    }
    let long = [&[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &[1, b'a'].repeat(200), &[0, 0, 1, 0, 1]].concat();
    assert_eq!(verdict(&long), Some(Verdict::Malformed as u8), "a name of 400 bytes");
}

#[test]
fn a_name_that_leads_elsewhere_is_not_ours() {
    for label in [&b".."[..], b"a.b", b"a/b", b"../../etc", b"\0", b"\xff", b" "] {
        let mut message = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.len() as u8];
        message.extend_from_slice(label);
        message.extend([0, 0, 1, 0, 1]);
        assert_eq!(question(&message).unwrap().name, None, "{label:?}");
    }
}

/// Every byte of a message changed to every value, and every beginning of it.
#[test]
fn no_bytes_do_harm() {
    let mut message = ask("db.backend", A);
    message[11] = 1;
    message.extend([0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    let look = |bytes: &[u8]| {
        if let Heard::Question(read) = Question::read(bytes) {
            assert!(read.end <= bytes.len());
            let _ = (read.address(), read.is_answered_by(bytes, read.id, bytes));
            let reply = reply(bytes, &read, Verdict::Fine, &[Record::Name("x".repeat(300))], read.room_in_datagram());
            assert!(reply.len() <= 512 || reply.len() <= read.room_in_datagram());
        }
    };
    for length in 0..message.len() {
        look(&message[..length]);
    }
    for at in 0..message.len() {
        for value in 0..=255 {
            let mut changed = message.clone();
            changed[at] = value;
            look(&changed);
        }
    }
}
