//! D-Bus messages, laid out as in "Marshaling (Wire Format)" of the D-Bus specification: each value begins at a multiple of its own
//! size, a struct at a multiple of eight. As much of it as calls and answers of systemd need.

const CALL: u8 = 1;
pub const ANSWER: u8 = 2;
pub const ERROR: u8 = 3;

/// What a property of a unit can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Flag(bool),
    Number(u64),
    Pids(Vec<u32>),
    Bits(Vec<u8>),
}

impl Value {
    fn signature(&self) -> &'static str {
        match self {
            Value::Text(_) => "s",
            Value::Flag(_) => "b",
            Value::Number(_) => "t",
            Value::Pids(_) => "au",
            Value::Bits(_) => "ay",
        }
    }
}

/// Values one after the other, as they stand in a message.
#[derive(Default)]
pub struct Words(Vec<u8>);

impl Words {
    fn align(&mut self, size: usize) {
        self.0.resize(self.0.len().next_multiple_of(size), 0);
    }

    fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    pub fn flag(mut self, flag: bool) -> Words {
        self.number(flag.into());
        self
    }

    pub fn text(mut self, text: &str) -> Words {
        self.put_text(text);
        self
    }

    fn put_text(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.0.extend(text.bytes().chain([0]));
    }

    fn signature(&mut self, signature: &str) {
        self.0.push(signature.len() as u8);
        self.0.extend(signature.bytes().chain([0]));
    }

    /// Its length stands before it, without the room that lets the first element begin where it must.
    fn array(&mut self, size: usize, elements: impl FnOnce(&mut Words)) {
        self.number(0);
        let length_at = self.0.len() - 4;
        self.align(size);
        let begin = self.0.len();
        elements(self);
        let length = (self.0.len() - begin) as u32;
        self.0[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// `a(sv)`.
    pub fn properties(mut self, properties: &[(&str, Value)]) -> Words {
        self.array(8, |words| {
            for (name, value) in properties {
                words.align(8);
                words.put_text(name);
                words.signature(value.signature());
                words.put(value);
            }
        });
        self
    }

    pub fn pids(mut self, pids: &[u32]) -> Words {
        self.put(&Value::Pids(pids.to_vec()));
        self
    }

    /// An array of structs that has none.
    pub fn nothing(mut self) -> Words {
        self.array(8, |_| {});
        self
    }

    fn put(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.put_text(text),
            Value::Flag(flag) => self.number((*flag).into()),
            Value::Number(number) => {
                self.align(8);
                self.0.extend(number.to_le_bytes());
            }
            Value::Pids(pids) => self.array(4, |words| pids.iter().for_each(|pid| words.number(*pid))),
            Value::Bits(bits) => self.array(1, |words| words.0.extend(bits)),
        }
    }
}

/// Whom a call is for.
pub struct Object {
    path: &'static str,
    name: &'static str,
    interface: &'static str,
}

pub const SYSTEMD: Object =
    Object { path: "/org/freedesktop/systemd1", name: "org.freedesktop.systemd1", interface: "org.freedesktop.systemd1.Manager" };
/// Whoever passes messages on between others.
pub const BROKER: Object = Object { path: "/org/freedesktop/DBus", name: "org.freedesktop.DBus", interface: "org.freedesktop.DBus" };

pub fn call(to: &Object, serial: u32, member: &str, signature: &str, body: &Words) -> Vec<u8> {
    let mut message = Words(vec![b'l', CALL, 0, 1]);
    message.number(body.0.len() as u32);
    message.number(serial);
    message.array(8, |fields| {
        for (code, kind, text) in [(1, "o", to.path), (2, "s", to.interface), (3, "s", member), (6, "s", to.name)] {
            fields.align(8);
            fields.0.push(code);
            fields.signature(kind);
            fields.put_text(text);
        }
        if !signature.is_empty() {
            fields.align(8);
            fields.0.push(8);
            fields.signature("g");
            fields.signature(signature);
        }
    });
    message.align(8);
    message.0.extend(&body.0);
    message.0
}

/// What came in, as far as it matters here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    /// The serial of the call that it answers.
    pub answers: u32,
    pub member: String,
    pub error: String,
    body: Vec<u8>,
}

