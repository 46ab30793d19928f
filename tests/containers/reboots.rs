//! After a start of the machine: `system start`, and the unit of `generate systemd`.
