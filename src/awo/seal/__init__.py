"""Freezes a finished run: digests of every file, a signed seal, and no write permission any more."""