impl Message {
    /// `None`: it makes no sense.
    pub fn decode(bytes: &[u8]) -> Option<Message> {
        let mut from = Reader { bytes, at: 12 };
        let end = from.number()? as usize + 16;
        let mut message = Message { kind: *bytes.get(1)?, body: bytes.get(end.next_multiple_of(8)..)?.to_vec(), ..Message::default() };
        while from.at < end {
            from.align(8);
            let code = from.byte()?;
            let kind = from.signature()?;
            match (code, kind.as_str()) {
                (3, "s") => message.member = from.text()?,
                (4, "s") => message.error = from.text()?,
                (5, "u") => message.answers = from.number()?,
                (_, "s" | "o") => drop(from.text()?),
                (_, "g") => drop(from.signature()?),
                (_, "u") => drop(from.number()?),
                _ => return None,
            }
        }
        Some(message)
    }

    /// Those at the body's begin, behind so many numbers.
    pub fn texts(&self, skipped_numbers: usize) -> Vec<String> {
        let mut from = Reader { bytes: &self.body, at: 4 * skipped_numbers };
        std::iter::from_fn(|| from.text()).collect()
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self, size: usize) {
        self.at = self.at.next_multiple_of(size);
    }
    fn byte(&mut self) -> Option<u8> {
        self.at += 1;
        self.bytes.get(self.at - 1).copied()
    }
    fn number(&mut self) -> Option<u32> {
        self.align(4);
        self.at += 4;
        Some(u32::from_le_bytes(self.bytes.get(self.at - 4..self.at)?.try_into().ok()?))
    }
    fn text(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        self.words(length)
    }
    fn signature(&mut self) -> Option<String> {
        let length = self.byte()?.into();
        self.words(length)
    }
    fn words(&mut self, length: usize) -> Option<String> {
        let end = self.at.checked_add(length)?;
        let text = String::from_utf8(self.bytes.get(self.at..end)?.to_vec()).ok()?;
        self.at = end + 1;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_laid_out_as_the_specification_says() {
        let message = call(&SYSTEMD, 7, "StopUnit", "ss", &Words::default().text("a.scope").text("replace"));
        assert_eq!(&message[..4], b"l\x01\0\x01");
        let fields = u32::from_le_bytes(message[12..16].try_into().unwrap()) as usize;
        let body = (16 + fields).next_multiple_of(8);
        assert_eq!(&message[body..], b"\x07\0\0\0a.scope\0\x07\0\0\0replace\0");
        let read = Message::decode(&message).unwrap();
        assert_eq!((read.kind, read.member.as_str()), (CALL, "StopUnit"));
        assert_eq!(read.texts(0), ["a.scope", "replace"]);
    }

    #[test]
    fn properties_begin_at_multiples_of_eight() {
        let properties = [("A", Value::Flag(true)), ("Bc", Value::Number(5)), ("P", Value::Pids(vec![9]))];
        let words = Words::default().properties(&properties).0;
        let wanted = [
            &[60, 0, 0, 0, 0, 0, 0, 0][..],
            &[1, 0, 0, 0, b'A', 0, 1, b'b', 0, 0, 0, 0, 1, 0, 0, 0],
            &[2, 0, 0, 0, b'B', b'c', 0, 1, b't', 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, b'P', 0, 2, b'a', b'u', 0, 0, 0],
        ]
        .concat();
        assert_eq!(words[..wanted.len()], wanted);
        assert_eq!(words[wanted.len()..], [4, 0, 0, 0, 9, 0, 0, 0]);
    }

    #[test]
    fn what_is_cut_off_makes_no_sense_and_hurts_nobody() {
        let message = call(&SYSTEMD, 7, "StopUnit", "ss", &Words::default().text("a.scope"));
        for length in 0..message.len() {
            let _ = Message::decode(&message[..length]);
        }
        let mut wrong = message;
        wrong[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Message::decode(&wrong), None);
    }
}
