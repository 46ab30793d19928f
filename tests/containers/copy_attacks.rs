//! What a hostile container tries while files are copied.
