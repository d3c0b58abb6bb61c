"""Whether all texts of a column are in their spelling, asked once for all: a pattern for each would cost more than
reading them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_HEX: Final = b"0123456789abcdef"
_AS_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_TIME: Final = b"0000-00-00T00:00:00.000000Z"


def are_hex(texts: Sequence[str], digits: int) -> bool:
    """Whether each is that many lower-case hex digits."""
    return set(map(len, texts)) <= {digits} and not _bytes(texts).translate(None, _HEX)


def are_times(texts: Sequence[str]) -> bool:
    """Whether each is a time as `time.PATTERN` has it, in ASCII digits."""
    is_long = set(map(len, texts)) <= {len(_TIME)}
    return is_long and _bytes(texts).translate(_AS_ZEROS) == _TIME * len(texts)


def are_all(texts: Iterable[str], pattern: re.Pattern[str]) -> bool:
    """Whether each fits the pattern; for texts of which there are few different ones."""
    return all(map(pattern.search, set(texts)))


def _bytes(texts: Sequence[str]) -> bytes:
    return "".join(texts).encode("utf-8", "replace")
