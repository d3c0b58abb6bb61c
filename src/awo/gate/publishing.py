"""What awo.toml says of freezing runs and sending them out: the tables [seal] and [scan]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from awo.errors import UsageError
from awo.evidence.redaction import Waiver
from awo.gate.checklist import why_not_plain
from awo.gate.settings import refuse_unknown

_SEAL: Final = ("immutable",)
_SCAN: Final = ("waive",)
_WAIVER: Final = ("finding", "where", "reason")
LONGEST: Final = 1000


def read_seal(table: Mapping[str, Any], *, where: str) -> bool:
    """Whether sealed files are to be made immutable, from [seal]. Raises `UsageError`, naming `where`."""
    refuse_unknown(table, _SEAL, "in [seal]", where)
    value = table.get("immutable", False)
    if not isinstance(value, bool):
        raise UsageError(
            "seal.immutable has the wrong value", where=where, expected="true or false", got=ascii(value)[:80]
        )
    return value


def read_scan(table: Mapping[str, Any], *, where: str) -> tuple[Waiver, ...]:
    """What the scan lets pass, from [scan]. Raises `UsageError`, naming `where`."""
    refuse_unknown(table, _SCAN, "in [scan]", where)
    given = table.get("waive", [])
    if not isinstance(given, list):
        raise _wrong("scan.waive", given, where)
    return tuple(_waiver(one, number, where) for number, one in enumerate(given, 1))


def _waiver(value: object, number: int, where: str) -> Waiver:
    place = f"scan.waive, number {number}"
    if not isinstance(value, dict):
        raise _wrong(place, value, where)
    refuse_unknown(value, _WAIVER, f"in {place}", where)
    texts = {key: value.get(key, "") for key in _WAIVER}
    if not all(isinstance(text, str) and len(text) <= LONGEST and not why_not_plain(text) for text in texts.values()):
        raise _wrong(place, value, where)
    if not texts["finding"].strip() or not texts["reason"].strip():
        raise _wrong(place, value, where)
    return Waiver(finding=texts["finding"].strip(), where=texts["where"].strip(), reason=texts["reason"].strip())


def _wrong(place: str, got: object, where: str) -> UsageError:
    return UsageError(
        f"{place} has the wrong value",
        where=where,
        expected='{finding = "ID or kind", where = "outputs/*", reason = "why it may be published"}',
        got=ascii(got)[:80],
    )
