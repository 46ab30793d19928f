//! What a rule does with a packet: expressions that load something into registers, compare it, look it up, and decide. The first
//! comparison that fails ends the rule, and the packet goes on to the next one.

use super::Family;
use crate::sys::netlink::message::Message;

/// Four bytes each, sixteen of them. What is longer takes several in a row.
#[derive(Clone, Copy, Debug)]
pub struct Register(pub u32);

impl Register {
    fn number(self) -> u32 {
        const FIRST: u32 = 8; // NFT_REG32_00
        FIRST + self.0
    }
}

/// What is known of a packet beside its bytes.
#[derive(Clone, Copy, Debug)]
pub enum Meta {
    Mark = 3,
    InInterface = 4,
    OutInterface = 5,
    InName = 6,
    OutName = 7,
    Protocol = 16,
}

/// What the kernel remembers of its connection.
#[derive(Clone, Copy, Debug)]
pub enum Connection {
    State = 0,
    Status = 2,
}

/// NF_CT_STATE_BIT(IP_CT_NEW)
pub const STATE_NEW: u32 = 8;
/// IPS_DST_NAT: it goes to another address than it was sent to.
pub const STATUS_REDIRECTED: u32 = 0x20;
/// RTN_LOCAL
pub const TYPE_LOCAL: u32 = 2;

/// From which header bytes are taken.
#[derive(Clone, Copy, Debug)]
pub enum Base {
    Network = 1,
    Transport = 2,
}

#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    Drop,
    Return,
    Goto(&'a str),
}

/// In the order in which they are done.
#[derive(Clone, Debug, Default)]
pub struct Expressions(Vec<Expression>);

#[derive(Clone, Debug)]
struct Expression {
    name: &'static str,
    /// Kind and value of its attributes, in order.
    parts: Vec<(u16, Part)>,
}

#[derive(Clone, Debug)]
enum Part {
    Number(u32),
    Text(String),
    /// A value, wrapped as the kernel wants it.
    Data(Vec<u8>),
    Verdict(u32, Option<String>),
}

use Part::{Data, Number, Text};

impl Expressions {
    pub fn new() -> Expressions {
        Expressions::default()
    }

    fn then(mut self, name: &'static str, parts: Vec<(u16, Part)>) -> Expressions {
        self.0.push(Expression { name, parts });
        self
    }

    pub fn load(self, what: Meta, to: Register) -> Expressions {
        self.then("meta", vec![(2, Number(what as u32)), (1, Number(to.number()))])
    }
    pub fn set(self, what: Meta, from: Register) -> Expressions {
        self.then("meta", vec![(2, Number(what as u32)), (3, Number(from.number()))])
    }
    pub fn load_of_connection(self, what: Connection, to: Register) -> Expressions {
        self.then("ct", vec![(2, Number(what as u32)), (1, Number(to.number()))])
    }
    pub fn load_bytes(self, base: Base, offset: u32, length: u32, to: Register) -> Expressions {
        let parts = vec![(1, Number(to.number())), (2, Number(base as u32)), (3, Number(offset)), (4, Number(length))];
        self.then("payload", parts)
    }
    /// Into the packet, whose checksum at this offset of the same header is made right again.
    pub fn store_bytes(self, base: Base, offset: u32, length: u32, from: Register, checksum: u32) -> Expressions {
        const INTERNET_CHECKSUM: u32 = 1;
        let place = vec![(5, Number(from.number())), (2, Number(base as u32)), (3, Number(offset)), (4, Number(length))];
        self.then("payload", [place, vec![(6, Number(INTERNET_CHECKSUM)), (7, Number(checksum))]].concat())
    }
    pub fn put(self, value: &[u8], to: Register) -> Expressions {
        self.then("immediate", vec![(1, Number(to.number())), (2, Data(value.to_vec()))])
    }
    /// What sort of address the packet goes to, as the routes say: see TYPE_LOCAL.
    pub fn load_type_of_destination(self, to: Register) -> Expressions {
        const RESULT_TYPE: u32 = 3;
        const OF_DESTINATION: u32 = 2;
        self.then("fib", vec![(1, Number(to.number())), (2, Number(RESULT_TYPE)), (3, Number(OF_DESTINATION))])
    }

