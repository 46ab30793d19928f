//! The rules of others on this host that stand in the way.
