"""Reads a file of authors field by field: every problem is kept with its place, and all are raised at once."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

from awo.canon.located import Source, read_any
from awo.canon.positions import Path as Place
from awo.canon.positions import Positions
from awo.errors import AboutInvalid, DiskTrouble, Problem, UsageError, WorkflowInvalid
from awo.plugins import nearest
from awo.publish.about import values
from awo.publish.about.values import Wrong

LARGEST_BYTES: Final = 1 << 20
SHOWN: Final = 80
MOST_PROBLEMS: Final = 50

T = TypeVar("T")

_NUMBER = re.compile(r"[^\s,}\]#]+")


def bytes_of(path: Path) -> bytes | None:
    """The bytes of a file of authors; None where there is none. Raises `UsageError` and `DiskTrouble`."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UsageError("this is no ordinary file", where=path.name, expected="a file of text")
        if found.st_size > LARGEST_BYTES:
            raise UsageError(
                "the file is too large to describe a work",
                where=path.name,
                expected=f"at most {LARGEST_BYTES} bytes",
                got=f"{found.st_size} bytes",
            )
        with path.open("rb") as stream:
            return stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskTrouble("the file cannot be read", where=str(path), got=error.strerror or "") from error


def read_fields(data: bytes, file: str, take: Callable[[Part], T]) -> T:
    """What `take` makes of the mapping that `data` spells. Raises `AboutInvalid` with every problem.

    YAML and JSON are read by `canon.located`: no tags, no doubled keys, bounded depth and aliases.
    """
    try:
        value, source = read_any(data, file)
    except WorkflowInvalid as error:
        raise AboutInvalid(error.problems) from error
    if not isinstance(value, dict):
        what = "the file is not a mapping of fields to values"
        raise AboutInvalid((Problem(file, 1, 1, what, expected="title: …", got=_kind(value)),))
    faults = Faults(source)
    taken = take(Part(value, (), faults))
    faults.raise_any()
    return taken


