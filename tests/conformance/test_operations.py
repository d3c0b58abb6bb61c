"""All operations keep the contract that `awo.testing.operations` ships, and the contract can be broken.

Those that score, count, compare or judge have their cases in the files `test_operations_<area>.py` beside this one.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta

from awo import plugins
from awo.ops.seam import Ask, Desk, Operation, Writing
from awo.testing import operations
from awo.testing.fake_desk import FakeDesk
from awo.testing.operations import CHECKS, Case, Check, Example, Failure
from awo.workflow.words import Args

VALUES: dict[str, Any] = {
    "ask": {"responses": [{"model": "echo", "text": "Hello"}, {"model": "upper", "text": "HELLO"}], "count": 2},
    "vote": {"consensus_text": "Hello", "agreement_ratio": 1.0},
}
FILES = {
    "check.md": "- [ ] read it\n",
    "claims/a.json": json.dumps({"id": "c1", "statement": "s", "predictions": [{"name": "p", "tolerance": 1}]}),
    "claims/b.yaml": "- id: c2\n",
    "broken.json": "{",
}


def desk() -> FakeDesk:
    return FakeDesk(values=VALUES, files=FILES, inputs={"name": "Ada"}, secrets={"TOKEN": "hunter22"})


def example(**args: Any) -> Example:
    return Example(args, desk)


def fails(code: str, **args: Any) -> Failure:
    return Failure(code, example(**args))


CASES: dict[str, dict[str, Any]] = {
    "llm_map": {
        "works": [
            example(prompt="Hi {{ inputs.name }}"),
            example(prompt="Hi", model="upper", params={"seed": 1}),
            example(messages=[{"role": "user", "content": "3"}], schema={"type": "integer"}, images=["check.md"]),
        ],
        "refused": [
            {},
            {"prompt": 3},
            {"prompt": "x", "params": []},
            {"prompt": "x", "messages": [{"role": "user", "content": "x"}]},
            {"messages": [{"role": "usr", "content": "x"}]},
            {"prompt": "x", "schema": {"type": "txt"}},
            {"prompt": "x", "schema_tries": 11},
        ],
        "fails": [fails("model", prompt="Hi", model="ghost"), fails("template", prompt="{{ inputs.nobody }}")],
    },
    "fanout_generate": {
        "works": [example(prompt="Hi"), example(prompt="Hi", system="Be brief.", models=["echo", "echo"])],
        "refused": [{}, {"prompt": "x", "models": []}, {"prompt": "x", "models": "echo"}],
        "fails": [fails("model", prompt="Hi", models=["ghost"])],
    },
    "assert_contains": {
        "works": [
            example(from_step="vote", must_include=["hello"]),
            example(from_step="ask", field="responses.1.text", must_include=["HELLO"]),
        ],
        "refused": [
            {"from_step": "vote"},
            {"from_step": "vote", "must_include": []},
            {"from_step": "vote", "must_include": [""]},
            {"from_step": "vote", "must_include": "hello"},
        ],
        "fails": [
            fails("assertion_failed", from_step="vote", must_include=["moon"]),
            fails("field_missing", from_step="vote", field="text", must_include=["x"]),
            fails("field_not_text", from_step="ask", field="responses", must_include=["x"]),
        ],
    },
    "scope_validate": {
        "works": [example(claim={}), example(claims_glob="claims/*"), example(claims_glob="claims/a.json")],
        "refused": [{}, {"claim": {}, "claims_glob": "x"}, {"claim": "text"}, {"claim": {}, "require_ok": 1}],
        "fails": [
            fails("no_claims", claims_glob="none/*"),
            fails("claims_unreadable", claims_glob="broken.json"),
            fails("claim_invalid", claims_glob="claims/*", require_ok=True),
        ],
    },
    "write_text": {
        "works": [
            example(path="a.md", text="Hi {{ inputs.name }}"),
            example(path="a/b", from_step="vote", field="consensus_text"),
        ],
        "refused": [
            {"path": "a"},
            {"text": "a"},
            {"path": "a", "text": "x", "from_step": "vote", "field": "y"},
            {"path": "a", "from_step": "vote"},
            {"path": "a", "text": "x", "field": "y"},
        ],
        "fails": [
            fails("path", path="../a", text="x"),
            fails("not_utf8", path="a", text="\ud800"),
            fails("field_missing", path="a", from_step="vote", field="y"),
        ],
    },
    "audit_gate": {
        "works": [
            example(checklist="check.md"),
            example(checklist="check.md", blind=True),
            example(checklist="check.md", blind=True, of=["vote"]),
        ],
        "refused": [
            {},
            {"checklist": ["check.md"]},
            {"checklist": "check.md", "of": ["vote"]},
            {"checklist": "check.md", "blind": True, "of": ["vote", "vote"]},
            {"checklist": "check.md", "blind": "yes"},
        ],
        "fails": [fails("missing_input", checklist="none.md")],
    },
    "command": {
        "works": [
            example(argv=["echo", "{{ inputs.name }}"]),
            example(
                shell='cat check.md > "$NAME.txt"', inputs=["check.md"], outputs=["Ada.txt"], set_env={"NAME": "Ada"}
            ),
        ],
        "refused": [
            {},
            {"argv": []},
            {"argv": ["true"], "shell": "true"},
            {"shell": "echo {{ inputs.name }}"},
            {"shell": "true", "env": ["A=B"]},
            {"shell": "true", "time_limit_s": -1},
            {"shell": "true", "expect_exit": 256},
            {"shell": "true", "outputs": ["stdout.txt"]},
            {"shell": "true", "outputs": ["a", "A"]},
            {"shell": "true", "inputs": ["a"], "outputs": ["a"]},
        ],
        "fails": [
            fails("command_exit", shell="exit 3"),
            fails("cannot_start", argv=["./no-such-program"]),
            fails("output_missing", argv=["true"], outputs=["a"]),
            fails("output_refused", argv=["true"], outputs=["../a"]),
            fails("secret_in_output", shell="echo hunter22 > a", outputs=["a"]),
            fails("input_refused", argv=["true"], inputs=["check.md", "check.md"]),
            fails("time_limit", argv=["sleep", "9"], time_limit_s=0.05),
        ],
    },
}


def test_every_operation_has_its_cases_here_or_beside() -> None:
    beside = [path.stem for path in sorted(Path(__file__).parent.glob("test_operations_*.py"))]
    tried = [name for stem in beside for name in importlib.import_module(f"tests.conformance.{stem}").CASES]
    assert sorted([*CASES, *tried]) == sorted(plugins.OPERATIONS)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_operation_keeps_the_contract(check: Check, name: str) -> None:
    operation = plugins.load(plugins.OPERATIONS, name, "operation")
    assert operation.name == name
    check(Case(operation, **CASES[name]))


# --- an operation that breaks the contract is found out -----------------------------------------------


class NameArgs(Args, frozen=True, kw_only=True):
    """One argument."""

    name: Annotated[str, Meta(description="A name.")] = ""


async def give_nothing(args: NameArgs, desk: Desk) -> dict[str, Any]:
    return {"name": args.name}


GOOD = Case(
    Operation(name="sample", summary="Gives a name.", args=NameArgs, purity="derived", perform=give_nothing),
    works=[Example({"name": "x"})],
    refused=[{"name": 3}],
    fails=[],
)


async def give_a_tuple(args: NameArgs, desk: Desk) -> dict[str, Any]:
    return {"names": (args.name,)}


async def read_the_clock(args: NameArgs, desk: Desk) -> float:
    return round(time.time(), -9)


def size_of_this_file() -> int:
    return len(Path(__file__).read_bytes())


async def open_a_file(args: NameArgs, desk: Desk) -> int:
    return size_of_this_file()


async def ask_a_model(args: NameArgs, desk: Desk) -> int:
    return len(await desk.ask([]))


def say_what_is_not_asked(args: NameArgs, writing: Writing) -> list[Ask]:
    return [Ask(model="echo", messages=(), params={})]


class LooseArgs(Args, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Takes anything, and says nothing of its argument."""

    name: str = ""


