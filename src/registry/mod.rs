//! Registries: what is asked of them over HTTP, and what is believed of their answers, which is little.
//!
//! * Where: `address.rs`. By which way: `http.rs` carries out one request, `agents.rs` keep the connections (`proxies.rs`;
//!   `tls.rs`, `certificates.rs`, `trust.rs`), `unreachable.rs` says why there is none. Answers are read with patience, but not
//!   without end (`short.rs`, `pace.rs`); `complaint.rs` finds the words in a refusal.
//! * Who we are: `known.rs` is all that the user has said, in registries.toml (`settings.rs`) and in Docker's files (`logins.rs`,
//!   `credentials.rs`, `credential_helper.rs`). `door.rs` shows it where a registry wants to see it (`challenge.rs`, `tokens.rs`), and waits
//!   where there is too much to do; `login.rs` only tries whether it is believed.
//! * What for: `repository.rs` is what one repository can be asked: manifests and blobs, which `blob.rs` reads to their end also over
//!   connections that break; its `mirrors.rs` are asked first. `upload.rs` brings both there (`sending.rs`), `search.rs` looks for names.
//!
//! Digests are proven by `image/`, whatever stands here.

mod address;
mod agents;
mod base64;
mod blob;
mod certificates;
mod challenge;
mod complaint;
mod credential_helper;
mod credentials;
mod door;
mod http;
mod known;
mod login;
mod logins;
mod mirrors;
mod pace;
mod proxies;
mod repository;
mod retry_after;
mod search;
mod sending;
mod settings;
mod short;
mod surroundings;
mod tls;
mod tokens;
mod trust;
mod unreachable;
mod upload;

pub use address::Address;
pub use credentials::Login;
pub use known::Known;
pub use login::prove;
pub use logins::Kept;
pub use repository::{Answered, Repository, Wish};
pub use search::{Match, search};
pub use sending::Content;
pub use settings::When;
pub use upload::Went;
