"""E-mail addresses in a text, but for those that can be nobody's."""

from __future__ import annotations

import re
from collections.abc import Iterator

ADDRESS = re.compile(
    r"(?<![\w.+%/-])[A-Za-z0-9][A-Za-z0-9_.+%'-]{0,63}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-]|:[\w/])"
)
_NOBODYS = re.compile(
    r"@(?:.*\.)?(?:example\.(?:com|net|org)|example|invalid|test|localhost|local|openssh\.com|libssh\.org)$",
    re.IGNORECASE,
)
"""Names kept for examples and tests (RFC 2606, RFC 6761), and those that SSH puts behind names of algorithms."""
_PASSWORD = re.compile(r"://[^\s/@]*:$")
"""Before what is no address but the password in that of a server."""


def addresses_in(text: str) -> Iterator[tuple[str, str]]:
    """Each address in `text`, as ('email', the address)."""
    for match in ADDRESS.finditer(text):
        before = max(0, match.start() - 200)
        if not _NOBODYS.search(match.group()) and not _PASSWORD.search(text, before, match.start()):
            yield "email", match.group()
