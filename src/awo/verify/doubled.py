"""Finds a key that stands twice in one JSON object: readers differ in which of its values they take."""

from __future__ import annotations

import json
from typing import Any


class _DoubledError(Exception):
    pass


def doubled_key(data: bytes) -> str:
    """The first key that an object of `data` has twice, or '' when none does. `data` was parsed before."""
    try:
        json.loads(data, object_pairs_hook=_refuse)
    except _DoubledError as found:
        return str(found)
    except (ValueError, RecursionError):
        return ""  # what the strict parser took and this one does not has no keys in dispute
    return ""


def _refuse(pairs: list[tuple[str, Any]]) -> None:
    keys = set()
    for key, _ in pairs:
        if key in keys:
            raise _DoubledError(key)
        keys.add(key)
