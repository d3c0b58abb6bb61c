"""Where an original that does not match differs from what was withheld: the line, the key, the value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec

from awo.canon.digest import leaf_hash, sha256_bytes
from awo.canon.json import parse
from awo.canon.pointer import pointer_to
from awo.errors import EvidenceError
from awo.evidence.disclosure import MARK, LineCutter, cut_value, form_of
from awo.evidence.layout import JOURNAL, PARTIAL
from awo.evidence.merkle import MerkleTree
from awo.evidence.redaction import PartialText, RedactedFile
from awo.withhold.given import Given, chunks_in, lines_in

MOST_SHOWN: Final = 20
DIGEST_BYTES: Final = 32


class Difference(NamedTuple):
    """One place at which an original is not what was sealed."""

    where: str
    what: str
    expected: str = ""
    got: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """How an original whose digest is another one compares: the same texts in another spelling, some of the lines, or
    something else."""

    result: Literal["matches", "differs", "in part"]
    said: str = ""
    differences: tuple[Difference, ...] = ()


class _Answered(msgspec.Struct):
    kind: str
    step: str = ""
    line: int = -1
    sha256: str = ""


_answered = msgspec.json.Decoder(_Answered)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def compare(package: Path, row: RedactedFile, one: Given, key: bytes | None, limit_bytes: int) -> Compared:
    """Holds an original against the file of this row by its values or lines, as far as that is possible.

    Values and lines need `key` (32 bytes), but lines of responses, whose digests stand in the journal. Raises
    `CannotCheck`.
    """
    form = form_of(row.path)
    try:
        if form == "value" and key is not None:
            return _values(package, row, one, key, limit_bytes)
        if form not in ("value", "opaque") and key is not None:
            by_marks = _lines(package, row, one, key, limit_bytes)
            if by_marks.result != "differs" or by_marks.differences:
                return by_marks
        if form == "responses":
            return _responses(package, row, one, limit_bytes)
    except EvidenceError as error:
        return Compared("differs", "", (Difference(error.where or one.name, error.what, error.expected, error.got),))
    return Compared("differs")


# --- one value ------------------------------------------------------------------------------------------


def _values(package: Path, row: RedactedFile, one: Given, key: bytes, limit_bytes: int) -> Compared:
    data = bytearray()
    for chunk in one.chunks():
        data += chunk
        if len(data) > limit_bytes:
            raise EvidenceError("the file is larger than the limit", where=one.name)
    cut = cut_value(key, row.path, bytes(data))
    if cut.leaf.hex() == row.node:
        return Compared("matches", "the same values, spelled otherwise")
    if row.state != "partial":
        return Compared("differs")
    sealed = _partial_texts(package, row.path, limit_bytes)
    expected = dict(_marks(_json(next(sealed, PartialText(leaf="", shown={}, skeleton="null")).skeleton.encode())))
    got = dict(_marks(_json(cut.skeleton)))
    return Compared("differs", "", tuple(_first(_unequal(row.path, expected, got))))


def _unequal(path: str, expected: Mapping[str, str], got: Mapping[str, str]) -> Iterator[Difference]:
    for place in sorted(expected.keys() | got.keys()):
        if place not in got:
            yield Difference(f"{path}{place}", "a value that was sealed is not there", expected[place])
        elif place not in expected:
            yield Difference(f"{path}{place}", "no value was sealed here", "", got[place])
        elif expected[place] != got[place]:
            yield Difference(f"{path}{place}", "this is not the value that was sealed", expected[place], got[place])


def _marks(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """The place and the commitment of each mark in a skeleton."""
    match value:
        case {"withheld": str(mark)} if len(value) == 1:
            yield place, mark
        case dict():
            for name, inner in value.items():
                yield from _marks(inner, pointer_to(place, name))
        case list():
            for number, inner in enumerate(value):
                yield from _marks(inner, pointer_to(place, number))
        case _:
            pass


# --- lines ----------------------------------------------------------------------------------------------


def _lines(package: Path, row: RedactedFile, one: Given, key: bytes, limit_bytes: int) -> Compared:
    """Line by line against a `.partial` file; against the root where there is none."""
    cut = LineCutter(key, row.path, form_of(row.path)).cut
    sealed = _partial_texts(package, row.path, limit_bytes) if row.state == "partial" else iter(())
    tree = MerkleTree()
    differences: list[Difference] = []
    for number, line in enumerate(lines_in(one.chunks(), one.name, limit_bytes)):
        skeleton = cut(number, line).skeleton
        leaf = leaf_hash(skeleton)
        tree.append_hash(leaf)
        if row.state != "partial":
            continue
        where, text = f"{row.path}:{number + 1}", next(sealed, None)
        if text is None:
            differences.append(Difference(where, "no such line was sealed"))
        elif (expected := text.leaf or leaf_hash(text.skeleton.encode()).hex()) != leaf.hex():
            what = f"this is not the line that was sealed{_keys_that_differ(text.skeleton.encode(), skeleton)}"
            differences.append(Difference(where, what, expected, leaf.hex()))
        if len(differences) >= MOST_SHOWN:
            return Compared("differs", f"the first {MOST_SHOWN} differences", tuple(differences))
    if tree.root().hex() == row.node:
        return Compared("matches", "the same lines, ended otherwise")
    if row.state == "partial" and next(sealed, None) is not None:
        differences.append(Difference(f"{row.path}:{tree.size + 1}", "lines that were sealed are not there"))
    return Compared("differs", "", tuple(differences))


def _keys_that_differ(expected: bytes, got: bytes) -> str:
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        mine, other = _fields.decode(expected), _fields.decode(got)
        names = sorted(
            name for name in mine.keys() | other.keys() if bytes(mine.get(name, b"")) != bytes(other.get(name, b""))
        )
        if names != [MARK]:
            return f": {', '.join(names)}"
    return ""


def _responses(package: Path, row: RedactedFile, one: Given, limit_bytes: int) -> Compared:
    """Lines of responses against the digests in the journal: all of them, or an excerpt."""
    given = bytearray()
    for line in lines_in(one.chunks(), one.name, limit_bytes):
        given += sha256_bytes(line)
    count = len(given) // DIGEST_BYTES
    step = row.path.split("/")[1]
    recorded = dict[int, bytes]()
    found: set[bytes] = set()
    wanted = {bytes(given[at : at + DIGEST_BYTES]) for at in range(0, len(given), DIGEST_BYTES)}
    total = 0
    for event in _answers_in(package, step, limit_bytes):
        total += 1
        digest = bytes.fromhex(event.sha256)
        if digest in wanted:
            found.add(digest)
        at = event.line * DIGEST_BYTES
        if given[at : at + DIGEST_BYTES] != digest and len(recorded) < MOST_SHOWN:
            recorded[event.line] = digest
    if count and wanted == found:
        return Compared("in part", f"{count} of the {total} lines")
    differences: list[Difference] = []
    for number in range(count):
        digest = bytes(given[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES])
        if digest not in found:
            where, expected = f"{one.name}:{number + 1}", recorded.get(number, b"") if count == total else b""
            differences.append(Difference(where, "this line was never recorded", expected.hex(), digest.hex()))
        if len(differences) >= MOST_SHOWN:
            break
    return Compared("differs", f"{len(found)} of the {total} lines are there", tuple(differences))


def _answers_in(package: Path, step: str, limit_bytes: int) -> Iterator[_Answered]:
    for line in lines_in(chunks_in(package, JOURNAL), JOURNAL, limit_bytes):
        if b'"sha256"' not in line:
            continue
        event = _answered.decode(line)
        if event.kind in ("call_answered", "response_reused") and event.step == step:
            yield event


# --- what both need -------------------------------------------------------------------------------------


def _partial_texts(package: Path, path: str, limit_bytes: int) -> Iterator[PartialText]:
    where = f"{path}{PARTIAL}"
    for line in lines_in(chunks_in(package, where), where, limit_bytes):
        yield parse(line, PartialText, where=where)


def _json(data: bytes) -> Any:
    return parse(data, Any, where="skeleton")


def _first(found: Iterable[Difference]) -> Iterator[Difference]:
    for number, one in enumerate(found):
        if number >= MOST_SHOWN:
            return
        yield one
