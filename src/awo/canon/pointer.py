"""JSON pointers (RFC 6901): how a place in a JSON text is named."""

from __future__ import annotations


def pointer_to(above: str, name: str | int) -> str:
    """The pointer to the member or element `name` of the value at the pointer `above`, which is '' for the whole."""
    return f"{above}/{name.replace('~', '~0').replace('/', '~1')}" if isinstance(name, str) else f"{above}/{name}"
