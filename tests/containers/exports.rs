//! `export` and `diff`: a container's files as they are, and what it has changed.
