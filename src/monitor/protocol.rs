//! The words that a monitor and its clients say to each other, and their form on the wire. Pure: bytes in, words out.
//!
//! ```text
//!   client (run, attach)                       monitor
//!     Attach ─────────────────────────────────►   (a client that came later; the first one's wishes are known)
//!                      ◄───────────────────────── Started, or Failed and the end
//!     Stdin, StdinClosed, Resize, Signal ─────►
//!                      ◄───────────────────────── Output … Taken (that much of Stdin has reached the container)
//!     Detach, or nothing ─────────────────────►
//!                      ◄───────────────────────── Exited and the end
//! ```
//!
//! A frame is one byte that says which word it is, four bytes (little endian) for the length of what follows, and that.

use crate::error::{Error, Kind};
use crate::sys::terminal::Size;

/// One byte and a length.
pub const HEADER: usize = 5;
/// No frame carries more: who announces more is not one of us.
pub const LONGEST: usize = 64 << 10;
/// A client sends at most so many bytes of Stdin that were not yet acknowledged by Taken. So the monitor always reads its
/// clients (a signal never waits behind input that the container does not want), and still keeps little.
pub const WINDOW: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// Which of the container's streams a client takes part in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

impl Wants {
    pub fn stream(self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}

/// From a client to the monitor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToMonitor<'a> {
    Attach(Wants),
    Stdin(&'a [u8]),
    /// The client's own input has ended.
    StdinClosed,
    Resize(Size),
    /// For pid 1 of the container.
    Signal(i32),
    /// The client leaves and the container's input stays open.
    Detach,
    /// How did the start go?
    Timeline,
}

/// From the monitor to a client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToClient<'a> {
    /// The command runs; pid 1 in the host's numbers.
    Started {
        pid: i32,
    },
    /// It could not be started; an `Error` in parts.
    Failed {
        kind: Kind,
        text: &'a str,
        hint: Option<&'a str>,
    },
    Output {
        stream: Stream,
        bytes: &'a [u8],
    },
    Taken(u32),
    Exited(i32),
    /// Marks as `trace::timeline` packs them, eight bytes each.
    Timeline(&'a [u8]),
}

impl ToClient<'_> {
    /// The error that a Failed carries; none for the other words.
    pub fn to_error(&self) -> Option<Error> {
        let ToClient::Failed { kind, text, hint } = *self else { return None };
        let error = Error::new(kind, text);
        Some(match hint {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }
}

/// A frame that nobody of ours would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// What both directions have in common.
pub trait Word<'a>: Sized {
    fn parse(kind: u8, payload: &'a [u8]) -> Option<Self>;
    fn write(&self, payload: &mut Vec<u8>) -> u8;
}

/// The first word in `bytes` and how many bytes it took; `None`: it is not complete yet.
pub fn decode<'a, W: Word<'a>>(bytes: &'a [u8]) -> Result<Option<(W, usize)>, Damaged> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else { return Ok(None) };
    let length = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
    if length > LONGEST {
        return Err(Damaged);
    }
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    let word = W::parse(header[0], payload).ok_or(Damaged)?;
    Ok(Some((word, HEADER + length)))
}

/// Appends one frame.
pub fn encode<'a>(word: &impl Word<'a>, frames: &mut Vec<u8>) {
    let start = frames.len();
    frames.extend_from_slice(&[0; HEADER]);
    frames[start] = word.write(frames);
    let length = frames.len() - start - HEADER;
    debug_assert!(length <= LONGEST);
    frames[start + 1..start + HEADER].copy_from_slice(&(length as u32).to_le_bytes());
}

/// The head of an Output frame whose bytes already lie where they are sent from: output is never copied on its way.
pub fn output_header(stream: Stream, length: usize) -> [u8; HEADER] {
    let length = (length as u32).to_le_bytes();
    [output_kind(stream), length[0], length[1], length[2], length[3]]
}

fn output_kind(stream: Stream) -> u8 {
    match stream {
        Stream::Stdout => STDOUT,
        Stream::Stderr => STDERR,
    }
}

const ATTACH: u8 = 1;
const STDIN: u8 = 2;
const STDIN_CLOSED: u8 = 3;
const RESIZE: u8 = 4;
const SIGNAL: u8 = 5;
const DETACH: u8 = 6;
const ASK_TIMELINE: u8 = 7;

const STARTED: u8 = 65;
const FAILED: u8 = 66;
const STDOUT: u8 = 67;
const STDERR: u8 = 68;
const TAKEN: u8 = 69;
const EXITED: u8 = 70;
const TIMELINE: u8 = 71;

impl<'a> Word<'a> for ToMonitor<'a> {
    fn parse(kind: u8, payload: &'a [u8]) -> Option<Self> {
        Some(match (kind, payload) {
            (ATTACH, &[bits]) if bits < 8 => {
                ToMonitor::Attach(Wants { stdin: bits & 1 != 0, stdout: bits & 2 != 0, stderr: bits & 4 != 0 })
            }
            (STDIN, bytes) => ToMonitor::Stdin(bytes),
            (STDIN_CLOSED, []) => ToMonitor::StdinClosed,
            (RESIZE, &[a, b, c, d]) => ToMonitor::Resize(Size { rows: u16::from_le_bytes([a, b]), columns: u16::from_le_bytes([c, d]) }),
            (SIGNAL, number) => ToMonitor::Signal(integer(number).filter(|number| (1..=64).contains(number))?),
            (DETACH, []) => ToMonitor::Detach,
            (ASK_TIMELINE, []) => ToMonitor::Timeline,
            _ => return None,
        })
    }

