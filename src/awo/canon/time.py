"""Times in one spelling: RFC 3339, UTC, six digits of a second, `Z`."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$(?!\n)"
_pattern = re.compile(PATTERN)


def now() -> str:
    """This moment by the machine's clock, as `2026-11-23T06:09:00.000000Z`."""
    return spell(time.time_ns() // 1000)


def spell(microseconds: int) -> str:
    """A count of microseconds since 1970-01-01T00:00:00Z in our spelling."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


@lru_cache(maxsize=4)  # a busy run spells thousands of times within one second
def _second(seconds: int) -> str:
    y, mo, d, h, mi, s, *_ = time.gmtime(seconds)
    return f"{y:04d}-{mo:02d}-{d:02d}T{h:02d}:{mi:02d}:{s:02d}"


def read(text: str) -> datetime:
    """The aware UTC time that `text` spells; `ValueError` when it is not our spelling."""
    if not _pattern.match(text):
        raise ValueError(f"not a time like 2026-11-23T06:09:00.000000Z: {text!r}")
    date = int(text[:4]), int(text[5:7]), int(text[8:10])
    return datetime(*date, int(text[11:13]), int(text[14:16]), int(text[17:19]), int(text[20:26]), tzinfo=UTC)


def later(text: str, seconds: int) -> str:
    """The time that many seconds after the one that `text` spells. Raises as `read`, and `OverflowError`."""
    return (read(text) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def run_id_for(text: str) -> str:
    """The run id that belongs to a time: `run_2026-11-23T06-09-00Z`."""
    return f"run_{text[:10]}T{text[11:19].replace(':', '-')}Z"
