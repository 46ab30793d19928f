//! Who we are to a registry, and how that is shown.
//!
//! Docker's and podman's files know it (`logins.rs`, `credentials.rs`), or a program that keeps it better (`credential_helper.rs`).
//! `door.rs` shows it where a registry wants to see it (`challenge.rs`, `tokens.rs`), and waits where there is too much to do;
//! `login.rs` only tries whether it is believed.

pub mod base64;
pub mod challenge;
pub mod credential_helper;
pub mod credentials;
pub mod door;
pub mod login;
pub mod logins;
pub mod tokens;
