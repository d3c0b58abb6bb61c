"""What stands behind the text of a Markdown item: `(optional)`, and in braces what kind of answer it wants.

`{choice: A, B, neither}` · `{number}` · `{number: 0..10 points}` · `{text}` · `{expects: no}` · `{expects: any}` ·
`{evidence: required}`. Only whole groups at the very end count, with white space before each; whatever else is in
braces is text, unless it is nearly one of these words: then it is more likely a slip.
"""

from __future__ import annotations

import difflib
import re
from typing import Final, Literal

from awo.errors import UsageError
from awo.evidence.gates import ChecklistItem
from awo.gate.decimals import spelled

_WORDS: Final = ("choice", "number", "text", "expects", "evidence")
_GROUP = re.compile(r"\{[ ]*([A-Za-z_-]{1,20})[ ]*(?::([^{}]*))?\}")
_OPTIONAL = re.compile(r"\(optional\)\.?", re.IGNORECASE)
_RANGE = re.compile(r"([^\s.]*(?:\.[0-9]+)?)\.\.([^\s]*)(?:[ \t]+(.*))?")
_ALIKE: Final = 0.75


class Notes:
    """What the groups behind one item say."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._seen: set[str] = set()
        self.kind: Literal["yes_no", "choice", "number", "text"] = "yes_no"
        self.required = True
        self.choices: list[str] = []
        self.lowest = ""
        self.highest = ""
        self.unit = ""
        self.expects: str | None = None
        self.evidence: Literal["", "optional", "required"] = "optional"

    def item(self, item_id: str, text: str) -> ChecklistItem:
        """The item with this text. A required yes/no question is approved with yes, unless it expects otherwise."""
        expects = self.expects
        if expects is None:
            expects = "yes" if self.kind == "yes_no" and self.required else ""
        return ChecklistItem(
            id=item_id,
            text=text,
            kind=self.kind,
            required=self.required,
            choices=self.choices,
            lowest=self.lowest,
            highest=self.highest,
            unit=self.unit,
            approve_with=expects,
            evidence=self.evidence,
        )

    def take(self, word: str, rest: str | None) -> None:
        """Takes in one group."""
        part = "kind" if word in ("choice", "number", "text") else word
        if part in self._seen:
            raise self._wrong(f"an item has two groups in braces that say its {part}", got=f"{{{word}…}}")
        self._seen.add(part)
        said = (rest or "").strip()
        if word == "choice":
            self.kind = "choice"
            self.choices = [choice.strip() for choice in said.split(",")] if said else []
        elif word == "number":
            self.kind = "number"
            self._take_number(said)
        elif word == "text":
            self.kind = "text"
            if said:
                raise self._wrong("a text takes nothing behind its colon", expected="{text}", got=said)
        elif word == "expects":
            self.expects = self._one_of(word, said, None)
        else:
            kinds: dict[str, Literal["", "optional", "required"]] = {
                "required": "required",
                "optional": "optional",
                "none": "",
            }
            self.evidence = kinds[self._one_of(word, said, tuple(kinds))]

    def _take_number(self, said: str) -> None:
        if not said:
            return
        found = _RANGE.fullmatch(said)
        if found is None:
            if said[0] in "0123456789+-.":
                raise self._wrong(
                    "this is no range", expected="{number: 0..10}, {number: 0..} or {number: ..10}", got=said
                )
            self.unit = said
            return
        self.lowest, self.highest = self._bound(found[1]), self._bound(found[2])
        self.unit = (found[3] or "").strip()

    def _bound(self, said: str) -> str:
        if said and not spelled(said):
            raise self._wrong("a bound is no number", expected="a decimal number like 0 or 2.5", got=said)
        return spelled(said)

    def _one_of(self, word: str, said: str, words: tuple[str, ...] | None) -> str:
        if words is None:
            if not said:
                raise self._wrong("nothing is expected", expected="{expects: yes}, {expects: no} or {expects: any}")
            return "" if said == "any" else said
        if said not in words:
            raise self._wrong(f"what is said of {word} is not known", expected=", ".join(words), got=said)
        return said

    def _wrong(self, what: str, expected: str = "", got: str = "") -> UsageError:
        return UsageError(what, where=self._where, expected=expected, got=ascii(got)[1:-1][:80])


def take_notes(text: str, where: str) -> tuple[str, Notes]:
    """The text without what stands behind it, and what that says. Takes time in proportion to the text.

    Raises `UsageError`, naming `where`, for a group that contradicts itself or is nearly one of ours.
    """
    notes = Notes(where)
    end = len(text.rstrip())
    while end:
        start = _start_of_last(text, end)
        group = text[start:end]
        if start < 0 or (start and not text[start - 1].isspace()):
            break
        if _OPTIONAL.fullmatch(group):
            notes.required = False
        elif found := _GROUP.fullmatch(group):
            word = found[1]
            if word not in _WORDS or (found[2] is None and word not in ("text", "number")):
                _refuse_slip(word, found[2] is not None, where, group)
                break
            notes.take(word, found[2])
        else:
            break
        end = len(text[:start].rstrip())
    return text[:end].strip(), notes


def _start_of_last(text: str, end: int) -> int:
    """Where the group that ends at `end` begins; -1 when none does."""
    if text.endswith("}", 0, end):
        return text.rfind("{", 0, end)
    return text.rfind("(", max(end - len("(optional)."), 0), end)


def _refuse_slip(word: str, has_colon: bool, where: str, group: str) -> None:
    """Raises for a group that is most likely a slip of the pen; one that is text passes."""
    near = difflib.get_close_matches(word.lower(), _WORDS, n=1, cutoff=_ALIKE) if has_colon else []
    if near or word in ("choice", "expects", "evidence"):
        raise UsageError(
            "an item ends with braces that are not understood",
            where=where,
            expected="{choice: A, B}, {number: 0..10 points}, {text}, {expects: no} or {evidence: required}",
            got=ascii(group)[1:-1][:80],
            hint=f"did you mean {{{(near or [word])[0]}: …}}? A full stop behind the braces makes them text",
        )
