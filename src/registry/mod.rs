//! Registries: what is asked of them over HTTP, and what is believed of their answers, which is little.
//!
//! * `way/`: where a registry is, and how it is spoken to.
//! * `who/`: who we are there, and how that is shown.
//! * Here: `known.rs` is all that the user has said (`settings.rs`: in registries.toml). `repository.rs` is what one repository can be asked:
//!   manifests and blobs, which `blob.rs` reads to their end also over connections that break; its `mirrors.rs` are asked first.
//!   `upload.rs` brings both there (`sending.rs`), `search.rs` looks for names. `download.rs` gets a file from anywhere, for builds.
//!
//! Digests are proven by `image/`, whatever stands here.

mod blob;
mod download;
mod known;
mod mirrors;
mod repository;
mod search;
mod sending;
mod settings;
mod upload;
mod way;
mod who;

pub use download::{Download, Downloaded, download};
pub use known::Known;
pub use repository::{Answered, Repository, Wish};
pub use search::{Match, search};
pub use sending::Content;
pub use settings::When;
pub use upload::Went;
pub use way::address::Address;
pub use who::base64::to_base64;
pub use who::credentials::Login;
pub use who::login::prove;
pub use who::logins::Kept;
