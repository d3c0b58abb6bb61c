"""What awo.toml says of the record of the machine: the table [environment]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from awo.errors import UsageError
from awo.gate.settings import refuse_unknown

_ENVIRONMENT: Final = ("system_packages", "diff")


@dataclass(frozen=True, slots=True)
class EnvironmentSettings:
    """Whether a run records the packages of the operating system, and the text of what git has not committed."""

    system_packages: bool = False
    diff: bool = False


USUAL: Final = EnvironmentSettings()


def read_environment(table: Mapping[str, Any], *, where: str) -> EnvironmentSettings:
    """The settings in [environment]. Raises `UsageError`, naming `where`."""
    refuse_unknown(table, _ENVIRONMENT, "in [environment]", where)
    for key in _ENVIRONMENT:
        value = table.get(key, False)
        if not isinstance(value, bool):
            what = f"environment.{key} has the wrong value"
            raise UsageError(what, where=where, expected="true or false", got=ascii(value)[:80])
    return EnvironmentSettings(table.get("system_packages", False), table.get("diff", False))
