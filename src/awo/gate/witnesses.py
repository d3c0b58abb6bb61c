"""The witnesses that `awo.toml` names: `[ledger] witnesses = [{ url = "...", key = "..." }]`."""

from __future__ import annotations

from typing import Any, Final

from awo.errors import UsageError
from awo.gate.settings import refuse_unknown

_WITNESS: Final = ("url", "key")
_EXPECTED: Final = 'a list like [{ url = "https://witness.example.org", key = "example.org/witness+0f1e2d3c+BA..." }]'


def read_witnesses(value: Any, *, where: str) -> tuple[tuple[str, str], ...]:
    """The URL and the verifier key of each witness, in the order of the file.

    Raises `UsageError`, naming `where`, for another shape, an address that is no web address, and a key that is not
    of a witness. An address is not shown: it can hold a secret.
    """
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise UsageError(
            "ledger.witnesses has the wrong value", where=where, expected=_EXPECTED, got=type(value).__name__
        )
    return tuple(_witness(row, number, where) for number, row in enumerate(value, start=1))


def _witness(row: dict[str, Any], number: int, where: str) -> tuple[str, str]:
    from awo.sign.note import Kind, VerifierKey  # every command reads awo.toml, and few projects name a witness

    place = f"witness {number} of ledger.witnesses"
    refuse_unknown(row, _WITNESS, f"in {place}", where)
    url, key = row.get("url"), row.get("key")
    if not isinstance(url, str) or not isinstance(key, str):
        raise UsageError(f"{place} has no url or no key", where=where, expected=_EXPECTED)
    if not url.startswith(("https://", "http://")):
        raise UsageError(f"{place} has no address that can be sent to", where=where, expected="https:// or http://")
    if VerifierKey.parse(key, where=f"{where}: {place}").kind is Kind.ED25519:
        raise UsageError(
            f"the key of {place} is of a log or a note, and not of a witness",
            where=where,
            expected="a key of kind 0x04 or 0x06, as the witness prints it",
        )
    return url, key
