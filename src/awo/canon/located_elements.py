"""A large JSON file without its whole tree in memory: the elements of one list are parsed when they are asked for."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

MOST_SHARED = 1000

_SPACE = re.compile(r"[ \t\n\r]*")


class Elements:
    """The mappings in a list of a JSON text, each parsed anew when the iteration comes to it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = array("Q")
        self._decoder = json.JSONDecoder(object_pairs_hook=_Shared().mapping)

    def note(self, start: int) -> None:
        """One more element begins at this character."""
        self._starts.append(start)

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in self._starts:
            value, _ = self._decoder.raw_decode(self._text, start)
            yield value


class _Shared:
    """Makes texts that come again and again one object: generated files repeat themselves."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def mapping(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: self._shared(value) if type(value) is str else value for key, value in items}

    def _shared(self, text: str) -> str:
        if len(self._texts) < MOST_SHARED:
            return self._texts.setdefault(text, text)
        return self._texts.get(text, text)


class NotPlain(ValueError):
    """The text is not what this reader knows; the ordinary reader must say what is wrong, if anything is."""


def read_with_elements(text: str, key: str, is_plain: Callable[[Any], bool]) -> dict[str, Any]:
    """The mapping that is `text`, with `Elements` in place of the list of mappings at its top-level `key`.

    Raises `NotPlain` for whatever else: bad syntax, a doubled key, a value that `is_plain` refuses,
    no such list, an element that is no mapping.
    """
    try:
        return _Reader(text, key, is_plain).mapping()
    except (ValueError, IndexError, RecursionError) as error:
        raise NotPlain from error


class _Reader:
    def __init__(self, text: str, key: str, is_plain: Callable[[Any], bool]) -> None:
        self._text = text
        self._key = key
        self._is_plain = is_plain
        self._decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)

    def mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        index = self._expect("{", self._skip(0))
        while True:
            index = self._expect('"', index)
            name, index = scanstring(self._text, index)
            index = self._expect(":", self._skip(index))
            if name in found:
                raise NotPlain
            if name == self._key and self._text[index] == "[":
                found[name], index = self._elements(index + 1)
            else:
                found[name], index = self._value(index)
            index = self._skip(index)
            if self._text[index] == "}":
                break
            index = self._expect(",", index)
        if self._skip(index + 1) != len(self._text) or not isinstance(found.get(self._key), Elements):
            raise NotPlain
        return found

    def _elements(self, index: int) -> tuple[Elements, int]:
        elements = Elements(self._text)
        while True:
            index = self._skip(index)
            elements.note(index)
            value, index = self._value(index)
            if not isinstance(value, dict):
                raise NotPlain
            index = self._skip(index)
            if self._text[index] == "]":
                return elements, index + 1
            index = self._expect(",", index)

    def _value(self, index: int) -> tuple[Any, int]:
        value, end = self._decoder.raw_decode(self._text, index)
        if not self._is_plain(value):
            raise NotPlain
        return value, end

    def _expect(self, sign: str, index: int) -> int:
        if self._text[index] != sign:
            raise NotPlain
        return self._skip(index + 1) if sign != '"' else index + 1

    def _skip(self, index: int) -> int:
        match = _SPACE.match(self._text, index)
        return match.end() if match else index


def _unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(items)
    if len(mapping) != len(items):
        raise NotPlain
    return mapping


def _no_constant(name: str) -> None:
    raise NotPlain
