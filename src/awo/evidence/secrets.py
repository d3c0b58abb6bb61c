"""Finds and cuts the secrets of the environment, in whatever spelling they turn up, before anything is recorded."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Final

SHORTEST_SECRET: Final = 8

NAMES_OF_FILES: Final = frozenset({"AWO_API_KEYS", "AWO_KEY", "AWO_KEY_PASSPHRASE_FILE", "SSH_AUTH_SOCK"})
"""Variables that say where something lies; they hold no secret themselves."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


class SecretCutter:
    """Knows the values of some environment variables and replaces each by `[secret NAME]`.

    A secret is also known by its base64 (wherever it stands in the encoded bytes, both alphabets),
    its URL-quoted and its JSON-escaped form. Where one secret is part of another, the longer is
    cut. What a program does to a secret beyond that (hashing, splitting, other encodings) is not
    seen.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        names: dict[bytes, str] = {}
        for name in sorted(secrets):
            for form in _forms(secrets[name]):
                names.setdefault(form, name)
        self._names = names
        self._pattern = re.compile(b"|".join(re.escape(form) for form in sorted(names, key=lambda f: (-len(f), f))))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], also: Mapping[str, str] | None = None) -> SecretCutter:
        """Takes for secret every value of 8 or more characters whose variable's name has KEY, TOKEN, SECRET,
        PASSWORD, PASSWD or CREDENTIAL in it; and those of `also`, by what they are called there."""
        return cls(
            {name: value for name, value in (also or {}).items() if len(value.strip()) >= SHORTEST_SECRET}
            | {
                name: value
                for name, value in environment.items()
                if _SECRET_NAME.search(name) and name not in NAMES_OF_FILES and len(value.strip()) >= SHORTEST_SECRET
            }
        )

    def cut(self, data: bytes) -> bytes:
        """`data` with every secret replaced."""
        if not self._names:
            return data
        return self._pattern.sub(lambda match: b"[secret %s]" % _printable(self._names[match.group()]), data)

    def cut_text(self, text: str) -> str:
        """`text` with every secret replaced."""
        if not self._names:
            return text
        return self.cut(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def found_in(self, data: bytes) -> list[str]:
        """The names of the variables whose values occur in `data`, sorted."""
        if not self._names:
            return []
        return sorted({self._names[match] for match in self._pattern.findall(data)})


def _printable(name: str) -> bytes:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).encode()


def _forms(value: str) -> Iterator[bytes]:
    raw = value.strip().encode("utf-8", "surrogateescape")
    yield raw
    text = raw.decode("utf-8", "replace")
    for escaped in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        yield escaped[1:-1].encode()
    for quoted in (urllib.parse.quote(raw, safe=""), urllib.parse.quote(raw), urllib.parse.quote_plus(raw)):
        yield quoted.encode()
        yield re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), quoted).encode()
    yield from _base64_forms(raw)


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    """What base64 of any bytes that hold `raw` has in it: one text for each place of `raw` among groups of three."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        first = -(-8 * before // 6)
        last = 8 * (before + len(raw)) // 6
        certain = encoded[first:last]
        if len(certain) >= SHORTEST_SECRET:
            yield certain
            yield certain.replace(b"+", b"-").replace(b"/", b"_")
