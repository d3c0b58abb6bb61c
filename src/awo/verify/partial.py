"""Checks a file of which parts are withheld while it streams by: every shown value fits the mark that stands for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from awo.canon.digest import commitment, leaf_hash, sha256_hex
from awo.canon.json import encode_sorted
from awo.canon.lines import Lines
from awo.canon.pointer import pointer_to
from awo.errors import AwoError
from awo.evidence.disclosure import ITEM_KEYS, MARK, RESPONSE_KEYS, Form
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import ItemLine, ResponseLine
from awo.evidence.redaction import PartialText
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.recorded import RecordedLines

_NOTHING: Final = (b"null", b'""', b"{}", b"[]")
_KEYS: Final[Mapping[Form, tuple[str, ...]]] = {"responses": RESPONSE_KEYS, "items": ITEM_KEYS}

_mark = re.compile(rb'\{"withheld":"([0-9a-f]{64})"\}')
_like_a_mark = re.compile(rb'\{\s*"withheld"\s*:\s*"[0-9a-f]{64}"\s*\}')
_digest = re.compile(r"[0-9a-f]{64}").fullmatch

_names: Final = {name: encode_sorted(name) for name in (*ResponseLine.__struct_fields__, *ItemLine.__struct_fields__)}
"""The keys of a usual line as they are spelt: there are a million of each."""

_texts = msgspec.json.Decoder(PartialText)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _WrongError(Exception):
    """What is wrong with one skeleton."""


class PartialReader:
    """Takes the bytes of one `.partial` file.

    `misshapen` has what is not in its shape, `broken` what does not fit what was sealed, `altered` the lines that are
    shown whole and are not those of the journal; the first 100 of each. `count` counts the lines (a value is one),
    `withheld` those of which something is withheld, or the values. `root` is what stands for the file.
    A file of lines is never held; of a value file `skeleton` and `shown` stay until `forget`.
    """

    def __init__(self, path: str, form: Form, limit_bytes: int, recorded: RecordedLines | None) -> None:
        self.path = path
        self.misshapen: list[Finding] = []
        self.broken: list[Finding] = []
        self.altered: list[Finding] = []
        self.count = 0
        self.withheld = 0
        self.skeleton: Any = None
        self.shown: dict[str, Any] = {}
        self._form = form
        self._recorded = recorded
        self._tree = MerkleTree()
        self._cutter = Lines(limit_bytes)

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        for line in self._cutter.feed(chunk):
            self._line(line)

    def end(self) -> None:
        """After the last byte."""
        if self._cutter.is_too_long:
            self._put(self.misshapen, "a line is longer than the limit")
        elif self._cutter.rest:
            self._put(self.misshapen, "the last line has no newline")
        elif self._form == "value" and self.count != 1:
            self._put(self.misshapen, "the file is not one object", "1 line", f"{self.count} lines")

    @property
    def root(self) -> bytes | None:
        """What stands for the whole file, 32 bytes; None where it is not in its shape."""
        if self.misshapen:
            return None
        return self._tree.root()

    @property
    def missing(self) -> int:
        """How many lines more the journal names, less for fewer; 0 where it names none."""
        return len(self._recorded) - self.count if self._recorded is not None else 0

    def forget(self) -> None:
        """Gives back the memory of a value file."""
        self.skeleton, self.shown = None, {}

    def _line(self, line: bytes) -> None:
        self.count += 1
        try:
            text = _texts.decode(line)
            if encode_sorted(text) != line:
                self._put(self.misshapen, "this is not in the one spelling of a text that is shown in part")
                return
        except (msgspec.MsgspecError, AwoError, UnicodeError, RecursionError) as error:
            self._put(self.misshapen, "this is no text that is shown in part", got=str(error))
            return
        if not text.leaf:
            skeleton = text.skeleton.encode()
            self._tree.append_hash(leaf_hash(skeleton))
            try:
                self._judge(text, skeleton)
            except _WrongError as error:
                self._put(self.broken, str(error))
        elif text.skeleton or text.shown:
            self._put(self.misshapen, "of a text of which only the leaf is shown nothing else is said")
        elif self._form == "value":
            self._put(self.misshapen, "a file of which nothing is shown is withheld whole")
        else:
            self._tree.append_hash(bytes.fromhex(text.leaf))
            self.withheld += 1

    def _judge(self, text: PartialText, skeleton: bytes) -> None:
        """Every mark stands in its place, and every shown value fits its mark."""
        marks = self._marks(skeleton)
        for place, shown in text.shown.items():
            value = shown.json.encode()
            if place not in marks:
                raise _WrongError(f"a value is shown of which no mark stands in the skeleton: {place}")
            if commitment(bytes.fromhex(shown.salt), value) != marks[place]:
                self._put(self.broken, f"the value that is shown is not the one that was sealed: {place}")
            elif self._form == "value":
                self.shown[place] = _scalar(value, place)
        hidden = len(marks) - len(text.shown)
        self.withheld += hidden if self._form == "value" else hidden > 0
        if self._form == "responses" and not hidden:
            self._compare(skeleton, {place: shown.json.encode() for place, shown in text.shown.items()})

    def _marks(self, skeleton: bytes) -> dict[str, str]:
        """The marks in a skeleton by their places: JSON pointers."""
        match self._form:
            case "value":
                return self._marks_of_value(skeleton)
            case "responses" | "items":
                return _marks_of_line(skeleton, _KEYS[self._form])
            case "lines" | "opaque":
                found = _mark.fullmatch(skeleton)
                if found is None:
                    raise _WrongError("the skeleton of this line is its mark and nothing else")
                return {"": found[1].decode()}

    def _marks_of_value(self, skeleton: bytes) -> dict[str, str]:
        marks: dict[str, str] = {}

        def walk(inner: Any, place: str) -> None:
            if (sha256 := mark_in(inner)) is not None:
                marks[place] = sha256
            elif isinstance(inner, dict):
                for name, one in inner.items():
                    walk(one, pointer_to(place, name))
            elif isinstance(inner, list):
                for number, one in enumerate(inner):
                    walk(one, pointer_to(place, number))
            else:
                raise _WrongError(f"a value stands in the skeleton where a mark belongs: {place}")

        try:
            self.skeleton = msgspec.json.decode(skeleton)
            if encode_sorted(self.skeleton) != skeleton:
                raise _WrongError("the skeleton is not in its one spelling")
            walk(self.skeleton, "")
        except (msgspec.MsgspecError, AwoError, RecursionError) as error:
            raise _WrongError("the skeleton is not JSON, or lies too deep") from error
        return marks

    def _compare(self, skeleton: bytes, shown: Mapping[str, bytes]) -> None:
        """A line of responses that is shown whole is the one that the journal recorded."""
        if self._recorded is None or self.count > len(self._recorded):
            return
        fields = _fields.decode(skeleton)
        line = _spelt({name: shown.get(f"/{name}", raw) for name, raw in fields.items()})
        digest, expected = sha256_hex(line), self._recorded.digest(self.count - 1)
        if digest != expected or len(line) != self._recorded.sizes[self.count - 1]:
            self._put(self.altered, "the response is not the one that the journal recorded", expected, digest)

    def _put(self, findings: list[Finding], what: str, expected: str = "", got: str = "") -> None:
        if len(findings) < MOST_FINDINGS:
            where = self.path if self._form == "value" else f"{self.path}:{max(self.count, 1)}"
            findings.append(Finding(where, what, expected, got))


def mark_in(value: Any) -> str | None:
    """The commitment of a mark, 64 hex digits; None for what is no mark."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    sha256 = value.get(MARK)
    return sha256 if isinstance(sha256, str) and _digest(sha256) else None


