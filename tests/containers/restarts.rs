//! Restart policies: who comes back, how often, and after what time.
