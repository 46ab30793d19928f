//! Where a registry is, and how it is spoken to.
//!
//! `http.rs` carries out one request to an `address.rs`; `agents.rs` keep the connections (`proxies.rs`; `tls.rs`, `certificates.rs`,
//! `trust.rs`; `surroundings.rs` says where nobody may send us), `unreachable.rs` says why there is none. Answers are read with
//! patience, but not without end (`short.rs`, `pace.rs`); `complaint.rs` finds the words in a refusal, `retry_after.rs` how long to wait.

pub mod address;
pub mod agents;
pub mod certificates;
pub mod complaint;
pub mod http;
pub mod pace;
pub mod proxies;
pub mod retry_after;
pub mod short;
pub mod surroundings;
pub mod tls;
pub mod trust;
pub mod unreachable;
