"""What awo.toml says of a relay: a machine's key that passes on what was approved on GitHub. ADR 0020."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from awo.errors import UsageError
from awo.evidence.relayed import GITHUB, environment_of, looks_relayed
from awo.gate.settings import refuse_unknown
from awo.sign.patterns import why_not_a_principal

_KEYS: Final = ("relays", "roles")
_FORM: Final = f'a list like ["{GITHUB}release"], with the names of protected environments'
_LONGEST_NAME: Final = 200


def printed_name(person_id: str) -> str:
    """The printed name of a relay: nobody takes it for a person's."""
    return f"GitHub, relayed by {person_id}"[:_LONGEST_NAME]


def read_relay_roles(table: Mapping[str, Any], *, place: str, where: str) -> tuple[str, ...]:
    """The roles in the table of a relay, each of which names a protected environment. Raises `UsageError`."""
    refuse_unknown(table, _KEYS, f"in [{place}], which is a relay", where)
    if table["relays"] != "github":
        raise UsageError(
            f"{place}.relays has the wrong value", where=where, expected='"github"', got=ascii(table["relays"])[:80]
        )
    roles = table.get("roles")
    if (
        not isinstance(roles, list)
        or not roles
        or not all(isinstance(role, str) and _is_relayed(role) for role in roles)
    ):
        raise UsageError(f"{place}.roles has the wrong value", where=where, expected=_FORM, got=ascii(roles)[:80])
    return tuple(dict.fromkeys(roles))


def refuse_relay_roles(roles: Sequence[str], *, place: str, where: str) -> None:
    """Raises `UsageError` for a person who has a role in which only a relay decides."""
    for role in roles:
        if looks_relayed(role):
            raise UsageError(
                f"{place}.roles has {ascii(role)[1:-1][:80]}, in which only a relay decides",
                where=where,
                hint='write relays = "github" beside it, if this is the key of your CI',
            )


def _is_relayed(role: str) -> bool:
    return bool(environment_of(role)) and not why_not_a_principal(role)
