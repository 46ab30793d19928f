//! x
pub mod handshake;
