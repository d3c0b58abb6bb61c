"""Asking models: one file per backend, each a row in `awo.plugins.BACKENDS`. Nothing here records."""
