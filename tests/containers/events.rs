//! `events`: what happened, told in order.
