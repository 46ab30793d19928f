//! What goes to a registry along with a question: opened anew each time that it is sent, because a redirect, a token that has grown
//! old or a connection that breaks let it begin again.

use crate::error::Result;
use std::io::{self, Read};

/// A blob that is to go up. It is opened anew for every part of it that is sent.
pub trait Content: Sync {
    /// `sha256:…`
    fn digest(&self) -> &str;
    fn size(&self) -> u64;
    fn open(&self, from: u64) -> Result<Box<dyn Read + '_>>;
}

#[derive(Clone, Copy)]
pub enum Sending<'a> {
    /// For those who expect a body where nothing has to be said.
    Nothing,
    Text(&'a [u8]),
    Part {
        of: &'a dyn Content,
        from: u64,
        length: u64,
    },
}

impl<'a> Sending<'a> {
    pub fn length(&self) -> u64 {
        match self {
            Sending::Nothing => 0,
            Sending::Text(text) => text.len() as u64,
            Sending::Part { length, .. } => *length,
        }
    }

    /// As many bytes as were promised: not one more, and an error where the source has less. Who waits for them would else wait
    /// for ever, and so would we.
    pub fn read(&self) -> Result<impl Read + use<'a>> {
        let source: Box<dyn Read + 'a> = match *self {
            Sending::Nothing => Box::new(io::empty()),
            Sending::Text(text) => Box::new(text),
            Sending::Part { of, from, .. } => of.open(from)?,
        };
        Ok(Exactly { source, left: self.length() })
    }
}

struct Exactly<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.source.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is less of it than was said"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Six;
    impl Content for Six {
        fn digest(&self) -> &str {
            ""
        }
        fn size(&self) -> u64 {
            6
        }
        fn open(&self, from: u64) -> Result<Box<dyn Read + '_>> {
            Ok(Box::new(&b"abcdef"[from as usize..]))
        }
    }

    #[test]
    fn what_was_promised_is_sent_and_nothing_else() {
        let sent = |from, length| {
            let mut text = String::new();
            Sending::Part { of: &Six, from, length }.read().unwrap().read_to_string(&mut text).map(|_| text)
        };
        assert_eq!((sent(0, 6).unwrap(), sent(1, 3).unwrap(), sent(6, 0).unwrap()), ("abcdef".into(), "bcd".into(), String::new()));
        assert_eq!(sent(0, 7).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