    /// `register = register & mask ^ flipped`.
    pub fn bits(self, register: Register, mask: &[u8], flipped: &[u8]) -> Expressions {
        let (number, length) = (register.number(), mask.len() as u32);
        let parts =
            vec![(1, Number(number)), (2, Number(number)), (3, Number(length)), (4, Data(mask.to_vec())), (5, Data(flipped.to_vec()))];
        self.then("bitwise", parts)
    }
    pub fn is(self, register: Register, value: &[u8]) -> Expressions {
        self.compare(0, register, value)
    }
    pub fn is_not(self, register: Register, value: &[u8]) -> Expressions {
        self.compare(1, register, value)
    }
    fn compare(self, how: u32, register: Register, value: &[u8]) -> Expressions {
        self.then("cmp", vec![(1, Number(register.number())), (2, Number(how)), (3, Data(value.to_vec()))])
    }
    /// At least one of these bits.
    pub fn has(self, register: Register, bits: u32) -> Expressions {
        self.bits(register, &bits.to_ne_bytes(), &[0; 4]).is_not(register, &[0; 4])
    }
    pub fn has_not(self, register: Register, bits: u32) -> Expressions {
        self.bits(register, &bits.to_ne_bytes(), &[0; 4]).is(register, &[0; 4])
    }
    pub fn among(self, set: &str, register: Register) -> Expressions {
        self.then("lookup", vec![(1, Text(set.to_owned())), (2, Number(register.number()))])
    }
    pub fn not_among(self, set: &str, register: Register) -> Expressions {
        const INVERTED: u32 = 1;
        self.then("lookup", vec![(1, Text(set.to_owned())), (2, Number(register.number())), (5, Number(INVERTED))])
    }
    /// What a map says of it.
    pub fn translate(self, map: &str, register: Register, to: Register) -> Expressions {
        self.then("lookup", vec![(1, Text(map.to_owned())), (2, Number(register.number())), (3, Number(to.number()))])
    }

    /// A copy goes to this neighbour, through the interface of this index.
    pub fn copy_to(self, neighbour: Register, interface: Register) -> Expressions {
        self.then("dup", vec![(1, Number(neighbour.number())), (2, Number(interface.number()))])
    }
    /// The packet's destination becomes another.
    pub fn redirect(self, family: Family, address: Register, port: Register) -> Expressions {
        const DESTINATION: u32 = 1;
        let parts = vec![(1, Number(DESTINATION)), (2, Number(family as u32)), (3, Number(address.number())), (5, Number(port.number()))];
        self.then("nat", parts)
    }
    /// The packet's source becomes the address of the interface through which it leaves.
    pub fn masquerade(self) -> Expressions {
        self.then("masq", Vec::new())
    }
    pub fn verdict(self, verdict: Verdict) -> Expressions {
        let (code, chain) = match verdict {
            Verdict::Drop => (0, None),
            Verdict::Return => (-5i32 as u32, None),
            Verdict::Goto(chain) => (-4i32 as u32, Some(chain.to_owned())),
        };
        const DECISION: u32 = 0; // NFT_REG_VERDICT
        self.then("immediate", vec![(1, Number(DECISION)), (2, Part::Verdict(code, chain))])
    }

    /// By which a rule is known again.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|expression| expression.name.to_owned()).collect()
    }

    pub(super) fn write(&self, list: Message) -> Message {
        const ELEMENT: u16 = 1;
        const NAME: u16 = 1;
        const DATA: u16 = 2;
        self.0.iter().fold(list, |list, expression| {
            list.nest(ELEMENT, |one| {
                one.text(NAME, expression.name)
                    .nest(DATA, |data| expression.parts.iter().fold(data, |data, (kind, part)| part.write(data, *kind)))
            })
        })
    }
}

impl Part {
    fn write(&self, message: Message, kind: u16) -> Message {
        const VALUE: u16 = 1;
        const VERDICT: u16 = 2;
        match self {
            Number(number) => message.number_of_nftables(kind, *number),
            Text(text) => message.text(kind, text),
            Data(bytes) => message.nest(kind, |inner| inner.bytes(VALUE, bytes)),
            Part::Verdict(code, chain) => message.nest(kind, |inner| {
                inner.nest(VERDICT, |inner| {
                    let inner = inner.number_of_nftables(1, *code);
                    chain.iter().fold(inner, |inner, chain| inner.text(2, chain))
                })
            }),
        }
    }
}
