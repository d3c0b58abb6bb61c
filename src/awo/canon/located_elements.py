"""A large file without its whole tree in memory: the mappings of one list stay text until they are asked for."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

MOST_SHARED = 1000

_SPACE = re.compile(r"[ \t\n\r]*")


class Elements:
    """The mappings of a large list, kept as JSON text, each parsed anew when the iteration comes to it.

    `pieces` has pairs of a text and the character at which an element begins in it.
    """

    def __init__(self, count: int, pieces: Callable[[], Iterable[tuple[str, int]]]) -> None:
        self._count = count
        self._pieces = pieces
        self._decoder = json.JSONDecoder(object_pairs_hook=_Shared().mapping)

    @classmethod
    def within(cls, text: str, starts: array[int]) -> Elements:
        """Elements that stand in one text."""
        return cls(len(starts), lambda: ((text, start) for start in starts))

    @classmethod
    def packed(cls, texts: list[str]) -> Elements:
        """Elements that are a text each, as `pack` makes them."""
        return cls(len(texts), lambda: ((text, 0) for text in texts))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for text, start in self._pieces():
            value, _ = self._decoder.raw_decode(text, start)
            yield value


class Packed(str):
    """An element as JSON text, to be told from an element that is text."""

    __slots__ = ()


def pack(mapping: dict[str, Any]) -> Packed:
    """The element as JSON text, a fraction of its size as a mapping."""
    return Packed(json.dumps(mapping, ensure_ascii=False, separators=(",", ":")))


def unpack(text: Packed) -> dict[str, Any]:
    """The element again."""
    mapping: dict[str, Any] = json.loads(text)
    return mapping


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
        starts = array("Q")
        while True:
            index = self._skip(index)
            starts.append(index)
            value, index = self._value(index)
            if not isinstance(value, dict):
                raise NotPlain
            index = self._skip(index)
            if self._text[index] == "]":
                return Elements.within(self._text, starts), index + 1
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
