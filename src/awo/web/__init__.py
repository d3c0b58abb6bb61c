"""What answers requests of others over HTTP: a witness of ledgers. Opened by hand, on this machine only by default."""
