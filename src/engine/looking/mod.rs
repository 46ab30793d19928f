//! What can be seen of all that is here: what happened, what is used, what takes room, what is wrong.

pub mod check;
pub mod events;
pub mod layer_tree;
pub mod ports;
pub mod room;
pub mod size;
pub mod stats;
pub mod top;
