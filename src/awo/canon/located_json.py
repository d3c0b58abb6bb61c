"""JSON text to plain values, strictly: no repeated keys, NaN or lone surrogates; positions in a second pass."""

from __future__ import annotations

import contextlib
import json
import re
from bisect import bisect_right
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from awo.canon.json import LARGEST_INTEGER
from awo.canon.located_elements import NotPlain, read_with_elements
from awo.canon.positions import DEEPEST, Path, Position, Positions, Trouble

_SURROGATE = re.compile(r"\\u[dD]")
_SPACE = re.compile(r"[ \t\n\r]*")
_LITERAL = re.compile(r"-?Infinity|-?[0-9][0-9.eE+-]*|[A-Za-z]+")

# What the standard library says, in our words.
_SENTENCES: Final = {
    "Expecting value": "a value is missing",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing",
    "Expecting ':' delimiter": "a ':' is missing after a key",
    "Expecting ',' delimiter": "a ',' or a closing bracket is missing",
    "Illegal trailing comma before end of object": "there is a ',' before the closing bracket",
    "Illegal trailing comma before end of array": "there is a ',' before the closing bracket",
    "Extra data": "there is text after the end",
    "Unterminated string starting at": "a quote is not closed",
    "Invalid control character at": "a line break or control character stands inside quotes",
    "Invalid \\escape": "a back slash stands before a character that needs none",
    "Invalid \\uXXXX escape": "an escaped character does not exist",
}


def read_json(text: str, trouble: Trouble, elements_of: str = "") -> Any:
    """The plain value of `text`. What is wrong goes to `trouble`; raises `Stop` when nothing can be read.

    With `elements_of`, a list of mappings at that top-level key may come as `Elements`.
    """
    if elements_of and _SURROGATE.search(text) is None:
        with contextlib.suppress(NotPlain):
            return read_with_elements(text, elements_of, lambda value: _is_plain(value, may_hold_surrogates=False))
    suspect = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal suspect
        mapping = dict(items)
        suspect = suspect or len(mapping) != len(items)
        return mapping

    def constant(_: str) -> None:
        nonlocal suspect
        suspect = True

    value: Any = None
    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(": ")
        sentence = next(
            (ours for theirs, ours in _SENTENCES.items() if said.startswith(theirs)), "it stops making sense"
        )
        trouble.stop(Position(error.lineno, error.colno), f"this is not JSON: {sentence}")
    except (RecursionError, ValueError):  # nested too deeply; a number of thousands of digits
        suspect = True
    if suspect or not _is_plain(value, may_hold_surrogates=_SURROGATE.search(text) is not None):
        scan_json(text, Positions(), trouble)
    return value


def _is_plain(value: Any, *, may_hold_surrogates: bool) -> bool:
    """Whether numbers, nesting and text are within the limits, level by level, so that depth costs no stack."""
    level, depth = [value], 0
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict or kind is list:
                if depth > DEEPEST:
                    return False
                below += item.values() if kind is dict else item
                if may_hold_surrogates and kind is dict:
                    below += item.keys()
            elif kind is int:
                if abs(item) > LARGEST_INTEGER:
                    return False
            elif kind is float:
                if item in (float("inf"), float("-inf")):
                    return False
            elif kind is str and may_hold_surrogates and not _is_text(item):
                return False
        level = below
    return True


def _is_text(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


def scan_json(text: str, positions: Positions, trouble: Trouble) -> None:
    """Fills `positions` from text that is JSON in its grammar, and notes in `trouble` what plain values may not hold.

    Raises `Stop` where it is nested too deeply.
    """
    _Scan(text, positions, trouble).value(0, (), 0)


class _Scan:
    """A walk over JSON text whose grammar was checked before."""

    def __init__(self, text: str, positions: Positions, trouble: Trouble) -> None:
        self._text = text
        self._positions = positions
        self._trouble = trouble
        self._line_starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def value(self, index: int, path: Path, depth: int) -> int:
        """Walks over the value that starts at or after `index`; gives the index after it."""
        index = self._skip(index)
        self._positions.values.setdefault(path, self._at(index))
        first = self._text[index]
        if first in "{[" and depth >= DEEPEST:
            self._trouble.stop(self._at(index), "values are nested too deeply", expected=f"at most {DEEPEST} levels")
        if first == "{":
            return self._mapping(index + 1, path, depth)
        if first == "[":
            return self._list(index + 1, path, depth)
        if first == '"':
            return self._string(index)[1]
        return self._literal(index)

    def _mapping(self, index: int, path: Path, depth: int) -> int:
        seen: set[str] = set()
        index = self._skip(index)
        while self._text[index] != "}":
            at = self._at(index)
            key, index = self._string(index)
            if key in seen:
                self._trouble.add(at, f"the key {key!r} stands here twice", hint="keep one of them")
            seen.add(key)
            inner = (*path, key)
            self._positions.keys.setdefault(inner, at)
            index = self._after_comma(self.value(self._skip(index) + 1, inner, depth + 1))
        return index + 1

    def _list(self, index: int, path: Path, depth: int) -> int:
        count = 0
        index = self._skip(index)
        while self._text[index] != "]":
            index = self._after_comma(self.value(index, (*path, count), depth + 1))
            count += 1
        return index + 1

    def _string(self, index: int) -> tuple[str, int]:
        string, end = scanstring(self._text, index + 1, True)
        if not _is_text(string):
            self._trouble.add(self._at(index), "half of an escaped character pair is missing", got=ascii(string))
        return string, end

    def _literal(self, index: int) -> int:
        match = _LITERAL.match(self._text, index)
        if match is None:
            self._trouble.stop(self._at(index), "this is not JSON: a value is missing")
        spelled = match.group()
        if spelled.endswith(("NaN", "Infinity")):
            self._trouble.not_a_number(self._at(index), spelled)
        elif spelled[-1].isdigit() and abs(float(spelled)) > LARGEST_INTEGER:
            is_whole = spelled.removeprefix("-").isdigit()
            if (is_whole and (len(spelled) > 40 or abs(int(spelled)) > LARGEST_INTEGER)) or "inf" in str(
                float(spelled)
            ):
                self._trouble.too_large(self._at(index), spelled)
        return match.end()

    def _after_comma(self, index: int) -> int:
        index = self._skip(index)
        return self._skip(index + 1) if self._text[index] == "," else index

    def _skip(self, index: int) -> int:
        match = _SPACE.match(self._text, index)
        return match.end() if match else index

    def _at(self, index: int) -> Position:
        line = bisect_right(self._line_starts, index)
        return Position(line, index - self._line_starts[line - 1] + 1)
