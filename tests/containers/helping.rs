//! Help, examples, hints, and colour.
