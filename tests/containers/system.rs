//! `system df`, `system prune`, `system check`.
