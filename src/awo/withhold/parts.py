"""Cuts one file after the other: what stands for it in the root that was sealed, and what is shown of it.

Source: spec sections 9.1 and 9.2. A line is held in memory, or a file of one value; what is shown goes to `out`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from awo.canon.digest import leaf_hash
from awo.canon.json import parse
from awo.canon.lines import Lines
from awo.errors import EvidenceError
from awo.evidence.disclosure import MARK, OWN_SALT, Cut, LineCutter, Shown, cut_value, form_of, mark, opaque_node
from awo.evidence.merkle import MerkleTree
from awo.evidence.redaction import PartialText
from awo.withhold.choice import LineChoice, State, ValueChoice

NO_KEY: Final = bytes(32)
"""Counts what a file has where the real key is gone."""

_MARK_WORD: Final = MARK.encode()
_MARK_OPENS: Final = b'{"%b":"' % MARK.encode()
_HASH_ONLY: Final = b'{"leaf":"%b","shown":{},"skeleton":""}\n'
_TEXT: Final = b'{"leaf":"","shown":{%b},"skeleton":%b}\n'
_OWN_SALT: Final = f"/{OWN_SALT}"
_VALUE: Final = b'%b:{"json":%b,"salt":"%b"}'
"""A `PartialText` in sorted compact JSON, written by hand: a run can have a million lines."""

_compact = msgspec.json.Encoder().encode


class Part(NamedTuple):
    """What became of one file. `withheld` counts as `RedactedFile.withheld`; `node` has 32 bytes."""

    state: State
    node: bytes
    withheld: int


class Out(Protocol):
    """Takes the bytes of a `.partial` file."""

    def feed(self, chunk: bytes | memoryview) -> None: ...


class Cutting(Protocol):
    """Takes the bytes of one file."""

    def feed(self, chunk: bytes | memoryview) -> None: ...
    def end(self, sha256: str) -> Part: ...


class Whole:
    """A file that is not cut: its digest is enough."""

    def __init__(self, key: bytes, path: str, state: State) -> None:
        self._key, self._path = key, path
        self._state: State = "shown" if state == "shown" else "withheld"

    def feed(self, chunk: bytes | memoryview) -> None:
        """Nothing of it is needed."""

    def end(self, sha256: str) -> Part:
        return Part(self._state, opaque_node(self._key, self._path, sha256), int(self._state == "withheld"))


class CutLines:
    """A file of lines."""

    def __init__(self, key: bytes, path: str, state: State, choose: LineChoice, out: Out, limit_bytes: int) -> None:
        self._path = path
        self._state = state
        self._cutter = LineCutter(key, path, form_of(path))
        self._choose = choose
        self._out = out
        self._texts: list[bytes] = []
        self._lines = Lines(limit_bytes)
        self._tree = MerkleTree()
        self._withheld = 0

    def feed(self, chunk: bytes | memoryview) -> None:
        self._take(self._lines.feed(chunk))
        if self._lines.is_too_long:
            raise EvidenceError("a line is longer than the limit", where=f"{self._path}:{self._tree.size + 1}")

    def end(self, sha256: str) -> Part:
        if self._lines.rest:
            self._take([self._lines.rest])
        count = {"shown": 0, "partial": self._withheld, "withheld": self._tree.size}[self._state]
        return Part(self._state, self._tree.root(), count)

    def _take(self, lines: list[bytes]) -> None:
        tree, cut_line = self._tree, self._cutter.cut
        if self._state != "partial":
            tree.append_hashes(self._cutter.leaves(tree.size, lines))
            return
        texts, choose = self._texts, self._choose
        for line in lines:
            number = tree.size
            cut = cut_line(number, line)
            skeleton, values = cut
            leaf = leaf_hash(skeleton)
            tree.append_hash(leaf)
            chosen = choose(number, line)
            if chosen is not None and (skeleton.count(_MARK_WORD) != len(values) or b"\\u" in skeleton):
                chosen = None if _has_false_mark(cut) else chosen
            text, is_whole = _text_of(cut, leaf, chosen)
            self._withheld += not is_whole
            texts.append(text)
        self._out.feed(b"".join(texts))
        texts.clear()


class CutValue:
    """A file of one JSON value. Where nothing of it is to be shown, the whole is withheld."""

    def __init__(self, key: bytes, path: str, state: State, choose: ValueChoice, out: Out, limit_bytes: int) -> None:
        self._key, self._path = key, path
        self._state = state
        self._choose = choose
        self._out = out
        self._limit_bytes = limit_bytes
        self._data = bytearray()

    def feed(self, chunk: bytes | memoryview) -> None:
        self._data += chunk
        if len(self._data) > self._limit_bytes:
            raise EvidenceError("the file is larger than the limit", where=self._path)

    def end(self, sha256: str) -> Part:
        cut = cut_value(self._key, self._path, bytes(self._data))
        self._data = bytearray()
        if self._state == "shown":
            return Part("shown", cut.leaf, 0)
        chosen = {place for place in cut.values if self._choose(place)} if self._state == "partial" else set()
        if not chosen:
            return Part("withheld", cut.leaf, len(cut.values))
        self._out.feed(_written(cut.skeleton, ((place, cut.values[place]) for place in chosen)))
        return Part("partial", cut.leaf, len(cut.values) - len(chosen))


class NarrowLines:
    """A `.partial` file of lines, of which less is to be shown. `path` is that of the whole file."""

    def __init__(self, path: str, state: State, choose: LineChoice, out: Out, limit_bytes: int) -> None:
        self._path = path
        self._state = state
        self._choose = choose
        self._out = out
        self._lines = Lines(limit_bytes)
        self._tree = MerkleTree()
        self._withheld = 0

    def feed(self, chunk: bytes | memoryview) -> None:
        for line in self._lines.feed(chunk):
            self._take(line)
        if self._lines.is_too_long:
            raise EvidenceError("a line is longer than the limit", where=f"{self._path}:{self._tree.size + 1}")

    def end(self, sha256: str) -> Part:
        if self._lines.rest:
            self._take(self._lines.rest)
        state: State = "withheld" if self._state == "withheld" else "partial"
        return Part(state, self._tree.root(), self._tree.size if state == "withheld" else self._withheld)

    def _take(self, line: bytes) -> None:
        number = self._tree.size
        where = f"{self._path}.partial:{number + 1}"
        leaf, skeleton, values = _read_partial(line, where)
        self._tree.append_hash(leaf)
        chosen = self._choose(number, skeleton) if skeleton else None
        text, is_whole = _text_of(Cut(skeleton, values), leaf, chosen)
        self._withheld += not (is_whole and len(values) == skeleton.count(_MARK_OPENS))
        if self._state != "withheld":
            self._out.feed(text)


class NarrowValue:
    """As `NarrowLines`, of a file of one JSON value."""

    def __init__(self, path: str, state: State, choose: ValueChoice, out: Out, limit_bytes: int) -> None:
        self._path = path
        self._state = state
        self._choose = choose
        self._out = out
        self._limit_bytes = limit_bytes
        self._data = bytearray()

    def feed(self, chunk: bytes | memoryview) -> None:
        self._data += chunk
        if len(self._data) > self._limit_bytes:
            raise EvidenceError("the file is larger than the limit", where=f"{self._path}.partial")

    def end(self, sha256: str) -> Part:
        leaf, skeleton, values = _read_partial(bytes(self._data), f"{self._path}.partial")
        self._data = bytearray()
        marks = skeleton.count(_MARK_OPENS)
        is_all = self._state == "shown"
        chosen = {place: value for place, value in values.items() if is_all or self._choose(place)}
        if self._state == "withheld" or not chosen:
            return Part("withheld", leaf, marks)
        self._out.feed(_written(skeleton, chosen.items()))
        return Part("partial", leaf, marks - len(chosen))


def _text_of(cut: Cut, leaf: bytes, chosen: frozenset[str] | None) -> tuple[bytes, bool]:
    """A line of a `.partial` file, and whether nothing of the line is withheld.

    What is not text is shown by its hash alone.
    """
    skeleton, values = cut
    if chosen is None or not skeleton:
        return _HASH_ONLY % leaf.hex().encode(), False
    shown = [(place, value) for place, value in values.items() if place in chosen and place != _OWN_SALT]
    if _OWN_SALT in values and len(shown) == len(values) - 1:
        shown.append((_OWN_SALT, values[_OWN_SALT]))
    try:
        return _written(skeleton, shown), len(shown) == len(values)
    except UnicodeDecodeError:
        return _HASH_ONLY % leaf.hex().encode(), False


def _written(skeleton: bytes, shown: Iterable[tuple[str, Shown]]) -> bytes:
    """Sorted compact JSON of a `PartialText` with its line feed. Raises `UnicodeDecodeError` for what is not text."""
    values = [
        _VALUE % (_compact(place), _compact(json.decode()), salt.hex().encode())
        for place, (salt, json) in sorted(shown)
    ]
    return _TEXT % (b",".join(values), _compact(skeleton.decode()))


def _read_partial(line: bytes, where: str) -> tuple[bytes, bytes, dict[str, Shown]]:
    """The leaf, the skeleton (empty where there is none) and the values of one text of a `.partial` file.

    Raises `EvidenceError` for another shape, and for a value that is not the one behind a mark.
    """
    text = parse(line, PartialText, where=where)
    if bool(text.leaf) == bool(text.skeleton) or (text.leaf and text.shown):
        raise EvidenceError("this has both a hash and a text, or neither", where=where)
    skeleton = text.skeleton.encode()
    values = {place: Shown(bytes.fromhex(one.salt), one.json.encode()) for place, one in text.shown.items()}
    for place, value in values.items():
        if mark(*value) not in skeleton:
            raise EvidenceError("a value that is shown is not the one that was sealed", where=f"{where}{place}")
    return bytes.fromhex(text.leaf) if text.leaf else leaf_hash(skeleton), skeleton, values


def _has_false_mark(cut: Cut) -> bool:
    """Whether a line has, beside its own marks, something that a reader could take for one."""
    try:
        return _marks_in(msgspec.json.decode(cut.skeleton)) != len(cut.values)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True


def _marks_in(value: Any) -> int:
    match value:
        case {"withheld": _}:
            return 1
        case dict():
            return sum(map(_marks_in, value.values()))
        case list():
            return sum(map(_marks_in, value))
        case _:
            return 0
