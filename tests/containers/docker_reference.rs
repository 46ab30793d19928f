//! The examples of Docker's reference, typed.
