"""Votes over items, dissent, comparison and claims keep the contract that `awo.testing.operations` ships."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.test_votes import cell, fanned

from awo import plugins
from awo.canon.json import encode_sorted
from awo.evidence.votes import DissentLine
from awo.testing.fake_desk import FakeDesk
from awo.testing.fake_sources import FakeSources
from awo.testing.operations import CHECKS, Case, Check, Example, Failure

CLAIM: dict[str, Any] = {
    "id": "c1",
    "statement": "They agree.",
    "falsification_tests": [{"name": "agree", "fail_if": "steps.vote.share < 0.5"}],
}
VALUES: dict[str, Any] = {
    "vote": {"share": 0.75, "text": "yes"},
    "ask": {"cells": 2, "done": 2, "failed": 0},
    "note": {"x": 1},
}
VALUES["once"] = {"responses": [{"model": "echo", "text": "Hello"}, {"model": "upper", "text": "HELLO"}], "count": 2}
FILES = {
    "claims/a.json": json.dumps(CLAIM),
    "bad/a.json": json.dumps({"id": "c2"}),
    "broken.json": "{",
}
ITEMS = [cell(0, "x", {"a": "Yes", "b": "yes", "c": "no"}), cell(1, "y", {"a": "1. no\n2. yes", "b": "no", "c": "no"})]
DISSENT = DissentLine(
    item="x",
    matrix={},
    repeat=0,
    norm="no",
    text="no",
    weight=1.0,
    share=1 / 3,
    voters=[],
    winner="yes",
    is_answered=None,
    replies=[],
)


def desk() -> FakeDesk:
    sources = FakeSources(
        values=VALUES,
        records={"ask": fanned("ask", models=["a", "b", "c"]), "reply": fanned("reply", "llm_map")},
        items={"ask": ITEMS, "reply": [cell(0, "x", {"a": "because"})]},
        lines={("ballot", "dissent.jsonl"): [encode_sorted(DISSENT) + b"\n"]},
        files=FILES,
        inputs={"least": 0.5},
    )
    return FakeDesk(values=VALUES, files=FILES, sources=sources)


def example(**args: Any) -> Example:
    return Example(args, desk)


def fails(code: str, **args: Any) -> Failure:
    return Failure(code, example(**args))


CASES: dict[str, dict[str, Any]] = {
    "consensus_vote": {
        "works": [
            example(inputs_from="once"),
            example(inputs_from="once", quorum=0.9),
            example(inputs_from="ask"),
            example(inputs_from="ask", by="cell", method="weighted", weights={"a": 2.5}, quorum=0.5),
            example(inputs_from="ask", method="ranked", choices=["yes", "no"]),
            example(inputs_from="ask", normalise=["first_line", "fold_case", "choice"], choices=["yes", "no"]),
        ],
        "refused": [
            {},
            {"inputs_from": ["ask"]},
            {"inputs_from": "ask", "method": "loudest"},
            {"inputs_from": "ask", "by": "model"},
            {"inputs_from": "ask", "weights": {"a": 1}},
            {"inputs_from": "ask", "normalise": ["lower"]},
        ],
        "fails": [
            fails("unknown_model", inputs_from="ask", method="weighted", weights={"z": 1}),
            fails("nothing_to_vote", inputs_from="vote"),
            fails("nothing_to_vote", inputs_from="vote", quorum=0.5),
            fails("template", inputs_from="ask", field="{{ item.value.parsed.label }}"),
        ],
    },
    "dissent": {
        "works": [example(of="ballot"), example(of="ballot", answered_by="reply", require="answered")],
        "refused": [{}, {"of": "ballot", "require": "unanswered"}, {"of": ["ballot"]}],
        "fails": [fails("no_dissent", of="ask"), fails("dissent_unanswered", of="ballot", require="answered")],
    },
    "compare": {
        "works": [example(of="ask"), example(of="ask", normalise=[], choices=["no", "yes"])],
        "refused": [{}, {"of": "ask", "by": ""}, {"of": "ask", "normalise": ["choice"]}],
        "fails": [fails("unknown_arms", of="ask", by="prompt"), fails("nothing_to_compare", of="note")],
    },
    "claims": {
        "works": [
            example(claim=CLAIM),
            example(metrics={"s": "steps.vote.share - inputs.least"}, claims=[CLAIM, {**CLAIM, "id": "c2"}]),
            example(claims_glob="claims/*"),
        ],
        "refused": [
            {},
            {"claim": {"id": "c"}},
            {"claim": CLAIM, "claims_glob": "claims/*"},
            {"claim": {**CLAIM, "predicts": []}},
            {"claim": CLAIM, "metrics": {"s": 1}},
        ],
        "fails": [
            fails("no_claims", claims_glob="none/*"),
            fails("claims_unreadable", claims_glob="broken.json"),
            fails("claim_invalid", claims_glob="bad/*"),
            fails("claim_not_supported", claim=CLAIM, require="supported"),
        ],
    },
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_operation_on_votes_and_claims_keeps_the_contract(check: Check, name: str) -> None:
    operation = plugins.load(plugins.OPERATIONS, name, "operation")
    assert operation.name == name
    assert operation.purity == "derived"
    assert name in plugins.DERIVATIONS
    check(Case(operation, **CASES[name]))
