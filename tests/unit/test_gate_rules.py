"""The rules one by one, as verify and sealed votes ask them: each says its own part and none raises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.at_a_gate import (
    ALICE,
    AT,
    BOB,
    FACTS,
    LATER,
    NOON,
    asking,
    authority_for,
    public_key,
    said,
)

from awo.evidence.events import Starter
from awo.evidence.gates import Need, Panel, Signer
from awo.gate.authority import authority_of
from awo.gate.decision import (
    DecisionFault,
    GateFacts,
    why_incomplete,
    why_not_in_role,
    why_not_independent,
    why_not_signed,
    why_out_of_order,
    why_stale,
)
from awo.gate.faults import why_clock
from awo.gate.policy import Permitted, may_decide, read_policy
from awo.sign.allowed_signers import AllowedSigners, line_for
from awo.sign.namespaces import DECISION

KEY = public_key(1)
WHO = authority_for(ALICE, KEY)
SIGNER = Signer(id=ALICE, name=ALICE, role="reviewer", key=KEY.fingerprint)
ANSWERED = said(ALICE, signer=SIGNER)
PANEL = replace(FACTS, request=msgspec.structs.replace(FACTS.request, panel=Panel(seed=1, of=[], path="")))


def code(fault: object) -> str:
    return fault.code if isinstance(fault, DecisionFault) else ""


def test_each_rule_says_its_own_part_only() -> None:
    stale = msgspec.structs.replace(ANSWERED, shows=[])
    assert code(why_stale(stale, FACTS)) == "stale"
    assert code(why_incomplete(stale, FACTS)) == "answers"
    assert why_out_of_order(stale, FACTS, LATER) is None
    assert why_not_in_role(SIGNER, KEY, FACTS, WHO, at=NOON) is None
    assert why_not_independent(SIGNER, KEY, FACTS, WHO, solo=False) is None


def test_a_time_that_is_none_is_said_by_the_rule_of_content_and_stops_no_other() -> None:
    broken = msgspec.structs.replace(ANSWERED, at="2026-99-23T12:00:00.000000Z", expires_at="x")
    assert code(why_incomplete(broken, FACTS)) == "content"
    assert why_out_of_order(broken, FACTS, LATER) is None


def test_a_signature_that_is_no_text_is_a_fault() -> None:
    assert code(why_not_signed(ANSWERED, b"{}", b"\xff", where="test")) == "signature"


def test_the_votes_of_a_blind_gate_are_opened_in_any_order_and_none_is_from_before_it() -> None:
    early, late = AT, "2026-11-23T12:30:00.000000Z"
    after = (said(BOB, at=late),)
    assert code(why_clock(early, replace(FACTS, decisions=after), LATER)) == "clock"
    assert why_clock(early, replace(PANEL, decisions=after), LATER) is None
    assert code(why_clock("2026-11-23T10:00:00.000000Z", PANEL, LATER)) == "clock"
    assert code(why_clock(late, PANEL, NOON)) == "clock"


def test_a_sealed_vote_is_held_to_the_other_voters_keys_and_names() -> None:
    voted = replace(PANEL, voters=(Signer(id=BOB, name=BOB, role="reviewer", key=KEY.fingerprint),))
    assert code(why_not_independent(SIGNER, KEY, voted, WHO, solo=False)) == "shared_key"
    own = replace(PANEL, voters=(SIGNER,))
    assert why_not_independent(SIGNER, KEY, own, WHO, solo=False) is None


def test_the_key_that_signed_counts_and_not_the_one_that_is_named() -> None:
    facts = replace(FACTS, starter=Starter(id="x", key=KEY.fingerprint))
    named = msgspec.structs.replace(SIGNER, key="SHA256:another")
    assert code(why_not_independent(named, KEY, facts, WHO, solo=False)) == "solo"


def test_a_key_of_the_starter_in_the_record_of_the_signer_gives_them_away() -> None:
    facts = replace(FACTS, starter=Starter(id=BOB, key="SHA256:another"))
    shared = msgspec.structs.replace(WHO, lines=[*WHO.lines, line_for(BOB, KEY, [DECISION])])
    assert code(why_not_independent(SIGNER, KEY, facts, shared, solo=False)) == "solo"
    assert code(why_not_independent(SIGNER, KEY, facts, shared, solo=True)) == "starter"


def test_a_record_that_cannot_be_read_shows_no_independence() -> None:
    broken = msgspec.structs.replace(WHO, lines=["nonsense"])
    assert code(why_not_independent(SIGNER, KEY, FACTS, broken, solo=False)) == "authority"


def test_after_an_escalation_the_role_of_an_earlier_decision_is_still_its_signers() -> None:
    facts = replace(asking(escalate=[Need(role="lead", count=1)]), is_escalated=True)
    assert list(facts.needs) == [Need(role="lead", count=1)]
    assert code(why_not_in_role(SIGNER, KEY, facts, WHO, at=NOON)) == "role"
    before = replace(facts, decisions=(ANSWERED,))
    assert why_not_in_role(SIGNER, KEY, before, WHO, at=NOON) is None


# --- who may decide, and who did ------------------------------------------------------------------------------

settings = st.builds(
    lambda name, roles, git: f"[people.'{ALICE}']\nname = '{name}'\nroles = {roles}\ngit = {git}",
    st.sampled_from(["", "Alice Example"]),
    st.lists(st.sampled_from(["reviewer", "editor", "lead"]), max_size=2, unique=True),
    st.lists(st.sampled_from(["a@work.example.org", "eve@example.org"]), max_size=1),
)
gates = st.builds(
    lambda roles, rules, authors, starter, before, is_escalated: replace(
        asking([Need(role=role, count=2) for role in roles], escalate=[Need(role="lead", count=1)], **rules),
        authors=tuple(authors),
        starter=Starter(id=starter, key="SHA256:another"),
        decisions=tuple(before),
        is_escalated=is_escalated,
    ),
    st.lists(st.sampled_from(["reviewer", "editor"]), min_size=1, unique=True),
    st.fixed_dictionaries(
        {},
        optional={
            "solo": st.booleans(),
            "known_starter": st.booleans(),
            "separate_from": st.lists(st.sampled_from(["starter", "author"]), unique=True),
        },
    ),
    st.lists(st.sampled_from([ALICE, "eve@example.org", BOB]), max_size=2),
    st.sampled_from([ALICE, BOB, "awo-seal"]),
    st.lists(st.builds(said, st.sampled_from([ALICE, BOB]), role=st.sampled_from(["reviewer", "editor"])), max_size=2),
    st.booleans(),
)
enrolments = st.lists(
    st.builds(line_for, st.sampled_from([ALICE, BOB]), st.sampled_from([KEY, public_key(2)]), st.just([DECISION])),
    max_size=3,
).map(lambda lines: AllowedSigners.parse("\n".join(lines), where="test"))


@given(settings, gates, enrolments, st.sampled_from(["approve", "reject", "withdraw"]))
def test_who_may_decide_is_whom_the_record_beside_the_decision_shows_to_have_been_allowed(
    text: str, facts: GateFacts, allowed: AllowedSigners, verdict: str
) -> None:
    """Two roads to one answer: from the project's files at signing, and from the package alone years later."""
    policy = read_policy(text, where="awo.toml")
    found = may_decide(
        policy,
        allowed,
        facts,
        signer_id=ALICE,
        key=KEY,
        verdict=verdict,  # type: ignore[arg-type]  # hypothesis gives str
        meaning="approval",
        presence="not proved",
        at=NOON + timedelta(seconds=1),
    )
    authority = authority_of(policy, allowed, facts, ALICE, KEY, AT)
    name = policy.person(ALICE).name or ALICE
    is_allowed = False
    for role in ("reviewer", "editor", "lead"):
        signer = Signer(id=ALICE, name=name, role=role, key=KEY.fingerprint)
        if why_not_in_role(signer, KEY, facts, authority, at=NOON) is None:
            apart = [why_not_independent(signer, KEY, facts, authority, solo=solo) for solo in (True, False)]
            is_allowed = is_allowed or None in apart
    if isinstance(found, Permitted):
        signer = Signer(id=ALICE, name=found.name, role=found.role, key=KEY.fingerprint)
        assert why_not_in_role(signer, KEY, facts, authority, at=NOON) is None
        assert why_not_independent(signer, KEY, facts, authority, solo=found.solo) is None
    else:
        assert not is_allowed


def test_the_record_names_the_addresses_of_commits() -> None:
    policy = read_policy(f"[people.'{ALICE}']\ngit = ['a@work.example.org']", where="awo.toml")
    record = authority_of(policy, None, FACTS, ALICE, KEY, AT)
    assert (record.git, record.roles, record.lines) == (["a@work.example.org"], ["reviewer"], [])
    written_by_them = asking(facts=replace(FACTS, authors=("A@work.example.org",)), separate_from=["author"])
    shown = msgspec.structs.replace(record, lines=WHO.lines)
    assert code(why_not_independent(SIGNER, KEY, written_by_them, shown, solo=True)) == "author"