    fn write(&self, payload: &mut Vec<u8>) -> u8 {
        match *self {
            ToMonitor::Attach(wants) => {
                payload.push(u8::from(wants.stdin) | u8::from(wants.stdout) << 1 | u8::from(wants.stderr) << 2);
                ATTACH
            }
            ToMonitor::Stdin(bytes) => {
                payload.extend_from_slice(bytes);
                STDIN
            }
            ToMonitor::StdinClosed => STDIN_CLOSED,
            ToMonitor::Resize(size) => {
                payload.extend_from_slice(&size.rows.to_le_bytes());
                payload.extend_from_slice(&size.columns.to_le_bytes());
                RESIZE
            }
            ToMonitor::Signal(number) => {
                payload.extend_from_slice(&number.to_le_bytes());
                SIGNAL
            }
            ToMonitor::Detach => DETACH,
            ToMonitor::Timeline => ASK_TIMELINE,
        }
    }
}

impl<'a> Word<'a> for ToClient<'a> {
    fn parse(kind: u8, payload: &'a [u8]) -> Option<Self> {
        Some(match kind {
            STARTED => ToClient::Started { pid: integer(payload)? },
            FAILED => parse_failed(payload)?,
            STDOUT => ToClient::Output { stream: Stream::Stdout, bytes: payload },
            STDERR => ToClient::Output { stream: Stream::Stderr, bytes: payload },
            TAKEN => ToClient::Taken(u32::from_le_bytes(payload.try_into().ok()?)),
            EXITED => ToClient::Exited(integer(payload)?),
            TIMELINE if payload.len().is_multiple_of(8) => ToClient::Timeline(payload),
            _ => return None,
        })
    }

    fn write(&self, payload: &mut Vec<u8>) -> u8 {
        match *self {
            ToClient::Started { pid } => {
                payload.extend_from_slice(&pid.to_le_bytes());
                STARTED
            }
            ToClient::Failed { kind, text, hint } => {
                let text = shortened(text);
                payload.push(kind.number());
                payload.extend_from_slice(&(text.len() as u32).to_le_bytes());
                payload.extend_from_slice(text.as_bytes());
                if let Some(hint) = hint {
                    payload.push(b'?');
                    payload.extend_from_slice(shortened(hint).as_bytes());
                }
                FAILED
            }
            ToClient::Output { stream, bytes } => {
                payload.extend_from_slice(bytes);
                output_kind(stream)
            }
            ToClient::Taken(bytes) => {
                payload.extend_from_slice(&bytes.to_le_bytes());
                TAKEN
            }
            ToClient::Exited(code) => {
                payload.extend_from_slice(&code.to_le_bytes());
                EXITED
            }
            ToClient::Timeline(marks) => {
                payload.extend_from_slice(marks);
                TIMELINE
            }
        }
    }
}

/// The kind, the length of the text, the text, and if there is a hint a question mark and the hint.
fn parse_failed(payload: &[u8]) -> Option<ToClient<'_>> {
    let (&kind, rest) = payload.split_first()?;
    let (length, rest) = rest.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let (text, rest) = rest.split_at_checked(length)?;
    let hint = match rest {
        [] => None,
        [b'?', hint @ ..] => Some(std::str::from_utf8(hint).ok()?),
        _ => return None,
    };
    Some(ToClient::Failed { kind: Kind::of_number(kind)?, text: std::str::from_utf8(text).ok()?, hint })
}