class Faults:
    """What is wrong with one file so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: list[tuple[Place, bool, str, str, str, str]] = []

    def add(self, place: Place, what: str, expected: str, got: str, hint: str, *, at_key: bool = False) -> None:
        self._found.append((place, at_key, what, expected, got, hint))

    def raise_any(self) -> None:
        """Raises `AboutInvalid` with what was found, in the order of the file, at most the first `MOST_PROBLEMS`."""
        if not self._found:
            return
        problems = []
        for place, at_key, what, expected, got, hint in dict.fromkeys(self._found):  # a field may be read twice
            at = self._positions.key(place) if at_key else self._positions.value(place)
            problems.append(Problem(self._source.file, at.line, at.column, what, expected, got, hint))
        problems.sort(key=lambda one: (one.line, one.column))
        raise AboutInvalid(tuple(problems[:MOST_PROBLEMS]))

    @cached_property
    def _positions(self) -> Positions:
        return self._source.positions()

    def spelled(self, place: Place) -> str:
        """A number as the file spells it: `1.10` is no float."""
        at = self._positions.value(place)
        line = self._source.data.decode().split("\n")[at.line - 1]
        found = _NUMBER.match(line, at.column - 1)
        return found[0] if found else ""


class Part:
    """A mapping in the file. Each method takes one field, notes what is wrong with it, and then gives ''."""

    def __init__(self, value: dict[str, Any], place: Place, faults: Faults) -> None:
        self._value = value
        self._place = place
        self._faults = faults

    def has(self, key: str) -> bool:
        return key in self._value

    def keys(self) -> list[str]:
        return list(self._value)

    def fault(self, key: str, what: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        """Notes that the field `key` is wrong; `what` goes on after its name."""
        place = (*self._place, key)
        self._faults.add(place, f"{_name(place)} {what}", expected, _short(got), hint)

    def whole(self, what: str, *, expected: str = "", hint: str = "") -> None:
        """Notes that the mapping itself is wrong."""
        name = _name(self._place)
        self._faults.add(self._place, f"{name} {what}" if name else f"the file {what}", expected, "", hint)

    def refuse_unknown(self, known: Iterable[str], *, hint: str = "") -> None:
        """Notes every key that is not `known`, with the nearest that is."""
        words = tuple(known)
        for key in self._value:
            if key not in words:
                near = nearest(key, words)
                self._faults.add(
                    (*self._place, key),
                    f"{_name((*self._place, key))} is not a known field",
                    "",
                    "",
                    f"did you mean {near!r}?" if near else hint or "remove it",
                    at_key=True,
                )

    def require(self, *keys: str) -> None:
        """Notes each of `keys` that is missing."""
        for key in keys:
            if key not in self._value:
                self.whole(f"has no {key!r}", hint=f"add {key}")

    def line(self, key: str) -> str:
        """The text in field `key` on one line; '' where there is none. A number is taken as it is spelled."""
        if isinstance(self._value.get(key), int | float) and not isinstance(self._value[key], bool):
            return self._faults.spelled((*self._place, key))
        return self.text(key, values.one_line)

    def text(self, key: str, check: Callable[[str], str] = values.lines) -> str:
        """What `check` makes of the text in field `key`; '' where there is none."""
        if key not in self._value:
            return ""
        return self._checked((*self._place, key), self._value[key], check)

    def texts(self, key: str, check: Callable[[str], str] = values.one_line) -> tuple[str, ...]:
        """The texts in the list at `key`. Notes one that is there twice."""
        found: dict[str, None] = {}
        for number, one in enumerate(self._list(key)):
            place = (*self._place, key, number)
            text = self._checked(place, one, check)
            if text in found:
                self._faults.add(place, f"{_name(place)} is there twice", "", _short(text), "remove one of them")
            elif text:
                found[text] = None
        return tuple(found)

    def part(self, key: str) -> Part | None:
        """The mapping at `key`, None where there is none."""
        if key not in self._value:
            return None
        found = self._value[key]
        if isinstance(found, dict):
            return Part(found, (*self._place, key), self._faults)
        self.fault(key, "is not a mapping of fields to values", got=_kind(found))
        return None

    def parts(self, key: str) -> Iterator[Part]:
        """The mappings in the list at `key`."""
        for number, one in enumerate(self._list(key)):
            place = (*self._place, key, number)
            if isinstance(one, dict):
                yield Part(one, place, self._faults)
            else:
                self._faults.add(place, f"{_name(place)} is not a mapping of fields to values", "", _kind(one), "")

    def is_text(self, key: str) -> bool:
        return isinstance(self._value.get(key), str)

    def is_list(self, key: str) -> bool:
        return isinstance(self._value.get(key), list)

    def choice(self, key: str, known: Iterable[str]) -> str:
        """The word in field `key`, one of `known`."""
        words, text = tuple(known), self.text(key, values.one_line)
        if text and text not in words:
            near = nearest(text, words)
            shown = ", ".join(words[:12]) + (" …" if len(words) > 12 else "")
            hint = f"did you mean {near!r}?" if near else ""
            self.fault(key, "is not a word that may stand here", expected=shown, got=text, hint=hint)
            return ""
        return text

    def _list(self, key: str) -> list[Any]:
        found = self._value.get(key, [])
        if isinstance(found, list):
            if key in self._value and not found:
                self.fault(key, "is an empty list", hint="fill it, or remove the field")
            return found
        self.fault(key, "is not a list", expected="a list", got=_kind(found))
        return []

    def _checked(self, place: Place, value: Any, check: Callable[[str], str]) -> str:
        if not isinstance(value, str):
            hint = "put it in quotes" if isinstance(value, bool | int | float) else "remove the field, or fill it"
            self._faults.add(place, f"{_name(place)} is not a text", "text", _kind(value), hint)
            return ""
        try:
            text = check(value)
        except Wrong as wrong:
            self._faults.add(place, f"{_name(place)} {wrong.what}", wrong.expected, _short(value), wrong.hint)
            return ""
        if not text:
            self._faults.add(place, f"{_name(place)} is empty", "", "", "remove the field, or fill it")
        return text


def _name(place: Place) -> str:
    """A field's name as people count: `authors[2].orcid` is of the second author."""
    said = ""
    for step in place:
        said += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if said else step
    return said


def _short(text: str) -> str:
    return f"{text[:SHOWN]}…" if len(text) > SHOWN else text


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return {bool: "true or false", dict: "a mapping", list: "a list", str: "a text"}.get(type(value), "a number")
