"""Licences as SPDX expressions, in their canonical spelling. The list of identifiers is that of `packaging`."""

from __future__ import annotations

import contextlib
import re
from typing import Final

from awo.plugins import nearest
from awo.publish.about.values import Wrong

USUAL: Final = (
    *("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0"),
    *("CC-BY-3.0", "CC-BY-SA-3.0", "PDDL-1.0", "ODC-By-1.0", "ODbL-1.0", "CDLA-Permissive-1.0"),
    *("MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "Zlib", "Unlicense", "BSL-1.0"),
    *("MPL-2.0", "EPL-2.0", "EUPL-1.2", "CECILL-2.1", "Artistic-2.0"),
    *("GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"),
    *("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
    *("AGPL-3.0-only", "AGPL-3.0-or-later"),
)
"""Identifiers that works of research usually have: what an error proposes, and what every reader of CFF 1.2 knows."""

LONGEST: Final = 500
"""Of an expression, in characters."""

_OLD_NAMES: Final = {"cc-zero": "CC0-1.0", "cc-by": "CC-BY-4.0", "cc-by-sa": "CC-BY-SA-4.0", "mit-license": "MIT"}
_FILLERS = re.compile(r"(?i)\b(?:the|licen[cs]e|version|international|public)\b|\bv(?=\d)")
_VERSION = re.compile(r"(?i)-?v?(\d)")
_SIGNS = re.compile(r"[\s_/]+")


def read_licence(text: str) -> str:
    """`text` as an SPDX expression in its canonical spelling. Raises `Wrong` with the nearest right word."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    if len(text) > LONGEST:
        raise Wrong("is too long for a licence", expected=f"an SPDX expression of at most {LONGEST} characters")
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression as error:
        right = _proposed(text)
        raise Wrong(
            "is not a licence in SPDX",
            expected="an SPDX identifier or expression, as CC-BY-4.0, MIT, or MIT OR Apache-2.0",
            hint=f"did you mean {right}?" if right else "find the identifier at https://spdx.org/licenses/",
        ) from error


def _proposed(text: str) -> str:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    if old := _OLD_NAMES.get(text.strip().lower()):
        return old
    joined = _SIGNS.sub("-", _FILLERS.sub(" ", text).strip()).strip("-,.")
    parted = _VERSION.sub(r"-\1", joined, count=1)
    for tried in (joined, parted, f"{joined}-4.0", f"{parted}.0", f"{joined}-or-later"):
        with contextlib.suppress(InvalidLicenseExpression):
            return canonicalize_license_expression(tried)
    begun = (name for name in USUAL if joined and name.lower().startswith(f"{joined.lower()}-"))
    return next(begun, "") or nearest(joined, USUAL) or nearest(joined.upper(), USUAL)
