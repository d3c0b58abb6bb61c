"""What a seal commits to beside the sums: every text alone, salted, so that some can be withheld and the rest holds.

Source: spec section 9. Pure: bytes go in, skeletons and hashes come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from awo.canon.digest import (
    commitment,
    leaf_hash,
    leaf_hashes,
    line_commitments,
    salts_for,
    salts_of,
    salts_of_lines,
    sha256_of_each,
)
from awo.canon.json import encode_sorted
from awo.canon.lines import Lines
from awo.canon.pointer import pointer_to
from awo.errors import EvidenceError
from awo.evidence.layout import INPUT, ITEMS_FILE, OUTPUTS, RESPONSES_FILE, VALUE_FILE
from awo.evidence.merkle import MerkleTree

SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
KEY_PATTERN: Final = r"^[0-9a-f]{64}\n$(?!\n)"
MARK: Final = "withheld"
"""The one key of the object that stands in a skeleton for a value."""

OWN_SALT: Final = "salt"
"""The key of a response that is random itself. It is shown only with a whole line: with it a digest of the journal
tells whether a guess at the rest is right."""

RESPONSE_KEYS: Final = ("messages", "text", "logprobs", "schema_fault", OWN_SALT)
ITEM_KEYS: Final = ("item", "row", "value", "reason")
"""The keys of a line that can be withheld, in the order in which their salts are cut; behind the fourth it is zeros."""

Form = Literal["value", "responses", "items", "lines", "opaque"]

_OUTPUTS: Final = f"{OUTPUTS}/"
_own_forms: Final[Mapping[str, Form]] = {RESPONSES_FILE: "responses", ITEMS_FILE: "items", VALUE_FILE: "value"}
_MARKED: Final = b'{"%b":"%%b"}' % MARK.encode()
_ZEROS: Final = bytes(SALT_BYTES)
_NOTHING: Final = (b"null", b'""', b"{}", b"[]")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_compact = msgspec.json.Encoder()
_keys_of: Final[Mapping[Form, tuple[str, ...]]] = {"responses": RESPONSE_KEYS, "items": ITEM_KEYS}
_own_keys: Final[Mapping[Form, tuple[tuple[str, str, int, int], ...]]] = {
    form: tuple((name, f"/{name}", at * SALT_BYTES, (at + 1) * SALT_BYTES) for at, name in enumerate(names))
    for form, names in _keys_of.items()
}
"""Of a form of lines: each key that can be withheld, its place, and where its salt begins and ends."""


class Shown(NamedTuple):
    """A value with its salt: what proves that it stands behind a mark. `json` is its sorted compact JSON."""

    salt: bytes
    json: bytes


class Cut(NamedTuple):
    """A JSON text cut into what always shows and what can be withheld.

    `skeleton` is the text with a mark `{"withheld": COMMITMENT}` for each value of `values`, which are named by their
    place: a JSON pointer (RFC 6901).
    """

    skeleton: bytes
    values: dict[str, Shown]

    @property
    def leaf(self) -> bytes:
        """The 32-byte hash that stands for the whole text; it tells nothing of it."""
        return leaf_hash(self.skeleton)


def form_of(path: str) -> Form:
    """How a file of a package is cut, by its path from the run's folder."""
    if path == INPUT:
        return "value"
    if not path.startswith(_OUTPUTS):
        return "opaque"
    parts = path.split("/")
    if len(parts) == 3 and parts[-1] in _own_forms:
        return _own_forms[parts[-1]]
    return "lines" if path.endswith(".jsonl") else "opaque"


def mark(salt: bytes, json: bytes) -> bytes:
    """The mark of a withheld value, as a skeleton has it."""
    return _MARKED % commitment(salt, json).encode()


