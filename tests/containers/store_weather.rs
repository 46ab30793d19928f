//! Disk full, read-only, of a newer version, two at once: clear errors, and nothing lost.
