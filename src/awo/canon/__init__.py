"""One value, one spelling: canonical JSON, digests, times and paths. No rules live here."""
