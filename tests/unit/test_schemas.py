"""The published schemas are those of the types, and say the same as the types do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.shapes import strategy_for

from awo.canon.json import encode_sorted, pretty
from awo.evidence import schemas
from awo.evidence.records import InputRecord, encode_input

FOLDER = Path(__file__).parents[2] / "schema"


@pytest.mark.parametrize("name", schemas.SHAPES)
def test_the_published_schema_is_that_of_the_type(name: str) -> None:
    published = json.loads((FOLDER / f"{name}.schema.json").read_text())
    assert published == schemas.schema_of(name), "run `make schema`"


@pytest.mark.parametrize("name", schemas.SHAPES)
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_written_reads_back(name: str, data: st.DataObject) -> None:
    kind, _ = schemas.SHAPES[name]
    value = data.draw(strategy_for(kind))
    assert msgspec.json.decode(encode_sorted(value), type=kind) == value
    written = b"".join(encode_input(value)) if isinstance(value, InputRecord) else pretty(value)
    assert msgspec.json.decode(written, type=kind) == value


@pytest.mark.parametrize("name", [name for name in schemas.SHAPES if name != "event"])
@settings(max_examples=40)
@given(data=st.data())
def test_what_a_type_writes_its_schema_accepts(name: str, data: st.DataObject) -> None:
    kind, _ = schemas.SHAPES[name]
    value: Any = json.loads(encode_sorted(data.draw(strategy_for(kind))))
    validator = jsonschema_rs.Draft202012Validator(schemas.schema_of(name))
    assert validator.is_valid(value)
    assert not validator.is_valid({**value, "more": 1})
    for key in value:
        assert not validator.is_valid({k: v for k, v in value.items() if k != key}), key