def _marks_of_line(skeleton: bytes, names: tuple[str, ...]) -> dict[str, str]:
    try:
        fields = _fields.decode(skeleton)
        spelt = _spelt(fields)
    except (msgspec.MsgspecError, AwoError, RecursionError) as error:
        raise _WrongError("the skeleton of the line is no JSON object") from error
    if spelt != skeleton:
        raise _WrongError("the skeleton of the line is not in its one spelling")
    marks: dict[str, str] = {}
    for name in names:
        raw = bytes(fields.get(name, b"null"))
        found = _mark.fullmatch(raw)
        if found is not None:
            marks[f"/{name}"] = found[1].decode()
        elif raw not in _NOTHING:
            raise _WrongError(f"a value stands in the skeleton where a mark belongs: /{name}")
    if len(_like_a_mark.findall(skeleton)) != len(marks):
        raise _WrongError("a mark stands in the skeleton in a place of its own")
    return marks


def _spelt(fields: Mapping[str, msgspec.Raw | bytes]) -> bytes:
    """The object of these fields, in their order and without white space between them."""
    return b"{%b}" % b",".join([(_names.get(name) or encode_sorted(name)) + b":" + raw for name, raw in fields.items()])


def _scalar(data: bytes, place: str) -> Any:
    """The text, number, true, false or null that is shown."""
    try:
        value = msgspec.json.decode(data)
        if not isinstance(value, (dict, list)) and encode_sorted(value) == data:
            return value
    except (msgspec.MsgspecError, AwoError, RecursionError):
        pass  # said below
    raise _WrongError(f"what is shown is no single value in its one spelling: {place}")
