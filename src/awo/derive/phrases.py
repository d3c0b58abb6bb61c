"""How facts are said to people: sizes, durations, times, digests and counts, always the same way."""

from __future__ import annotations

from datetime import timedelta

from awo.canon.time import read

DIGEST_SHOWN = 12


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 step`, `1,200 steps`; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def times(number: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def size(size_bytes: int) -> str:
    """`912 B`, `1.2 kB`, `98.0 MB` (powers of 1000)."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    number, unit = size_bytes / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if number < 999.95:
            break
        number, unit = number / 1000, larger
    return f"{number:.1f} {unit}"


def moment(time: str) -> str:
    """`2026-11-23 06:09:00 UTC` for a time in our spelling; any other text unchanged."""
    try:
        read(time)
    except ValueError:
        return time
    return f"{time[:10]} {time[11:19]} UTC"


def between(start: str, end: str) -> str:
    """`3 ms`, `1.2 s`, `4 min 10 s`, `3 h 5 min`, `2 days 4 h`; '' when either time is missing."""
    try:
        passed = read(end) - read(start)
    except ValueError:
        return ""
    whole_ms = max(passed, timedelta()) // timedelta(milliseconds=1)
    if whole_ms < 1000:
        return f"{whole_ms} ms"
    if whole_ms < 60_000:
        return f"{whole_ms // 1000}.{whole_ms % 1000 // 100} s"
    seconds = whole_ms // 1000
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{count(seconds // 86_400, 'day')} {seconds % 86_400 // 3600} h"


def short_digest(digest: str) -> str:
    """The first twelve digits, enough to compare by eye."""
    return digest[:DIGEST_SHOWN] + "…" if len(digest) > DIGEST_SHOWN else digest