class LineCutter:
    """Cuts lines of one `.jsonl` file as `cut_line` does; made once for all of them, and several times as fast."""

    __slots__ = ("_key", "_names", "_path", "_salted")

    def __init__(self, key: bytes, path: str, form: Form) -> None:
        self._key = key
        self._path = path
        self._salted = salts_of(key, path)
        self._names = _own_keys.get(form, ())

    def cut(self, number: int, line: bytes) -> Cut:
        """As `cut_line`."""
        salts = self._salted(number)
        if not self._names:
            whole = Shown(salts[:SALT_BYTES], line)
            return Cut(mark(*whole), {"": whole})
        fields = self._decoded(number, line)
        values: dict[str, Shown] = {}
        for name, place, start, end in self._names:
            raw = fields.get(name)
            if raw is None or (json := bytes(raw)) in _NOTHING:
                continue
            salt = salts[start:end] or _ZEROS
            values[place] = Shown(salt, json)
            fields[name] = msgspec.Raw(_MARKED % commitment(salt, json).encode())
        return Cut(_compact.encode(fields), values)

    def leaves(self, first: int, lines: Sequence[bytes]) -> bytes:
        """`cut(...).leaf` of each line from number `first` on, 32 bytes each in one piece."""
        if not self._names:
            return leaf_hashes([_MARKED % one for one in line_commitments(self._key, self._path, first, lines)])
        salted, names = salts_of_lines(self._key, self._path, first, len(lines)), self._names
        cut: list[dict[str, msgspec.Raw]] = []
        places: list[tuple[dict[str, msgspec.Raw], str]] = []
        salty: list[bytes] = []
        for number, (line, salts) in enumerate(zip(lines, salted, strict=True), first):
            fields = self._decoded(number, line)
            for name, _, start, end in names:
                raw = fields.get(name)
                if raw is not None and (json := bytes(raw)) not in _NOTHING:
                    salty.append((salts[start:end] or _ZEROS) + json)
                    places.append((fields, name))
            cut.append(fields)
        digits = sha256_of_each(salty).hex().encode()
        for at, (fields, name) in enumerate(places):
            fields[name] = msgspec.Raw(_MARKED % digits[64 * at : 64 * at + 64])
        return leaf_hashes(map(_compact.encode, cut))

    def _decoded(self, number: int, line: bytes) -> dict[str, msgspec.Raw]:
        try:
            return _fields.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            where = f"{self._path}:{number + 1}"
            raise EvidenceError("a line is no JSON object", where=where, got=str(error)) from error


def cut_line(key: bytes, path: str, number: int, line: bytes, form: Form) -> Cut:
    """Line `number` (from 0) of a `.jsonl` file of this form, without its newline.

    Raises `EvidenceError` for a line of responses or items that is no JSON object.
    """
    return LineCutter(key, path, form).cut(number, line)


def cut_value(key: bytes, path: str, data: bytes) -> Cut:
    """A whole JSON file: every text, number, true, false and null in it can be withheld. Raises `EvidenceError`."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("this is not JSON", where=path, got=str(error)) from error
    values: dict[str, Shown] = {}

    def cut(inner: Any, place: str) -> Any:
        match inner:
            case dict() if inner:
                return {name: cut(one, pointer_to(place, name)) for name, one in inner.items()}
            case list() if inner:
                return [cut(one, pointer_to(place, number)) for number, one in enumerate(inner)]
            case dict() | list():
                return inner
            case _:
                pass
        shown = Shown(salts_for(key, path, place)[:SALT_BYTES], encode_sorted(inner))
        values[place] = shown
        return msgspec.Raw(mark(*shown))

    try:
        return Cut(encode_sorted(cut(value, "")), values)
    except RecursionError as error:
        raise EvidenceError("the values of this JSON lie too deep", where=path) from error


def opaque_node(key: bytes, path: str, sha256: str) -> bytes:
    """What stands for a file that is not cut, by its digest (64 hex digits)."""
    return leaf_hash(mark(salts_for(key, path, "")[:SALT_BYTES], sha256.encode()))


class NodeReader:
    """Takes a file piece by piece; gives the 32 bytes that stand for it. `lines` counts the lines of a file of lines.

    A file of one JSON value is held in memory; of the others a line at most. Raises `EvidenceError` for what is not
    JSON, and for a line or value of more than `limit_bytes`.
    """

    def __init__(self, key: bytes, path: str, limit_bytes: int) -> None:
        self.form = form_of(path)
        self.lines = 0
        self._key = key
        self._path = path
        self._line_cutter = LineCutter(key, path, self.form)
        self._limit_bytes = limit_bytes
        self._tree = MerkleTree()
        self._splitter = Lines(limit_bytes)
        self._whole = bytearray()

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next piece."""
        match self.form:
            case "opaque":
                pass
            case "value":
                self._whole += chunk
                if len(self._whole) > self._limit_bytes:
                    raise EvidenceError("the file is larger than the limit", where=self._path)
            case "responses" | "items" | "lines":
                self._add(self._splitter.feed(chunk))
                if self._splitter.is_too_long:
                    raise EvidenceError("a line is longer than the limit", where=f"{self._path}:{self.lines + 1}")

    def end(self, sha256: str) -> bytes:
        """What stands for the file, whose digest is `sha256` (64 hex digits)."""
        match self.form:
            case "opaque":
                return opaque_node(self._key, self._path, sha256)
            case "value":
                return cut_value(self._key, self._path, bytes(self._whole)).leaf
            case "responses" | "items" | "lines":
                if self._splitter.rest:
                    self._add([self._splitter.rest])
                return self._tree.root()

    def _add(self, lines: Sequence[bytes]) -> None:
        self._tree.append_hashes(self._line_cutter.leaves(self.lines, lines))
        self.lines += len(lines)


def disclosure_root(nodes: Iterable[tuple[str, bytes]]) -> str:
    """The root over the files of a package, 64 hex digits; `nodes` has each path with what stands for the file.

    The paths are those of SHA256SUMS without audit/disclosure.key, sorted by their bytes.
    """
    tree = MerkleTree()
    for path, node in nodes:
        tree.append(path.encode() + b"\x00" + node)
    return tree.root().hex()
