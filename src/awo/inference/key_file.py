"""The key file: keys and addresses of providers, outside every project and read by its owner only.

It is TOML with a table for each provider:

    [openai]
    api_key = "…"
    base_url = "https://…"
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from awo.errors import CannotCheck
from awo.inference.providers import PROVIDERS
from awo.plugins import nearest

FILE_VARIABLE: Final = "AWO_API_KEYS"
LARGEST_FILE_BYTES: Final = 1 << 20
FIELDS: Final = ("api_key", "base_url", "api_version")

Environment = Mapping[str, str]


def from_file(provider: str, name: str, environment: Environment) -> str:
    """One of `FIELDS` of a provider, '' when the file does not say. Raises as `tables`."""
    return tables(environment).get(provider, {}).get(name, "")


def tables(environment: Environment) -> Mapping[str, Mapping[str, str]]:
    """The key file's tables; none when there is no file. Raises `CannotCheck` for one that cannot be trusted."""
    data = _read(_place(environment), environment)
    where = shown(environment)
    try:
        found = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        # The parser's own words can quote the line, and the line can hold a key.
        raise CannotCheck(
            "the key file is not TOML", where=where, hint='a table is [openai], a line api_key = "…"'
        ) from None
    for name, table in found.items():
        _refuse_odd_table(name, table, where)
    return found


def shown(environment: Environment) -> str:
    """The file as people find it, without a folder of this machine."""
    if environment.get(FILE_VARIABLE):
        return f"the file that {FILE_VARIABLE} names"
    return f"{'$XDG_CONFIG_HOME' if environment.get('XDG_CONFIG_HOME') else '~/.config'}/awo/api_keys.toml"


def _place(environment: Environment) -> Path:
    if named := environment.get(FILE_VARIABLE):
        return Path(named).expanduser()
    home = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME") or Path.home()) / ".config")
    return Path(home) / "awo" / "api_keys.toml"


def _read(path: Path, environment: Environment) -> bytes:
    where = shown(environment)
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
                raise CannotCheck("the key file is not a small regular file", where=where)
            if os.name == "posix" and status.st_mode & 0o077:
                raise CannotCheck(
                    "others on this machine may read the key file",
                    where=where,
                    expected="mode 600",
                    got=f"mode {stat.S_IMODE(status.st_mode):o}",
                    hint="chmod 600 the file; if others were here, make new keys",
                )
            return stream.read()
    except FileNotFoundError as error:
        if environment.get(FILE_VARIABLE):
            raise CannotCheck("there is no key file", where=where, hint=f"correct or unset {FILE_VARIABLE}") from error
        return b""
    except OSError as error:
        raise CannotCheck(f"the key file cannot be read: {error.strerror}", where=where) from error


def _refuse_odd_table(name: str, table: Any, where: str) -> None:
    if name not in PROVIDERS or not isinstance(table, dict):
        near = nearest(name, PROVIDERS)
        raise CannotCheck(
            "the key file has an entry that is no provider's table",
            where=where,
            expected=", ".join(f"[{known}]" for known in sorted(PROVIDERS)),
            hint=f"did you mean [{near}]?" if near else "",
        )
    for field_name, value in table.items():
        if field_name not in FIELDS or not isinstance(value, str):
            raise CannotCheck(
                f"the table [{name}] of the key file has a line that does not belong there",
                where=where,
                expected=f"{', '.join(FIELDS)}, each with a text",
                hint=f"did you mean {near!r}?" if (near := nearest(field_name, FIELDS)) else "",
            )
