//! `build`: a Dockerfile becomes an image.
//!
//! The text is understood (`dockerfile/`), and what is needed of it is planned. Each stage is then the work of a process of its own, which
//! goes line by line: a line whose result is known costs one look; any other is carried out in a container of the engine's (RUN) or in a
//! view of the files so far (COPY, ADD, WORKDIR), and what has changed becomes a layer.

pub mod event;
pub mod files;
pub mod request;

pub use event::{Event, Step};
pub use request::Request;
