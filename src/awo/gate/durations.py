"""Durations as people write them in awo.toml: `90m`, `36h`, `14d`, `2w`."""

from __future__ import annotations

import re
from typing import Final

FORM: Final = 'a text like "90m", "36h", "14d" or "2w", at most 100 years; "none" for none'
NONE: Final = "none"
LONGEST_S: Final = 36_525 * 86_400

_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_FORM = re.compile(r"([1-9][0-9]{0,8})([mhdw])")


def read_duration(text: str) -> int | None:
    """The seconds that `text` spells, 0 for `none`; None when it is no duration in the form of `FORM`."""
    if text == NONE:
        return 0
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    seconds = int(found[1]) * _SECONDS[found[2]]
    return seconds if seconds <= LONGEST_S else None
