//! `update`: limits and policies change while a container runs.
