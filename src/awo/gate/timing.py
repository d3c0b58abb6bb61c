"""What awo.toml says of trusted time: the table [time]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from awo.errors import UsageError
from awo.gate.settings import refuse_unknown

_TIME: Final = ("authority", "stamp")


@dataclass(frozen=True, slots=True)
class TimeSettings:
    """The address of the authority that puts time stamps, '' for none, and whether every seal gets one."""

    authority: str = ""
    stamp: bool = False


NO_TIME: Final = TimeSettings()


def read_time(table: Mapping[str, Any], *, where: str) -> TimeSettings:
    """The settings in [time]. Raises `UsageError`, naming `where`; no address is shown, for it can hold a secret."""
    refuse_unknown(table, _TIME, "in [time]", where)
    authority, stamp = table.get("authority", ""), table.get("stamp", False)
    if not isinstance(authority, str) or not (authority == "" or authority.startswith(("http://", "https://"))):
        raise UsageError(
            "time.authority has the wrong value",
            where=where,
            expected='an address like "https://tsa.example.org/" (RFC 3161 over HTTP)',
        )
    if not isinstance(stamp, bool):
        raise UsageError("time.stamp has the wrong value", where=where, expected="true or false", got=ascii(stamp)[:80])
    if stamp and not authority:
        raise UsageError("time.stamp needs an authority", where=where, hint='add authority = "https://…" beside it')
    return TimeSettings(authority, stamp)
