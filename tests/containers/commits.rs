//! `commit`: what a container has changed becomes an image.
