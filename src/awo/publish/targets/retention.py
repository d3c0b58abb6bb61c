"""For how long a file at an object store can be neither deleted nor altered, and who could lift that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from awo.errors import UsageError

Mode = Literal["COMPLIANCE", "GOVERNANCE"]
"""Of S3 Object Lock: nobody can lift the first before its time, the owner of the bucket gives the right to lift the
second."""

MOST_DAYS = 36_500
"""A hundred years: the longest that S3 takes."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Retention:
    """`until` is aware, UTC, in whole seconds: servers keep no more."""

    mode: Mode
    until: datetime

    @property
    def is_final(self) -> bool:
        """Whether nobody can take it back."""
        return self.mode == "COMPLIANCE"

    def holds(self, other: Retention | None) -> bool:
        """Whether `other`, as it is found at the place, is at least as strong and as long."""
        return other is not None and other.until >= self.until and (other.is_final or not self.is_final)

    def __str__(self) -> str:
        """As it is recorded: the time first, so that records sort by it."""
        return f"{self.until:%Y-%m-%dT%H:%M:%S.%fZ} {self.mode}"


def read_retention(until: str, days: int | None, mode: Mode, now: datetime) -> Retention:
    """What was asked for with --retain-until (a day, or a time) or --retain-days. A day means its end, in UTC.

    Raises `UsageError` for neither, both, a day that does not exist, a time that is past or over a hundred years off.
    """
    if bool(until) == (days is not None):
        raise UsageError(
            "files are kept at an object store for a time that you say",
            expected="--retain-until DATE or --retain-days N",
            got="both" if until else "neither",
            hint="a long time cannot be shortened later: begin with --retain-days 1 --retain-mode governance",
        )
    end = _end(until) if days is None else _after(now, days)
    if not now + timedelta(minutes=1) <= end <= now + timedelta(days=MOST_DAYS + 1):
        raise UsageError(
            "files cannot be kept until then",
            where="--retain-until" if days is None else "--retain-days",
            expected=f"a time from now to {MOST_DAYS} days from now",
            got=f"{end:%Y-%m-%dT%H:%M:%SZ}",
        )
    return Retention(mode, end)


def _after(now: datetime, days: int) -> datetime:
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(
            "files cannot be kept for so many days", where="--retain-days", expected=f"1 to {MOST_DAYS}", got=str(days)
        )
    # to the end of the day: who goes on an hour later asks for the same
    return (now + timedelta(days=days)).replace(hour=23, minute=59, second=59, microsecond=0)


def _end(text: str) -> datetime:
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(f"{text}T23:59:59+00:00")
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        pass
    raise UsageError(
        "this is no date",
        where="--retain-until",
        expected="2036-12-31 (until its end, UTC), or 2036-12-31T12:00:00Z",
        got=text[:40],
    )
