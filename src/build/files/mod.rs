//! COPY and ADD: which files are meant, what they are for a key, and how they get into an image.
//!
//! A `Tree` is where files are found: a context on the host, or the files of a stage. `select.rs` says which of them the words of an
//! instruction mean, and `walk.rs` lists what is below them. `digest.rs` tells one list from another by content (`memory.rs`: what was
//! read once and has not changed is not read again). `carry_out.rs` puts them where the instruction wants them (`target.rs`). `add/` has
//! what only ADD can.
//!
//! Nobody's path is ever given to the kernel as it is written. `real_path.rs` walks over it part by part, inside of the tree, reads the
//! symlinks on the way itself, and ends in a path that has none. From then on everything is opened beneath the root of its tree, and
//! the kernel refuses whatever is a symlink by then: somebody who exchanges files meanwhile reaches an error, and no other file.

mod add;
mod carry_out;
mod chmod;
mod digest;
mod filter;
mod look;
mod make;
mod memory;
mod owner;
mod parents;
mod real_path;
mod select;
mod target;
mod tree;
mod walk;

pub use add::{Errand, Repository, is_elsewhere};
pub use carry_out::{Options, Part, carry_out, carry_out_all};
pub use chmod::Chmod;
pub use digest::{digest, hex};
pub use filter::Filter;
pub use memory::Memory;
pub use owner::owner;
pub use select::{Selection, select};
pub use target::make_directory;
pub use tree::{Ignored, Tree};

#[cfg(test)]
mod tests;
