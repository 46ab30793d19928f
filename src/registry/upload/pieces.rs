//! A blob goes up piece by piece. Where something breaks the registry says how much has arrived, and it goes on from there.

use super::{OCTETS, Sent, Session, header, pause, with_digest};
use crate::error::Result;
use crate::registry::repository::Repository;
use crate::registry::sending::{Content, Sending};
use crate::registry::way::http::{Answer, Question};
use ureq::http::Method;

/// What is sent again at most when a connection breaks.
const PIECE: u64 = 16 << 20;
/// What stands before a registry often takes no more than a MiB at once.
const SMALLEST: u64 = 256 << 10;
/// So often in a row without a new byte.
const TRIES: u32 = 5;

/// What became of one piece.
enum Piece {
    /// So much of the blob is there now.
    Arrived(u64),
    TooLong(Sent),
    /// The registry must say how far it got.
    Unsure(Sent),
    Over(Sent),
}

impl Repository {
    pub(super) fn send_pieces(&self, mut session: Session, content: &dyn Content) -> Result<Sent> {
        let size = content.size();
        let shortest = SMALLEST.max(session.shortest);
        let mut length = PIECE.max(shortest);
        let (mut furthest, mut tried) = (0, 0);
        while session.at < size {
            let end = size.min(session.at.saturating_add(length));
            let shorter = ((end - session.at) / 4).max(shortest);
            let arrived = match self.send_piece(&mut session, content, end)? {
                Piece::Arrived(at) => at,
                Piece::Over(sent) => return Ok(sent),
                Piece::TooLong(sent) if end - session.at <= shortest => return Ok(sent),
                Piece::TooLong(_) => {
                    length = shorter;
                    continue;
                }
                Piece::Unsure(sent) if tried >= TRIES => return Ok(sent),
                Piece::Unsure(sent) => {
                    pause(tried + 1);
                    // Less is lost by the next one; and who hangs up on what is too long does not say so.
                    length = shorter;
                    match self.look_again(&mut session) {
                        Ok(Some(at)) => at,
                        Ok(None) => return Ok(sent),
                        // Nobody is there at the moment: it is tried once more from here.
                        Err(_) => session.at,
                    }
                }
            };
            match arrived > furthest {
                _ if arrived > end => return Err(self.lost("it says that it has more than it was sent")),
                true => (furthest, tried) = (arrived, 0),
                false if tried > TRIES => return Err(self.lost("it does not keep what it is sent")),
                false => tried += 1,
            }
            session.at = arrived;
        }
        match self.say(Method::PUT, &with_digest(&session.location, content), &[OCTETS], Sending::Nothing) {
            Ok(answer) => self.finished(answer),
            Err(error) => Ok(Sent::Broke(error)),
        }
    }

    fn send_piece(&self, session: &mut Session, content: &dyn Content, end: u64) -> Result<Piece> {
        let at = session.at;
        // What cannot be read here is no fault of the registry's.
        content.open(at)?;
        let range = format!("{at}-{}", end - 1);
        let body = Sending::Part { of: content, from: at, length: end - at };
        let answer = match self.say(Method::PATCH, &session.location, &[OCTETS, ("content-range", &range)], body) {
            Ok(answer) => answer,
            Err(error) => return Ok(Piece::Unsure(Sent::Broke(error))),
        };
        Ok(match answer.status().as_u16() {
            200..=299 => {
                self.move_on(session, &answer)?;
                Piece::Arrived(arrived(&answer).unwrap_or(end))
            }
            413 => Piece::TooLong(Sent::NotSo(self.strange(answer))),
            400 | 405 | 411 | 501 if at == 0 => Piece::Over(Sent::NotSo(self.strange(answer))),
            416 | 429 | 500..=599 => Piece::Unsure(Sent::Broke(self.strange(answer))),
            404 => Piece::Over(Sent::Broke(self.strange(answer))),
            _ => return Err(self.strange(answer)),
        })
    }

    /// How much of the upload has arrived. `None`: it is not known any more.
    fn look_again(&self, session: &mut Session) -> Result<Option<u64>> {
        let answer = self.door.ask(Question::get(&session.location), &self.scope())?;
        if !answer.status().is_success() {
            return Ok(None);
        }
        self.move_on(session, &answer)?;
        Ok(arrived(&answer))
    }

    /// The address of an upload may change with every piece.
    fn move_on(&self, session: &mut Session, answer: &Answer) -> Result<()> {
        if let Some(location) = self.location(answer)? {
            session.location = location;
        }
        Ok(())
    }
}

/// `Range: 0-1023` says that 1024 bytes are there. `0-0` is what registries write when nothing is: no piece is one byte long.
fn arrived(answer: &Answer) -> Option<u64> {
    count(header(answer, "range")?)
}

fn count(range: &str) -> Option<u64> {
    let last: u64 = range.trim().trim_start_matches("bytes").trim_start_matches(['=', ' ']).strip_prefix("0-")?.parse().ok()?;
    if last == 0 { Some(0) } else { last.checked_add(1) }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_registry_says_how_much_it_has() {
        assert_eq!((count("0-1023"), count("bytes=0-1023"), count("0-0")), (Some(1024), Some(1024), Some(0)));
        for nonsense in ["", "0-", "5-10", "0-x", "1023", "0-18446744073709551615"] {
            assert_eq!(count(nonsense), None, "{nonsense}");
        }
    }
}
