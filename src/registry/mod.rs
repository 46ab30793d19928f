//! Registries: what is asked of them over HTTP, and what is believed of their answers, which is little.
//!
//! `address.rs` says where a registry is and how it may be spoken to, `http.rs` carries out one request, `login.rs` and `challenge.rs`
//! say who we are, `known.rs` is all that the user has said (`settings.rs`: in registries.toml), `repository.rs` is what one repository
//! can be asked: manifests and blobs, which `blob.rs` reads to their end also over connections that break. `upload.rs` brings blobs and
//! manifests there (`sending.rs`), `search.rs` looks for names; all of them come in by `door.rs`, which shows who we are and waits where
//! the registry has too much to do. Digests are proven by `image/`, whatever stands here.

mod address;
mod agents;
mod base64;
mod blob;
mod certificates;
mod challenge;
mod credentials;
mod door;
mod helpers;
mod http;
mod known;
mod login;
mod proxies;
mod repository;
mod search;
mod sending;
mod settings;
mod tokens;
mod unreachable;
mod upload;

pub use address::Address;
pub use credentials::{Kept, Login};
pub use known::Known;
pub use login::prove;
pub use repository::{Answered, Repository, Wish};
pub use search::{Match, search};
pub use sending::Content;
pub use settings::When;
pub use upload::Went;
