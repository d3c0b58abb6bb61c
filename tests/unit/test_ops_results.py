"""consensus_vote, assert_contains, scope_validate, write_text and audit_gate at a desk without an engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from awo.errors import StepFailed
from awo.ops import assert_contains, audit_gate, consensus_vote, scope_validate, write_text
from awo.ops.seam import OpensGate, Operation
from awo.testing.fake_desk import FakeDesk

ANSWERS = {"responses": [{"model": "echo", "text": "Hello"}, {"model": "upper", "text": "HELLO"}], "count": 2}
VOTE = {"consensus_text": "Hello world", "agreement_ratio": 1.0, "groups": [{"text": "Hello world"}]}
CLAIM = {"id": "c1", "statement": "s", "falsification_tests": [{"name": "t", "must_pass": True}]}


def perform(operation: Operation[Any], desk: FakeDesk, args: Mapping[str, Any]) -> Any:
    async def work() -> Any:
        return await operation.perform(msgspec.convert(dict(args), operation.args), desk)

    return asyncio.run(work())


def failure(operation: Operation[Any], desk: FakeDesk, args: Mapping[str, Any]) -> StepFailed:
    with pytest.raises(StepFailed) as caught:
        perform(operation, desk, args)
    return caught.value


def test_a_vote_counts_the_answers_of_a_fan_out_step() -> None:
    value = perform(consensus_vote.OPERATION, FakeDesk(values={"ask": ANSWERS}), {"inputs_from": "ask"})
    assert (value["consensus_text"], value["voters"]) == ("Hello", ["echo", "upper"])


def test_a_vote_over_a_step_without_answers_names_that_step() -> None:
    error = failure(consensus_vote.OPERATION, FakeDesk(values={"note": {"path": "x"}}), {"inputs_from": "note"})
    assert error.code == "nothing_to_vote"
    assert "note" in error.got


def test_an_assertion_looks_into_the_consensus_text_by_default() -> None:
    desk = FakeDesk(values={"vote": VOTE})
    value = perform(assert_contains.OPERATION, desk, {"from_step": "vote", "must_include": ["WORLD", "hello"]})
    assert value == {"passed": True, "checked": 2, "must_include": ["WORLD", "hello"]}


def test_an_assertion_that_fails_names_what_is_missing_and_tells_nothing_of_the_text() -> None:
    desk = FakeDesk(values={"vote": VOTE})
    error = failure(assert_contains.OPERATION, desk, {"from_step": "vote", "must_include": ["world", "moon"]})
    assert error.code == "assertion_failed"
    assert "'moon'" in error.expected
    assert "Hello world" not in str(error)


@pytest.mark.parametrize(("field", "code"), [("nowhere", "field_missing"), ("agreement_ratio", "field_not_text")])
def test_an_assertion_needs_a_text_to_look_into(field: str, code: str) -> None:
    args = {"from_step": "vote", "field": field, "must_include": ["x"]}
    assert failure(assert_contains.OPERATION, FakeDesk(values={"vote": VOTE}), args).code == code


def test_a_claim_in_the_workflow_is_judged() -> None:
    value = perform(scope_validate.OPERATION, FakeDesk(), {"claim": CLAIM})
    assert value == {"claims": [{"id": "c1", "source": "", "problems": []}], "overall_ok": True}


def test_claims_come_from_json_and_yaml_files_alone_or_in_lists() -> None:
    files = {
        "claims/b.yaml": "- id: c2\n  statement: s\n  predictions:\n  - {name: p, tolerance: 0.1}\n- id: c3\n",
        "claims/a.json": json.dumps(CLAIM),
        "claims/c.json": json.dumps([{**CLAIM, "id": "c4"}]),
        "other.json": "{}",
    }
    value = perform(scope_validate.OPERATION, FakeDesk(files=files), {"claims_glob": "claims/*"})
    assert [(c["source"], c["id"], bool(c["problems"])) for c in value["claims"]] == [
        ("claims/a.json", "c1", False),
        ("claims/b.yaml", "c2", False),
        ("claims/b.yaml", "c3", True),
        ("claims/c.json", "c4", False),
    ]
    assert value["overall_ok"] is False


def test_a_bad_claim_fails_the_step_only_when_asked_to() -> None:
    assert perform(scope_validate.OPERATION, FakeDesk(), {"claim": {"id": "c1"}})["overall_ok"] is False
    error = failure(scope_validate.OPERATION, FakeDesk(), {"claim": {"id": "c1"}, "require_ok": True})
    assert error.code == "claim_invalid"
    assert "c1" in error.got


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "no_claims"),
        ({"c.json": "[]"}, "no_claims"),
        ({"c.json": "{"}, "claims_unreadable"),
        ({"c.yaml": "a: *b"}, "claims_unreadable"),
    ],
)
def test_claims_that_are_not_there_or_cannot_be_read_fail_the_step(files: dict[str, str], code: str) -> None:
    assert failure(scope_validate.OPERATION, FakeDesk(files=files), {"claims_glob": "c.*"}).code == code


def test_a_text_is_written_with_what_it_refers_to() -> None:
    desk = FakeDesk(step="note", values={"vote": VOTE})
    value = perform(write_text.OPERATION, desk, {"path": "a/b.md", "text": "> {{ steps.vote.consensus_text }}\né"})
    assert desk.kept == {"a/b.md": "> Hello world\né".encode()}
    assert value["path"] == "outputs/note/files/a/b.md"
    assert value["size_bytes"] == 16


def test_a_field_of_a_step_is_written_as_it_stands_and_never_read_as_a_template() -> None:
    desk = FakeDesk(values={"ask": {"text": "{{ inputs.secret }}"}})
    perform(write_text.OPERATION, desk, {"path": "a.txt", "from_step": "ask", "field": "text"})
    assert desk.kept["a.txt"] == b"{{ inputs.secret }}"


def test_an_empty_text_is_a_text() -> None:
    desk = FakeDesk()
    perform(write_text.OPERATION, desk, {"path": "a.txt", "text": ""})
    assert desk.kept == {"a.txt": b""}


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    assert failure(write_text.OPERATION, FakeDesk(), {"path": "a.txt", "text": "\ud800"}).code == "not_utf8"


def test_a_gate_shows_the_checklist_as_it_was_when_the_run_started() -> None:
    desk = FakeDesk(files={"check.md": "- [ ] read it\n"})
    assert perform(audit_gate.OPERATION, desk, {"checklist": "check.md"}) == OpensGate("- [ ] read it\n")