def test_an_operation_that_keeps_the_contract_passes() -> None:
    for check in CHECKS:
        check(GOOD)


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        (operations.it_says_what_it_is, {"name": "Not A Name"}),
        (operations.it_says_what_it_is, {"purity": "impure"}),
        (operations.every_argument_is_described, {"args": LooseArgs}),
        (operations.unknown_arguments_are_refused, {"args": LooseArgs}),
        (operations.the_value_is_plain_json, {"perform": give_a_tuple}),
        (operations.the_value_is_plain_json, {"purity": "gate"}),
        (operations.a_derived_value_follows_from_its_arguments, {"perform": read_the_clock}),
        (operations.a_derived_value_follows_from_its_arguments, {"perform": open_a_file}),
        (operations.a_derived_value_follows_from_its_arguments, {"perform": ask_a_model}),
        (operations.what_is_asked_can_be_said_before, {"requests": say_what_is_not_asked}),
    ],
)
def test_an_operation_that_breaks_the_contract_is_found_out(
    check: Callable[[Case], None], changes: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError):
        check(replace(GOOD, operation=replace(GOOD.operation, **changes)))


def test_a_failure_with_another_code_or_none_is_found_out() -> None:
    for code, text in (("other_code", "x"), ("nothing_to_vote", "y")):
        operation = plugins.load(plugins.OPERATIONS, "consensus_vote", "operation")
        value = {"model": "echo", "text": text} if text == "y" else {}
        at_desk = Example({"inputs_from": "ask"}, partial(FakeDesk, values={"ask": value}))
        with pytest.raises(AssertionError, match="expected"):
            operations.a_failure_has_its_code(Case(operation, works=[], refused=[], fails=[Failure(code, at_desk)]))
