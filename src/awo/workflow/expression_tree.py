"""What a compiled CEL expression reads: its tree, as the compiler gives it out, gone through for paths of names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from awo.workflow.names import BadText

# Field numbers of cel.expr (github.com/google/cel-spec, proto/cel/expr): the tree that the compiler gives out.
_ANY_VALUE, _CHECKED_EXPR = 2, 4
_CONSTANT, _IDENTIFIER, _SELECT, _CALL = 3, 4, 5, 6
_STRING_CONSTANT = 6
_INDEX_FUNCTION = b"_[_]"


def paths_in(serialized: bytes, roots: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """What an expression reads of `roots`, each path once in the order of first use: `("steps", "stats", "mean")`.

    `serialized` is what `cel.Expression.serialize` gives. A path is as long as names follow each other;
    `inputs` alone is left out. Raises `BadText` for another root that is not followed by a name.
    """
    found: dict[tuple[str, ...], None] = {}
    checked = dict(_fields(serialized))[_ANY_VALUE]
    _collect(dict(_fields(checked))[_CHECKED_EXPR], roots, found)
    return tuple(found)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a protocol buffer message, in order; numbers are passed over."""
    index = 0
    while index < len(message):
        tag, index = _varint(message, index)
        match tag & 7:
            case 0:
                _, index = _varint(message, index)
            case 1:
                index += 8
            case 2:
                length, index = _varint(message, index)
                yield tag >> 3, message[index : index + length]
                index += length
            case _:
                index += 4


def _varint(message: bytes, index: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[index]
        index += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, index
        shift += 7


def _collect(expr: bytes, roots: Collection[str], found: dict[tuple[str, ...], None]) -> None:
    """Notes what each of `roots` is followed by anywhere in an expression."""
    path = _path(expr)
    if path and path[0] in roots:
        if len(path) > 1:
            found[path] = None
        elif path[0] != "inputs":
            known = "metrics.NAME" if path[0] == "metrics" else 'steps.ID, or steps["ID"] for an id with a hyphen'
            raise BadText(f"{path[0]!r} must be followed by a name", expected=known)
        return
    for number, content in _fields(expr):
        if number not in (_CONSTANT, _IDENTIFIER):
            for inner in _expressions_in(number, content):
                _collect(inner, roots, found)


def _path(expr: bytes) -> tuple[str, ...]:
    """The names that a selection or an index by a text spells from its first name on; () for anything else."""
    for number, content in _fields(expr):
        fields = list(_fields(content))
        if number == _IDENTIFIER:
            return (dict(fields).get(1, b"").decode(),)
        if number == _SELECT:
            parts = dict(fields)
            before, name = _path(parts.get(1, b"")), parts.get(2, b"")
        elif number == _CALL and dict(fields).get(2) == _INDEX_FUNCTION:
            operands = [inner for field, inner in fields if field == 3]
            before, name = _path(operands[0]), _text(operands[1])
        else:
            continue
        return (*before, name.decode()) if before and name else ()
    return ()


def _text(expr: bytes) -> bytes:
    return next((dict(_fields(c)).get(_STRING_CONSTANT, b"") for n, c in _fields(expr) if n == _CONSTANT), b"")


# Which fields of each kind of expression hold expressions, and which hold entries whose fields 3 and 4 do
# (a key and a value). Select 5, call 6, list 7, struct 8, comprehension 9.
_INNER: Final = {_SELECT: (1,), _CALL: (1, 3), 7: (1,), 9: (2, 4, 5, 6, 7)}


def _expressions_in(number: int, content: bytes) -> Iterator[bytes]:
    for field, inner in _fields(content):
        if field in _INNER.get(number, ()):
            yield inner
        elif number == 8 and field == 2:
            yield from (part for part_number, part in _fields(inner) if part_number in (3, 4))
