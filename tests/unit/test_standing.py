"""Which decisions stand, what they are short of, and until when they hold."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.at_a_gate import ALICE, AT, BOB, NOON, REVIEWER, said

from awo.canon import time
from awo.evidence.gates import Decision, Need, Verdict
from awo.gate.policy import approvals, expires_first, standing
from awo.gate.policy import missing as missing_at

TWO = [Need(role="reviewer", count=2)]
ONE_OF_EACH = [Need(role="reviewer", count=1), Need(role="editor", count=1)]


def missing(needs: list[Need], decisions: list[Decision], at: datetime = NOON) -> list[Need]:
    return missing_at(needs, decisions, at=at)


def test_a_gate_without_decisions_misses_all_it_needs() -> None:
    assert missing(TWO, []) == TWO


def test_one_approval_of_two_leaves_one_missing() -> None:
    assert missing(TWO, [said(ALICE)]) == REVIEWER
    assert missing(TWO, [said(ALICE), said(BOB)]) == []


def test_one_person_or_one_key_counts_once() -> None:
    assert missing(TWO, [said(ALICE), said(ALICE)]) == REVIEWER
    assert missing(TWO, [said(ALICE, key="SHA256:k"), said(BOB, key="SHA256:k")]) == REVIEWER


@pytest.mark.parametrize("later", ["withdraw", "reject", "revise"])
def test_a_later_decision_takes_the_place_of_an_approval(later: Verdict) -> None:
    assert missing(REVIEWER, [said(ALICE), said(ALICE, later)]) == REVIEWER
    assert missing(REVIEWER, [said(ALICE, later), said(ALICE)]) == []


def test_each_role_is_counted_for_itself() -> None:
    assert missing(ONE_OF_EACH, [said(ALICE, role="editor"), said(BOB, role="editor")]) == REVIEWER


def test_an_approval_of_another_meaning_does_not_fill_a_need() -> None:
    needs = [Need(role="reviewer", count=1, meaning="responsibility")]
    assert missing(needs, [said(ALICE)]) == needs
    assert missing(needs, [said(ALICE, meaning="responsibility")]) == []


def test_what_stands_is_what_each_person_said_last_in_that_order() -> None:
    first, second = said(ALICE), said(BOB, "reject")
    again = said(ALICE, "revise")
    assert standing([first, second, again]) == [second, again]
    assert standing([first, second, said(ALICE, "withdraw")]) == [second]
    assert standing([]) == []


def test_the_first_expiry_is_that_of_an_approval_that_stands() -> None:
    soon, late = time.later(AT, 60), time.later(AT, 3600)
    assert expires_first([]) == expires_first([said(ALICE)]) == ""
    assert expires_first([said(ALICE, expires_at=late), said(BOB, expires_at=soon)]) == soon
    assert expires_first([said(BOB, expires_at=soon), said(ALICE, expires_at=late), said(BOB, "withdraw")]) == late


def test_an_approval_counts_up_to_the_moment_at_which_it_expires() -> None:
    decision = said(ALICE, expires_at=time.later(AT, 60))
    assert missing(REVIEWER, [decision], NOON + timedelta(seconds=59, microseconds=999_999)) == []
    assert missing(REVIEWER, [decision], NOON + timedelta(seconds=60)) == REVIEWER
    assert approvals([said(ALICE, expires_at="never")], at=NOON) == []


# --- any history ------------------------------------------------------------------------------------------

verdicts = st.sampled_from(["approve", "withdraw", "reject", "revise"])
people = st.sampled_from("abcdef")
histories = st.lists(
    st.builds(
        lambda who, verdict, role, meaning, ends: said(
            who, verdict, role=role, meaning=meaning, expires_at=time.later(AT, ends) if ends else ""
        ),
        people,
        verdicts,
        st.sampled_from(["reviewer", "editor"]),
        st.sampled_from(["approval", "review"]),
        st.sampled_from([0, 0, 60, 120]),
    ),
    max_size=10,
)
asked = st.lists(
    st.builds(
        Need,
        role=st.sampled_from(["reviewer", "editor"]),
        count=st.integers(1, 3),
        meaning=st.sampled_from(["", "", "review"]),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda need: need.role,
)
moments = st.integers(0, 200).map(lambda seconds: NOON + timedelta(seconds=seconds))


@given(st.lists(st.tuples(people, verdicts), max_size=8))
def test_the_missing_number_is_the_need_less_the_people_who_approve_last(history: list[tuple[str, Verdict]]) -> None:
    approving = {who for who, verdict in dict(history).items() if verdict == "approve"}
    need = [Need(role="reviewer", count=3)]
    still = missing(need, [said(who, verdict) for who, verdict in history])
    assert sum(n.count for n in still) == max(0, 3 - len(approving))


@given(
    asked, st.lists(histories.filter(bool).map(lambda h: h[0]), unique_by=lambda d: d.signer.id), st.randoms(), moments
)
def test_the_order_in_which_people_decide_does_not_matter(
    needs: list[Need], decisions: list[Decision], random: object, at: datetime
) -> None:
    shuffled = list(decisions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types its Random loosely
    assert missing(needs, decisions, at) == missing(needs, shuffled, at)


@given(asked, histories, moments)
def test_only_unexpired_approvals_that_nobody_took_back_count(
    needs: list[Need], history: list[Decision], at: datetime
) -> None:
    last = {decision.signer.id: decision for decision in history}
    counted = [
        d for d in last.values() if d.verdict == "approve" and not (d.expires_at and at >= time.read(d.expires_at))
    ]
    assert {d.signer.id for d in approvals(history, at=at)} == {d.signer.id for d in counted}
    still = {need.role: need.count for need in missing(needs, history, at)}
    for need in needs:
        there = [d for d in counted if d.signer.role == need.role and need.meaning in ("", d.meaning)]
        assert still.get(need.role, 0) == max(0, need.count - len(there))


@given(asked, histories, moments, people)
def test_who_withdraws_never_helps_a_gate(needs: list[Need], history: list[Decision], at: datetime, who: str) -> None:
    gone = [*history, said(who, "withdraw")]
    assert missing(needs, gone, at) == missing(needs, [d for d in history if d.signer.id != who], at)


@given(asked, histories, moments)
def test_no_time_later_makes_a_gate_need_less(needs: list[Need], history: list[Decision], at: datetime) -> None:
    short = {need.role: need.count for need in missing(needs, history, at)}
    later = {need.role: need.count for need in missing(needs, history, at + timedelta(seconds=90))}
    assert all(later.get(role, 0) >= count for role, count in short.items())
    first = expires_first(history)
    assert not first or first == min(d.expires_at for d in standing(history) if d.verdict == "approve" and d.expires_at)
