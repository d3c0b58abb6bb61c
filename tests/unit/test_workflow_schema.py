"""The published schema, the types and the list of faults all say the same about a workflow file."""

from __future__ import annotations

import json
from typing import Any, cast

import jsonschema_rs
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.sample_operations import OPERATIONS

from awo import api, plugins
from awo.errors import WorkflowInvalid
from awo.workflow.definition import StepShape, WorkflowShape
from awo.workflow.load import parse
from awo.workflow.schema import workflow_schema
from awo.workflow.shape import Checker
from awo.workflow.words import MARK, Args, StepKind

SCHEMA = workflow_schema(OPERATIONS)
_checker = Checker(OPERATIONS)
_published = jsonschema_rs.Draft202012Validator(SCHEMA)

# Whole numbers with a decimal point are left out: JSON Schema takes 1.0 for an integer, AWO does not.
_numbers = st.integers(-3, 200) | st.sampled_from([0.5, -0.5, 2**31])
_anything = st.recursive(
    st.none() | st.booleans() | _numbers | st.sampled_from(["", "a", "a b", "echo", "fast", "1", "true", "retry"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["max", "step", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def _loosely(**keys: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with some of these keys, mostly with right values, and now and then with another key."""
    maybe = {key: st.one_of(value, value, value, _anything) for key, value in keys.items()}
    return st.fixed_dictionaries({}, optional=maybe | {"other": _anything})


_ids = st.sampled_from(["a", "b", "c-1"])
_retries = st.integers(0, 3) | _loosely(max=st.integers(0, 3), delay_s=st.just(1.5))
_arguments = {
    "prompt": st.just("hi"),
    "models": st.just(["echo"]),
    "params": st.just({"seed": 1}),
    "sources": st.lists(_loosely(step=_ids, weight=st.just(2)), max_size=1),
    "text": st.sampled_from(["x", ["x"]]),
    "mode": st.sampled_from(["fast", "slow", "slo"]),
    "count": st.integers(0, 10),
    "label": st.sampled_from(["abc", "A", "a\n"]),
    "flag": st.booleans(),
    "checklist": st.just("c.md"),
    "outputs": st.just(["x.txt"]),
    "one": st.just("1"),
}
_step_keys = {
    "op": st.sampled_from([*OPERATIONS, "mixx"]),
    "id": _ids,
    "name": st.just("n"),
    "needs": _ids | st.lists(_ids, max_size=1),
    "when": st.just("true"),
    "retries": _retries,
    "timeout": _numbers,
    "over": st.sampled_from(["a", {"data": "a"}, {"step": "a"}, {"steps": "a"}]),
    "matrix": st.dictionaries(st.sampled_from(["t", "a-b"]), st.lists(st.integers(0, 1), max_size=2), max_size=1),
    "repeats": st.integers(0, 3),
    "max_failed": st.sampled_from([0, "5%", "0.5%", "5", "101%", -1]),
}
_fitting = st.one_of(
    st.fixed_dictionaries(
        {"op": st.just("llm_map"), "prompt": st.just("x")}, optional={"timeout": st.just(1), "id": _ids}
    ),
    st.fixed_dictionaries(
        {"op": st.just("mix"), "args": st.just({"sources": []})}, optional={"count": st.integers(0, 9)}
    ),
    st.just({"name": "n", "prompt": "x"}),
    st.just({"op": "llm_map", "params": {}, "args": {"prompt": "x"}}),
    st.just({"op": "llm_map", "prompt": "y", "args": {"prompt": "x"}}),
)
_steps = _fitting | _loosely(**_step_keys, **_arguments, args=_loosely(**_arguments))
_dollars = st.sampled_from([0, 1.5, "2.50", "1.", "$1", -1])
_entries = _loosely(
    backend=st.just("echo"),
    seed=st.just(1),
    params=st.just({"max_tokens": 1}),
    price=st.just("free") | _loosely(input=_dollars, output=_dollars),
    limits=_loosely(in_flight=st.integers(0, 2), tries=st.integers(0, 2), timeout_s=_numbers),
)
_models = st.dictionaries(st.sampled_from(["m", "-m", "m\n"]), _entries | st.just("openai/gpt"), max_size=1)
_inputs = st.dictionaries(
    st.sampled_from(["a", "a-b", "1"]),
    st.one_of(
        _anything,
        _loosely(file=st.just("x")),
        _loosely(value=_anything),
        _loosely(data=st.just("x.csv"), id=st.sampled_from(["", "a"]), format=st.sampled_from(["csv", "tsv"])),
    ),
    max_size=1,
)
_files = st.fixed_dictionaries(
    {"name": st.one_of(st.just("t"), st.just("t"), _anything), "steps": st.lists(_steps, max_size=2)},
    optional={
        "seed": st.integers(-1, 3),
        "version": st.sampled_from(["1", 1, 1.5, None, True]),
        "inputs": _inputs,
        "models": _models,
        "default_model": st.sampled_from(["echo", 1]),
        "budget": _dollars,
        "cache": st.booleans(),
        "other": st.just(1),
    },
)

# What a file's shape cannot say: that names exist, are unlike each other, and form no circle.
_BEYOND_SHAPE = (
    "there is no step",
    "there is no model",
    "the step id",
    "a step waits",
    "steps wait",
    "give exactly one",
    "the model ",
    "there is no data set",
    "the input 'a' is no data set",
    "the step 'a' is done once",
    "the budget is nothing",
    "the format of the data set",
    "'max_failed' has no meaning",
)


def _faults_of_shape(value: Any) -> list[str]:
    try:
        parse(json.dumps(value).encode(), "w.json", OPERATIONS)
    except WorkflowInvalid as error:
        return [p.what for p in error.problems if not p.what.startswith(_BEYOND_SHAPE)]
    return []


@given(_files)
@settings(max_examples=400)
def test_the_published_schema_accepts_what_the_loader_accepts(value: dict[str, Any]) -> None:
    assert _published.is_valid(value) == (not _faults_of_shape(value))


@given(_loosely(**_arguments), st.sampled_from(["llm_map", "audit_gate", "mix"]))
@settings(max_examples=400)
def test_arguments_convert_if_and_only_if_their_schema_finds_no_fault(value: dict[str, Any], operation: str) -> None:
    kind = OPERATIONS[operation].args
    try:
        msgspec.convert(value, kind, strict=True)
        converts = True
    except msgspec.ValidationError:
        converts = False
    assert converts == (not _checker.faults(value, kind))


@given(_loosely(**_step_keys, args=st.just({})) | _files)
def test_steps_and_files_convert_if_and_only_if_their_schema_finds_no_fault(value: dict[str, Any]) -> None:
    kind: type = WorkflowShape if "steps" in value else StepShape
    try:
        msgspec.convert(value, kind, strict=True)
        converts = True
    except msgspec.ValidationError:
        converts = False
    assert converts == (not _checker.faults(value, kind))


def test_the_published_schema_is_one_of_its_dialect() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"].startswith("urn:")


def test_the_published_schema_describes_and_marks_what_editors_show() -> None:
    step = SCHEMA["$defs"]["step:mix"]
    assert step["description"] == "Puts steps, files and texts together."
    assert step["properties"]["pattern"][MARK] == "glob"
    assert step["properties"]["outputs"]["items"][MARK] == "write"
    assert step["properties"]["needs"]["description"].startswith("Steps that must be done before")
    assert "Shape" not in json.dumps(SCHEMA)


def test_two_operations_whose_arguments_have_one_name_keep_their_own_schema() -> None:
    def arguments(field: str) -> type[Args]:
        kind = msgspec.defstruct("SameArgs", [(field, str)], bases=(Args,), frozen=True, kw_only=True, module=field)
        return cast("type[Args]", kind)

    schema = workflow_schema({"x": StepKind(arguments("first")), "y": StepKind(arguments("second"))})
    assert "first" in schema["$defs"]["step:x"]["properties"]
    assert "second" in schema["$defs"]["step:y"]["properties"]


def test_every_operation_of_the_table_has_its_branch() -> None:
    schema = workflow_schema(api.operations())
    jsonschema_rs.meta.validate(schema)
    assert {f"step:{name}" for name in plugins.OPERATIONS} <= set(schema["$defs"])
