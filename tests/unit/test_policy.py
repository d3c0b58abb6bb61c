"""Who may decide: enrolled people, with their own key, in a role, independent of whoever made the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.unit.at_a_gate import ALICE, BOB, FACTS, NOON, REVIEWER, asking, public_key, said

from awo.evidence.events import Starter
from awo.evidence.gates import Decision, Need, Signer
from awo.evidence.records import NOBODY
from awo.gate.assignment import best_role
from awo.gate.decision import GateFacts
from awo.gate.policy import Denied, Permitted, Policy, is_author, may_decide, read_policy
from awo.sign.allowed_signers import AllowedSigners, line_for

SETTINGS = f"""
[people."{ALICE}"]
name = "Alice Example"
roles = ["reviewer", "statistician"]
git = ["Alice@Work.example.org"]
"""
KNOWN = read_policy(SETTINGS, where="awo.toml")
BOTH = [Need(role="reviewer", count=1), Need(role="statistician", count=1)]


def enrolled(*people: tuple[str, int], namespaces: tuple[str, ...] = ("awo-decision",)) -> AllowedSigners:
    text = "\n".join(line_for(person, public_key(number), namespaces) for person, number in people)
    return AllowedSigners.parse(text, where="reviewers/allowed_signers")


ONLY_ALICE = enrolled((ALICE, 1))
NO_FILE = Policy()


def ask(
    facts: GateFacts = FACTS,
    *,
    allowed: AllowedSigners | None = ONLY_ALICE,
    policy: Policy = NO_FILE,
    who: str = ALICE,
    number: int = 1,
    **how: Any,
) -> Permitted | Denied:
    plain: dict[str, Any] = {"verdict": "approve", "meaning": "approval", "presence": "not proved", "at": NOON}
    return may_decide(policy, allowed, facts, signer_id=who, key=public_key(number), **(plain | how))


def code(found: Permitted | Denied) -> str:
    return found.code if isinstance(found, Denied) else "permitted"


def started_by(starter: Starter, **rules: Any) -> GateFacts:
    return asking(facts=replace(FACTS, starter=starter), **rules)


def test_an_enrolled_person_with_their_own_key_may_decide() -> None:
    assert ask() == Permitted("reviewer", ALICE, solo=False)


def test_the_printed_name_and_role_come_from_the_settings() -> None:
    facts = asking([Need(role="statistician", count=1)])
    assert ask(facts, policy=KNOWN) == Permitted("statistician", "Alice Example", solo=False)


@pytest.mark.parametrize("allowed", [None, AllowedSigners(())])
def test_with_nobody_enrolled_nobody_may_decide_and_the_cure_is_told(allowed: AllowedSigners | None) -> None:
    found = ask(asking(solo=True), allowed=allowed)
    assert isinstance(found, Denied)
    assert (found.code, found.hint) == ("no_reviewers", f"awo keys enrol {ALICE} KEY.pub")


def test_an_unknown_signer_is_denied_and_told_whose_key_it_is() -> None:
    found = ask(who=BOB)
    assert isinstance(found, Denied)
    assert found.code == "unknown_signer"
    assert f"--as {ALICE}" in found.hint


def test_a_misspelt_signer_is_told_the_nearest_one() -> None:
    found = ask(who="alise@example.org", number=3)
    assert isinstance(found, Denied)
    assert f"--as {ALICE}" in found.hint


def test_a_key_of_somebody_else_is_denied() -> None:
    found = ask(allowed=enrolled((ALICE, 1), (BOB, 2)), number=2)
    assert isinstance(found, Denied)
    assert (found.code, found.hint) == ("other_key", f"it belongs to {BOB}")


def test_a_key_that_is_enrolled_only_for_seals_may_not_decide() -> None:
    assert code(ask(allowed=enrolled((ALICE, 1), namespaces=("awo-seal",)))) == "namespace"


@pytest.mark.parametrize(
    ("option", "expected"), [('valid-after="20261124Z"', "not_yet_valid"), ('valid-before="20261122Z"', "expired")]
)
def test_a_key_outside_its_period_may_not_decide(option: str, expected: str) -> None:
    allowed = AllowedSigners.parse(f"{ALICE} {option} {public_key(1).line}", where="test")
    assert code(ask(allowed=allowed)) == expected


def test_a_person_without_the_role_may_not_decide() -> None:
    policy = read_policy(f'[people."{ALICE}"]\nroles = []', where="awo.toml")
    assert code(ask(policy=policy)) == "role"
    assert code(ask(asking([Need(role="editor", count=1)]))) == "role"


# --- in which role, with which meaning and presence -------------------------------------------------------------


def test_the_role_is_the_first_that_the_person_can_still_help_with() -> None:
    facts = asking(BOTH)
    assert ask(facts, policy=KNOWN) == Permitted("reviewer", "Alice Example", solo=False)
    after_bob = replace(facts, decisions=(said(BOB),))
    assert ask(after_bob, policy=KNOWN) == Permitted("statistician", "Alice Example", solo=False)


def test_who_decides_again_may_make_room_for_somebody_with_one_role_only() -> None:
    """Alice has approved as reviewer, Bob, who is nothing else, too: now Alice can be the statistician."""
    facts = replace(asking(BOTH), decisions=(said(ALICE), said(BOB)))
    assert ask(facts, policy=KNOWN) == Permitted("statistician", "Alice Example", solo=False)


def test_the_role_is_one_that_leaves_the_others_to_the_others() -> None:
    """Bob is nothing but a reviewer: Alice, who could be either, is the statistician while he may still decide."""
    facts, both = asking(BOTH), enrolled((ALICE, 1), (BOB, 2))
    assert ask(facts, policy=KNOWN, allowed=both) == Permitted("statistician", "Alice Example", solo=False)
    assert ask(facts, policy=KNOWN, allowed=both, meaning="review") == ask(facts, policy=KNOWN, allowed=both)
    turned = asking([BOTH[1], BOTH[0]])
    assert ask(turned, policy=KNOWN, allowed=both) == Permitted("statistician", "Alice Example", solo=False)
    by_bob = replace(facts, starter=Starter(id=BOB, key="SHA256:another"))
    assert ask(by_bob, policy=KNOWN, allowed=both) == Permitted("reviewer", "Alice Example", solo=False)


def test_of_many_people_with_many_roles_each_finds_a_place() -> None:
    people = [("a", "b"), ("b", "c"), ("c",)]
    needs = [Need(role=role, count=1) for role in "abcd"]
    assert best_role(["a", "b", "c", "d"], needs, lambda: people) == "d"
    assert best_role(["c", "b", "a"], needs[:3], lambda: [("a",), ("a", "b")]) == "c"
    assert best_role(["a", "b"], needs[:2], list) == "a"


def test_where_nothing_is_missing_in_their_roles_the_first_role_is_taken() -> None:
    facts = replace(asking(), decisions=(said(BOB),))
    assert ask(facts, policy=KNOWN) == Permitted("reviewer", "Alice Example", solo=False)


def test_an_approval_that_has_expired_leaves_its_role_to_be_filled() -> None:
    gone = said(BOB, expires_at="2026-11-23T11:30:00.000000Z")
    facts = replace(asking([BOTH[1], BOTH[0]]), decisions=(said("carol@example.org", role="statistician"), gone))
    assert ask(facts, policy=KNOWN) == Permitted("reviewer", "Alice Example", solo=False)


def test_an_approval_is_withdrawn_in_the_role_in_which_it_was_given() -> None:
    facts = replace(asking(BOTH), decisions=(said(ALICE, role="statistician"),))
    assert ask(facts, policy=KNOWN, verdict="withdraw") == Permitted("statistician", "Alice Example", solo=False)


def escalated(decisions: tuple[Decision, ...] = ()) -> GateFacts:
    facts = asking(then="escalate", deadline_s=60, escalate=[Need(role="lead", count=1)])
    return replace(facts, is_escalated=True, decisions=decisions)


def test_once_escalated_other_roles_are_asked_and_an_earlier_approval_can_still_be_withdrawn() -> None:
    assert code(ask(escalated())) == "role"
    assert code(ask(escalated((said(BOB),)))) == "role"
    assert ask(escalated((said(ALICE),)), verdict="withdraw") == Permitted("reviewer", ALICE, solo=False)


def test_a_need_of_another_meaning_denies_an_approval_and_no_other_verdict() -> None:
    facts = asking([Need(role="reviewer", count=1, meaning="review")])
    denied = ask(facts)
    assert isinstance(denied, Denied)
    assert (denied.code, denied.hint) == ("meaning", "--meaning review")
    assert code(ask(facts, meaning="review")) == code(ask(facts, verdict="reject")) == "permitted"


def test_the_role_whose_meaning_fits_is_taken() -> None:
    facts = asking([Need(role="reviewer", count=1, meaning="review"), Need(role="statistician", count=1)])
    assert ask(facts, policy=KNOWN) == Permitted("statistician", "Alice Example", solo=False)


@pytest.mark.parametrize("verdict", ["approve", "reject", "revise", "withdraw"])
def test_what_shows_presence_must_be_what_the_gate_accepts_at_each_signature(verdict: str) -> None:
    facts = asking(presence=["touch", "passphrase"])
    assert code(ask(facts, verdict=verdict)) == code(ask(facts, verdict=verdict, presence="agent")) == "presence"
    assert code(ask(facts, verdict=verdict, presence="passphrase")) == "permitted"


# --- independence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starter", "allowed"),
    [
        (Starter(id=ALICE, key="SHA256:another"), enrolled((ALICE, 1))),
        (Starter(id="root@machine", key=public_key(1).fingerprint), enrolled((ALICE, 1))),
        (Starter(id="root@machine", key=public_key(5).fingerprint), enrolled((ALICE, 1), (ALICE, 5))),
        (Starter(id=BOB, key="SHA256:another"), enrolled((ALICE, 1), (BOB, 1))),
    ],
    ids=["same id", "same key", "another key of the same person", "the key of two people"],
)
def test_whoever_started_the_run_may_not_decide_unless_solo_and_then_it_is_said(
    starter: Starter, allowed: AllowedSigners
) -> None:
    denied = ask(started_by(starter), allowed=allowed)
    assert isinstance(denied, Denied)
    assert denied.code == "starter"
    assert "solo = true" in denied.hint
    for facts in (started_by(starter, solo=True), started_by(starter, separate_from=[])):
        assert ask(facts, allowed=allowed) == Permitted("reviewer", ALICE, solo=True)


@pytest.mark.parametrize("author", [ALICE, "ALICE@example.org", "alice@work.example.org"])
def test_whoever_wrote_the_workflow_may_not_decide_where_the_gate_says_so(author: str) -> None:
    facts = replace(FACTS, authors=("eve@example.org", author))
    apart = asking(facts=facts, separate_from=["author"])
    assert code(ask(apart, policy=KNOWN)) == "author"
    assert ask(asking(facts=apart, solo=True), policy=KNOWN) == Permitted("reviewer", "Alice Example", solo=True)
    assert ask(facts, policy=KNOWN) == Permitted("reviewer", "Alice Example", solo=True)


def test_an_address_that_the_settings_do_not_name_is_somebody_elses() -> None:
    facts = asking(facts=replace(FACTS, authors=("alice@work.example.org",)), separate_from=["author"])
    assert code(ask(facts)) == "permitted"
    assert not is_author(["alice@work.example.org"], ALICE, [])


def test_where_the_author_is_kept_out_and_not_known_nobody_may_decide() -> None:
    assert code(ask(asking(separate_from=["author"], solo=True))) == "author_unknown"


def test_where_a_starter_with_a_name_is_asked_for_a_run_of_a_machine_is_decided_by_nobody() -> None:
    machine = Starter(id=NOBODY, key="SHA256:machine")
    assert code(ask(started_by(machine, known_starter=True, solo=True))) == "starter_unknown"
    assert code(ask(started_by(machine))) == "permitted"


def test_in_a_solo_project_another_person_is_not_called_solo() -> None:
    assert ask(asking(solo=True)) == Permitted("reviewer", ALICE, solo=False)


def test_a_key_that_has_decided_under_another_id_does_not_decide_again() -> None:
    both = enrolled((ALICE, 1), (BOB, 1))
    facts = replace(FACTS, decisions=(said(BOB, key=public_key(1).fingerprint),))
    assert code(ask(facts, allowed=both)) == "shared_key"
    voted = replace(FACTS, voters=(facts.decisions[0].signer,))
    assert code(ask(voted, allowed=both)) == "shared_key"


def test_a_name_that_looks_like_that_of_another_decider_is_refused() -> None:
    other = msgspec.structs.replace(said(BOB).signer, name="alicé  example")
    facts = replace(FACTS, decisions=(said(BOB, signer=other),))
    assert code(ask(facts, policy=KNOWN)) == "name"
    voter = Signer(id="ALICE@example.org", name="x", role="reviewer", key="SHA256:k")
    assert code(ask(replace(FACTS, voters=(voter,)))) == "name"


def test_what_a_gate_asks_is_what_stood_in_the_settings_when_it_opened() -> None:
    today = read_policy("[gates]\nneeds = { editor = 3 }\nsolo = true", where="awo.toml")
    assert ask(FACTS, policy=today) == Permitted(REVIEWER[0].role, ALICE, solo=False)
    assert code(ask(started_by(Starter(id=ALICE, key="k")), policy=today)) == "starter"


def test_an_id_that_looks_like_the_starters_is_the_starters() -> None:
    facts = started_by(Starter(id="Alice@Example.org", key="SHA256:another"))
    assert code(ask(facts)) == "starter"
