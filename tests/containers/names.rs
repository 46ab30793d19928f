//! Names, ids and volumes under attack.
