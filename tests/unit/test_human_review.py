"""The statement about one decision: what it says of the gate, the person and the words that may be left out."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from msgspec.structs import replace
from tests.unit.a_run import KEY, RUN_ID, ref

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, parse_canonical
from awo.derive.facts import GateFacts
from awo.evidence import events as ev
from awo.evidence.gates import Answer, ChecklistItem, Decision, GateRequest, Need, Panel, Signer, Verdict
from awo.evidence.human_review import PREDICATE_TYPE, Attester, HumanReviewStatement, SealRef
from awo.evidence.schemas import schema_of
from awo.gate.project import DEFAULT_RULES
from awo.publish.review_statement import Reviewed, statement_of

AT = "2026-11-23T06:10:00.000000Z"
ROOT = ev.Checkpoint(size=4, root="a" * 64)
ATTESTER = Attester(id="", key=KEY, software="awo 2.0")
SEAL = SealRef(sha256="b" * 64, outcome="approved", at=AT, sealer="runner@example.org", journal=ROOT)
SHOWN = (ref("input.json", b"{}"), ref("outputs/gate/gate.json", b"?"), ref("outputs/gate/report.md", b"#"))
CHECKLIST = [
    ChecklistItem(id="read", text="It was read.", kind="yes_no", required=True),
    ChecklistItem(id="dose", text="The dose.", kind="number", required=False, unit="mg"),
    ChecklistItem(id="why", text="Why?", kind="text", required=False),
]
REQUEST = GateRequest(
    format="awo/gate-request/v1",
    gate="gate",
    checklist=CHECKLIST,
    needs=[Need(role="reviewer", count=1)],
    rules=DEFAULT_RULES,
)


def event(number: int, verdict: Verdict = "approve", signer: str = "alice@example.org") -> ev.DecisionRecorded:
    path = f"audit/decisions/{number:04d}-gate.json"
    return ev.DecisionRecorded(
        seq=10 * number,
        at=AT,
        gate="gate",
        number=number,
        verdict=verdict,
        signer=signer,
        decision=ref(path, b"%d" % number),
        signature=ref(f"{path}.sig"),
        authority=ref(f"audit/decisions/{number:04d}-gate.authority.json"),
        opens=0,
        nonce="",
    )


def decision(**changes: Any) -> Decision:
    made = Decision(
        format="awo/decision/v1",
        run_id=RUN_ID,
        gate="gate",
        verdict="approve",
        meaning="approval",
        signer=Signer(id="alice@example.org", name="Alice", role="reviewer", key=KEY),
        at=AT,
        expires_at="",
        presence="touch",
        solo=False,
        answers=[
            Answer(id="read", answer="yes", evidence="outputs/note-elephant.txt"),
            Answer(id="why", answer="elephant"),
        ],
        comment="an elephant",
        required_changes=["no elephant"],
        from_step="",
        checkpoint=ROOT,
        shows=list(SHOWN),
    )
    return replace(made, **changes)


def gate(*decisions: ev.DecisionRecorded, **changes: Any) -> GateFacts:
    made = GateFacts(
        gate="gate",
        opened_at=AT,
        request=SHOWN[1],
        files=(SHOWN[2],),
        shows=SHOWN,
        checkpoint=ROOT,
        decisions=decisions,
        closed_at=AT,
        verdict="approved",
    )
    return replace(made, **changes)


def told(
    facts: GateFacts, number: int = 1, request: GateRequest = REQUEST, *, has_texts: bool = True, **changes: Any
) -> HumanReviewStatement:
    reviewed = Reviewed(facts, request, facts.decisions[number - 1], decision(**changes), "the text of a signature")
    return statement_of(reviewed, SEAL, ATTESTER, has_texts=has_texts)


def test_the_statement_is_canonical_and_follows_the_published_schema() -> None:
    data = canonical(told(gate(event(1))))
    assert parse_canonical(data, HumanReviewStatement, where="test") == told(gate(event(1)))
    validator = jsonschema_rs.Draft202012Validator(schema_of("human-review"))
    plain = msgspec.json.decode(data)
    assert [str(fault) for fault in validator.iter_errors(plain)] == []
    assert (plain["_type"], plain["predicateType"]) == ("https://in-toto.io/Statement/v1", PREDICATE_TYPE)
    assert not validator.is_valid(plain | {"predicateType": "urn:awo:predicate:human-review:v2"})


def test_the_subjects_are_the_decision_and_every_file_that_was_shown() -> None:
    found = {one.name: one.digest.sha256 for one in told(gate(event(1))).subject}
    assert found == {one.path: one.sha256 for one in (event(1).decision, *SHOWN)}


def test_each_question_stands_with_its_answer_and_no_answer_is_told_from_an_empty_one() -> None:
    read, dose, why = told(gate(event(1))).predicate.checklist
    assert (read.answer, read.is_answered, read.required) == ("yes", True, True)
    assert (dose.answer, dose.is_answered, dose.unit) == ("", False, "mg")
    assert (why.answer, why.is_answered) == ("elephant", True)


def test_without_texts_no_word_that_a_person_wrote_is_there_and_the_digest_is_that_of_the_comment() -> None:
    silent = told(gate(event(1)), has_texts=False)
    assert b"elephant" in canonical(told(gate(event(1))))
    assert b"elephant" not in canonical(silent)
    said = silent.predicate
    assert (said.has_texts, said.comment_sha256) == (False, sha256_hex(b"an elephant"))
    assert [one.is_answered for one in said.checklist] == [True, False, True]
    assert said.checklist[0].answer == "yes"


@pytest.mark.parametrize(
    ("facts", "number", "stands"),
    [
        (gate(event(1)), 1, True),
        (gate(event(1), event(2, "reject")), 1, False),
        (gate(event(1), event(2, "reject")), 2, True),
        (gate(event(1), event(2, "approve", "bob@example.org")), 1, True),
        (gate(event(1), event(2, "withdraw")), 1, False),
        (gate(event(1), event(2, "withdraw")), 2, False),
    ],
)
def test_a_decision_stands_unless_the_same_person_decided_again_or_took_it_back(
    facts: GateFacts, number: int, stands: bool
) -> None:
    said = told(facts, number, verdict=facts.decisions[number - 1].verdict).predicate
    assert said.outcome.decision_stands is stands


@pytest.mark.parametrize(
    ("verdict", "quorum"), [("approved", True), ("rejected", False), ("revised", False), ("", False)]
)
def test_only_a_gate_that_closed_as_approved_has_its_quorum(verdict: str, quorum: bool) -> None:
    outcome = told(gate(event(1), verdict=verdict)).predicate.outcome
    assert (outcome.verdict, outcome.has_quorum) == (verdict, quorum)


def test_a_decision_before_the_escalation_is_told_from_one_after_it() -> None:
    late = ev.DeadlinePassed(seq=15, at=AT, gate="gate", then="escalate")
    facts = gate(event(1), event(2, signer="bob@example.org"), deadline=late)
    assert [told(facts, number).predicate.asked.is_escalated for number in (1, 2)] == [False, True]
    waited = gate(event(1), event(2), deadline=replace(late, then="wait"))
    assert not told(waited, 2).predicate.asked.is_escalated


def test_a_blind_gate_says_so() -> None:
    blind = replace(REQUEST, panel=Panel(seed=1, of=["ask"], path="outputs/gate/files/panel.md"))
    assert told(gate(event(1)), request=blind).predicate.asked.is_blind
    assert not told(gate(event(1))).predicate.asked.is_blind
