"""What is to be seen of a package: the question that a redaction and an erasure each answer in their own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Protocol

from awo.evidence.disclosure import Form, form_of
from awo.evidence.layout import DECISIONS, JOURNAL, RAW, SEAL, SEAL_SIGNATURE, SUMS

State = Literal["shown", "partial", "withheld"]

ALWAYS_SHOWN: Final = frozenset({JOURNAL, SEAL, SEAL_SIGNATURE, SUMS})
"""What every redacted package has whole (spec section 9.3)."""

LineChoice = Callable[[int, bytes], frozenset[str] | None]
"""Of a line (its number from 0, its bytes): the places in it whose values are shown, such as `/text` of a response,
or the empty text for the whole of a line that has no keys of its own; None where only its hash is left.

The bytes are the skeleton where the line itself was withheld before.
"""

ValueChoice = Callable[[str], bool]
"""Whether the value at a place of a file, a JSON pointer, is shown."""


class Choice(Protocol):
    """What is shown of a package. It is asked of every file but those that are always shown."""

    def state(self, path: str) -> State:
        """What is to be left of a file. `partial` is for files that are cut (`disclosure.form_of`)."""

    def lines(self, path: str) -> LineChoice:
        """What is shown of the lines of a file that is `partial`."""

    def values(self, path: str) -> ValueChoice:
        """What is shown of the values of a file that is `partial`."""

    def why(self, path: str) -> str:
        """Why what is withheld of a file is withheld, in words, or ''."""


_KINDS: Final[dict[Form, str]] = {
    "responses": "prompts and answers",
    "items": "results of cells",
    "lines": "lines",
}


def kind_of(path: str) -> str:
    """What a file of a package is, in a few words for people."""
    form = form_of(path)
    if form in _KINDS:
        return _KINDS[form]
    if form == "value":
        return "result of a step" if "/" in path else "the workflow"
    if path.startswith(f"{RAW}/"):
        return "exchanges with models"
    if path.startswith(f"{DECISIONS}/"):
        return "decisions"
    return "artifact" if path.startswith("outputs/") else "view" if path.count("/") == 0 else "record"
