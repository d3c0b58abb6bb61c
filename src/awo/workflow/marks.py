"""Finds the marked texts (`words.py`) in an operation's arguments: what they refer to, read and write.

The name of each parameter in marked `params` is found as `param`, and the texts inside as `template`.
Marked `metrics` are found by their names as `metric`, and each text as `measure`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import inspect

from awo.canon.positions import Path
from awo.workflow.words import MARK

Kind = Literal[
    "step",
    "model",
    "template",
    "cell_template",
    "cel",
    "cell_cel",
    "read",
    "glob",
    "write",
    "image",
    "schema",
    "params",
    "param",
    "metrics",
    "metric",
    "measure",
    "observation",
    "claim_test",
]

_NESTED_PARAMS = "extra_body"


class Marked(NamedTuple):
    """A marked text and where it stands in the arguments, for example `("models", 0)`."""

    kind: Kind
    path: Path
    text: str


_Finder = Callable[[Any, Path], Iterator[Marked]]


def marked_in(args: msgspec.Struct) -> Iterator[Marked]:
    """Every marked text in `args`, defaults included, in the order of the fields."""
    finder = _finder_of(type(args))
    return finder(args, ()) if finder else iter(())


@cache
def _finder_of(kind: type[msgspec.Struct]) -> _Finder | None:
    return _finder(inspect.type_info(kind), None)


def _finder(info: inspect.Type, mark: Kind | None) -> _Finder | None:
    """A walk over values of a type, or None when no marked text can be in them."""
    if isinstance(info, inspect.Metadata):
        return _finder(info.type, (info.extra_json_schema or {}).get(MARK, mark))
    if isinstance(info, inspect.StrType):
        return _text(mark) if mark else None
    if isinstance(info, inspect.UnionType):
        return _any_of([found for member in info.types if (found := _finder(member, mark))])
    if isinstance(info, (inspect.ListType, inspect.VarTupleType)):
        inner = _finder(info.item_type, mark)
        return _items(inner) if inner else None
    if isinstance(info, inspect.DictType):
        if mark == "params":
            return _params
        if mark == "metrics":
            return _metrics
        inner = _finder(info.value_type, mark)
        return _values(inner) if inner else None
    if isinstance(info, inspect.StructType):
        fields = [(f.name, f.encode_name, found) for f in info.fields if (found := _finder(f.type, None))]
        return _fields(info.cls, fields) if fields else None
    return None


def _text(kind: Kind) -> _Finder:
    def find(value: Any, path: Path) -> Iterator[Marked]:
        if isinstance(value, str):
            yield Marked(kind, path, value)

    return find


def _params(value: Any, path: Path) -> Iterator[Marked]:
    """The names of parameters, and every text in their values."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield Marked("param", (*path, key), key)
            yield from _params(item, (*path, key)) if key == _NESTED_PARAMS else _templates(item, (*path, key))


def _metrics(value: Any, path: Path) -> Iterator[Marked]:
    if isinstance(value, dict):
        for name, text in value.items():
            yield Marked("metric", (*path, name), name)
            yield Marked("measure", (*path, name), text)


def _templates(value: Any, path: Path) -> Iterator[Marked]:
    if isinstance(value, str):
        yield Marked("template", path, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _templates(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _templates(item, (*path, index))


def _any_of(finders: list[_Finder]) -> _Finder | None:
    def find(value: Any, path: Path) -> Iterator[Marked]:
        for inner in finders:
            yield from inner(value, path)

    return find if finders else None


def _items(inner: _Finder) -> _Finder:
    def find(value: Any, path: Path) -> Iterator[Marked]:
        if isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                yield from inner(item, (*path, index))

    return find


def _values(inner: _Finder) -> _Finder:
    def find(value: Any, path: Path) -> Iterator[Marked]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from inner(item, (*path, key))

    return find


def _fields(kind: type, fields: list[tuple[str, str, _Finder]]) -> _Finder:
    def find(value: Any, path: Path) -> Iterator[Marked]:
        if isinstance(value, kind):
            for attribute, name, inner in fields:
                yield from inner(getattr(value, attribute), (*path, name))

    return find
