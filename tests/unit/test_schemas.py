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

MAY_LACK: dict[str, dict[str, Any]] = {
    "input": {
        "budget_usd": "",
        "cache": False,
        "data": {},
        "rescores": "",
        "claims": [],
        "changes": [],
        "earlier": [],
        "revised_from": "",
        "revises": "",
        "authors": [],
    },
    "response": {
        "cell": 0,
        "repeat": 0,
        "tries": 1,
        "stop_reason_given": "",
        "request_id": "",
        "fingerprint": "",
        "schema_sha256": "",
        "schema_fault": "",
        "logprobs": None,
        "cost": "",
        "origin": None,
    },
    "gate-request": {"panel": None},
    "gate": {"deadline_at": "", "is_escalated": False, "panel": None, "voted": 0},
    "redaction-policy": {
        "like": "",
        "show": {"files": [], "values": {}, "responses": {}, "items": {}},
        "withhold": [],
        "reason": "",
        "reasons": {},
    },
    "score": {"groups": {}, "scores": {}, "labels": {}, "ratings": {}, "why": {}},
}
"""The keys at the top of a shape that a writer may leave out, and what then holds (spec sections 3.1, 3.3, 3.15)."""


@pytest.mark.parametrize("name", schemas.SHAPES)
def test_the_published_schema_is_that_of_the_type(name: str) -> None:
    published = json.loads((FOLDER / f"{name}.schema.json").read_text())
    assert published == json.loads(json.dumps(schemas.schema_of(name))), "run `make schema`"


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
    may_lack = MAY_LACK.get(name, {})
    for key in value:
        assert validator.is_valid({k: v for k, v in value.items() if k != key}) == (key in may_lack), key


@pytest.mark.parametrize("name", MAY_LACK)
@given(data=st.data())
def test_a_key_that_may_lack_has_the_value_that_the_specification_says(name: str, data: st.DataObject) -> None:
    kind, _ = schemas.SHAPES[name]
    value: Any = json.loads(encode_sorted(data.draw(strategy_for(kind))))
    shorter = {key: value[key] for key in value if key not in MAY_LACK[name]}
    read = json.loads(encode_sorted(msgspec.json.decode(json.dumps(shorter), type=kind)))
    assert read == shorter | MAY_LACK[name]
