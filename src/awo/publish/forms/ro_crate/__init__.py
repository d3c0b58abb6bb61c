"""A run as an RO-Crate: what happened, by whom and with what, in the words of research objects (docs/crates.md)."""