fn integer(payload: &[u8]) -> Option<i32> {
    Some(i32::from_le_bytes(payload.try_into().ok()?))
}

/// No message is long enough for this to matter, but a path in it may be.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(16 << 10);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_monitor() -> Vec<ToMonitor<'static>> {
        vec![
            ToMonitor::Attach(Wants { stdin: true, stdout: false, stderr: true }),
            ToMonitor::Stdin(b"words\n"),
            ToMonitor::Stdin(b""),
            ToMonitor::StdinClosed,
            ToMonitor::Resize(Size { rows: 24, columns: 300 }),
            ToMonitor::Signal(15),
            ToMonitor::Detach,
        ]
    }

    fn to_client() -> Vec<ToClient<'static>> {
        vec![
            ToClient::Started { pid: 4711 },
            ToClient::Failed { kind: Kind::CommandNotFound, text: "command x: not found", hint: Some("look at the image") },
            ToClient::Failed { kind: Kind::Failed, text: "é", hint: None },
            ToClient::Output { stream: Stream::Stdout, bytes: b"\0\xff" },
            ToClient::Output { stream: Stream::Stderr, bytes: b"" },
            ToClient::Taken(65536),
            ToClient::Exited(137),
        ]
    }

    #[test]
    fn every_word_arrives_as_it_was_sent_however_the_bytes_are_cut() {
        let mut frames = Vec::new();
        for word in to_monitor() {
            frames.clear();
            encode(&word, &mut frames);
            assert_eq!(decode::<ToMonitor>(&frames).unwrap(), Some((word, frames.len())));
            for cut in 0..frames.len() {
                assert_eq!(decode::<ToMonitor>(&frames[..cut]).unwrap(), None);
            }
        }
        for word in to_client() {
            frames.clear();
            encode(&word, &mut frames);
            assert_eq!(decode::<ToClient>(&frames).unwrap(), Some((word, frames.len())));
            for cut in 0..frames.len() {
                assert_eq!(decode::<ToClient>(&frames[..cut]).unwrap(), None);
            }
        }
    }
    #[test]
    fn an_output_header_is_an_output_frame() {
        let mut frame = output_header(Stream::Stderr, 3).to_vec();
        frame.extend_from_slice(b"abc");
        assert_eq!(decode::<ToClient>(&frame).unwrap(), Some((ToClient::Output { stream: Stream::Stderr, bytes: b"abc" }, 8)));
    }

    #[test]
    fn an_error_survives_the_way_with_its_kind_and_hint() {
        let word = ToClient::Failed { kind: Kind::CannotExecute, text: "a: b", hint: Some("c") };
        let error = word.to_error().unwrap();
        assert_eq!((error.kind(), error.to_string().as_str(), error.hint_text()), (Kind::CannotExecute, "a: b", Some("c")));
        assert!(ToClient::Exited(0).to_error().is_none());
    }

    #[test]
    fn hostile_frames_are_refused_and_nothing_panics() {
        for frame in [
            &[STDIN, 1, 0, 1, 0][..],
            &[0, 0, 0, 0, 0],
            &[SIGNAL, 4, 0, 0, 0, 99, 0, 0, 0],
            &[SIGNAL, 4, 0, 0, 0, 0, 0, 0, 0],
            &[ATTACH, 1, 0, 0, 0, 8],
            &[RESIZE, 1, 0, 0, 0, 8],
            &[STDIN_CLOSED, 1, 0, 0, 0, 8],
        ] {
            assert_eq!(decode::<ToMonitor>(frame), Err(Damaged), "{frame:?}");
        }
        for frame in
            [&[FAILED, 5, 0, 0, 0, 0, 255, 255, 255, 255][..], &[FAILED, 0, 0, 0, 0], &[FAILED, 7, 0, 0, 0, 0, 1, 0, 0, 0, b'a', b'b']]
        {
            assert_eq!(decode::<ToClient>(frame), Err(Damaged), "{frame:?}");
        }
        // Every short frame of a few bytes, tried.
        let mut seed = 1u32;
        for _ in 0..200_000 {
            let mut frame = [0u8; 14];
            for byte in &mut frame {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (seed >> 24) as u8;
            }
            frame[0] = [ATTACH, RESIZE, SIGNAL, STARTED, FAILED, TAKEN][seed as usize % 6];
            frame[1] %= 12;
            frame[2..5].fill(0);
            let _ = decode::<ToMonitor>(&frame);
            let _ = decode::<ToClient>(&frame);
        }
    }
}
