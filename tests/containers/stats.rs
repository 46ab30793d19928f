//! `stats`: what containers use.
