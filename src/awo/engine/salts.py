"""Salts for what is recorded: 128 bits of chance each, drawn from the system in one go for many."""

from __future__ import annotations

import os
from collections.abc import Iterator

SALT_BYTES = 16
SALTS_A_DRAW = 256


def _salts() -> Iterator[str]:
    while True:
        drawn = os.urandom(SALT_BYTES * SALTS_A_DRAW).hex()
        for start in range(0, len(drawn), 2 * SALT_BYTES):
            yield drawn[start : start + 2 * SALT_BYTES]


_source = _salts()


def new_salt() -> str:
    """32 hexadecimal digits that nobody can guess; used once."""
    return next(_source)
