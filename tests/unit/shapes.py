"""Random values of the shapes on disk, made from their types."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from awo.canon import time, usd
from awo.evidence.layout import RUN_ID_PATTERN
from awo.evidence.ledger import COMMIT_PATTERN
from awo.evidence.records import json_object

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PATTERNS: dict[str, st.SearchStrategy[str]] = {
    time.PATTERN: st.integers(0, 10**15).map(time.spell),
    r"^[0-9a-f]{64}$(?!\n)": st.binary(min_size=32, max_size=32).map(bytes.hex),
    r"^[0-9a-f]{32}$(?!\n)": st.binary(min_size=16, max_size=16).map(bytes.hex),
    r"^([0-9a-f]{64})?$(?!\n)": st.just("") | st.binary(min_size=32, max_size=32).map(bytes.hex),
    usd.PATTERN: st.integers(0, 10**24 - 1).map(usd.usd),
    usd.PATTERN_OR_EMPTY: st.just("") | st.integers(0, 10**24 - 1).map(usd.usd),
    RUN_ID_PATTERN: st.sampled_from(
        ["run_2026-11-23T06-09-00Z", "run_2026-11-23T06-09-00Z-2", "run_2026-11-23T06-09-00Z-10"]
    ),
    COMMIT_PATTERN: st.binary(min_size=20, max_size=20).map(bytes.hex)
    | st.binary(min_size=32, max_size=32).map(bytes.hex),
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$(?!\n)": st.sampled_from(["a", "Z9", "step_001", "x" * 64]),
}


@cache
def strategy_for(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type, by its constraints."""
    return _of(msgspec.inspect.type_info(kind))


def _of(info: Any) -> st.SearchStrategy[Any]:
    match info:
        case msgspec.inspect.StructType():
            fields = {field.name: _of(field.type) for field in info.fields}
            return st.fixed_dictionaries(fields).map(lambda values: info.cls(**values))
        case msgspec.inspect.Metadata():
            return _of(info.type)
        case msgspec.inspect.UnionType():
            return st.one_of([_of(one) for one in info.types])
        case msgspec.inspect.ListType():
            return st.lists(_of(info.item_type), max_size=2)
        case msgspec.inspect.VarTupleType():
            return st.lists(_of(info.item_type), max_size=2).map(tuple)
        case msgspec.inspect.TupleType():
            return st.tuples(*(_of(one) for one in info.item_types))
        case msgspec.inspect.DictType():
            return st.dictionaries(st.text("abc", max_size=3), _of(info.value_type), max_size=2)
        case _:
            return _of_leaf(info)


def _of_leaf(info: Any) -> st.SearchStrategy[Any]:
    match info:
        case msgspec.inspect.StrType():
            return PATTERNS[info.pattern] if info.pattern else TEXT
        case msgspec.inspect.IntType():
            return st.integers(info.ge or 0, info.le or 2**53 - 1)
        case msgspec.inspect.FloatType():
            return st.floats(info.ge or 0, info.le or 100, allow_nan=False, exclude_min=info.gt is not None)
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.AnyType():
            return TEXT | st.booleans() | st.integers(0, 9)
        case msgspec.inspect.RawType():
            return st.dictionaries(st.text("abc", max_size=3), TEXT, max_size=2).map(json_object)
        case msgspec.inspect.LiteralType():
            return st.sampled_from(info.values)
        case _:
            raise AssertionError(info)
