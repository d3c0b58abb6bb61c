"""What came of looking for something on a machine: found, none found, or could not look; three different answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

FOUND: Final = "found"
NONE: Final = "none found"
COULD_NOT: Final = "could not look"

LONGEST_TEXT: Final = 200
LARGEST_BYTES: Final = 1 << 20


def could_not(why: str) -> dict[str, Any]:
    """The record of something that could not be looked for."""
    return {"looked": COULD_NOT, "why": why}


def text_of(path: Path) -> str:
    """The text of a small file of the system, '' where there is none or it may not be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST_BYTES).decode(errors="replace").strip()
    except OSError:
        return ""


def one_line(text: str) -> str:
    """Text of a system as one short line that can be shown."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:LONGEST_TEXT]
