"""Notices: who is told is a secret of the environment; what they are told says nothing that people or models said."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.derive.facts import GateFacts
from awo.errors import CannotCheck
from awo.evidence.events import Checkpoint, DeadlinePassed, DecisionRecorded, FileRef, VoteCommitted
from awo.evidence.gates import GatePending, GateRules, Need, Panel
from awo.evidence.secrets import SecretCutter
from awo.publish import notice_texts
from awo.publish.notice_addresses import addresses, counted, is_set_up, secrets
from awo.publish.notices import Notice

URLS = "AWO_NOTIFY_URLS"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
MAIL = "mailto://bob:correct-horse@mail.example.org?to=alice@example.org"
HOOK = "json://localhost:8080/services/notifications?token=abcdefgh"

REF = FileRef(path="x", sha256="0" * 64, size_bytes=0)
POINT = Checkpoint(size=3, root="0" * 64)
OPENED = "2026-11-23T06:09:00.000000Z"
DEADLINE = "2026-11-24T06:09:00.000000Z"
RULES = GateRules(
    separate_from=[],
    solo=False,
    known_starter=False,
    presence=["agent"],
    redecide=True,
    lasts_s=0,
    deadline_s=86_400,
    then="wait",
    escalate=[],
)
RUN = "run_2026-11-23T06-09-00Z"


def pending(**changed: object) -> GatePending:
    fields: dict[str, object] = {
        "format": "awo/gate/v1",
        "run_id": RUN,
        "gate": "look",
        "opened_at": OPENED,
        "checklist": [],
        "needs": [Need(role="reviewer", count=2)],
        "missing": [Need(role="reviewer", count=2), Need(role="qa", count=1, meaning="approval")],
        "shows": [REF],
        "checkpoint": POINT,
        "rules": RULES,
        "deadline_at": DEADLINE,
    }
    return GatePending(**(fields | changed))  # type: ignore[arg-type]


def decision(signer: str, verdict: str = "approve", number: int = 1) -> DecisionRecorded:
    return DecisionRecorded(
        seq=9,
        at=OPENED,
        gate="look",
        number=number,
        verdict=verdict,  # type: ignore[arg-type]
        signer=signer,
        decision=REF,
        signature=REF,
        authority=REF,
        opens=0,
        nonce="",
    )


def vote(signer: str, number: int = 1) -> VoteCommitted:
    return VoteCommitted(
        seq=8, at=OPENED, gate="look", number=number, signer=signer, vote=REF, signature=REF, authority=REF
    )


def gate(**changed: object) -> GateFacts:
    known = GateFacts(gate="look", opened_at=OPENED, request=REF, files=(), shows=(REF,), checkpoint=POINT)
    return msgspec.structs.replace(known, **changed)


def everything(notice: Notice) -> str:
    return f"{notice.title}\n{notice.body}"


# --- whom to tell ---------------------------------------------------------------------------------


def test_nobody_is_told_where_nothing_is_set() -> None:
    assert addresses({}) == addresses({URLS: " \n,"}) == ()
    assert not is_set_up({URLS: " "})
    assert counted(()) == ""


@pytest.mark.parametrize("between", [" ", "\n", ",", ", ", " ,\t", "\n\n"])
def test_addresses_stand_between_white_space_or_commas_before_a_scheme(between: str) -> None:
    assert addresses({URLS: between.join([SLACK, MAIL, HOOK])}) == (SLACK, MAIL, HOOK)


def test_a_comma_inside_an_address_belongs_to_it() -> None:
    one = "mailto://u:p@example.org?to=a@example.org,b@example.org"
    assert addresses({URLS: one}) == (one,)


def test_an_address_that_is_there_twice_is_told_once() -> None:
    assert addresses({URLS: f"{HOOK} {HOOK}"}) == (HOOK,)


def test_too_many_addresses_are_refused_without_showing_one() -> None:
    with pytest.raises(CannotCheck) as error:
        addresses({URLS: " ".join(f"json://host/{number}" for number in range(51))})
    assert "json" not in str(error.value)


def test_only_schemes_and_numbers_are_shown() -> None:
    assert counted((SLACK, HOOK, f"{HOOK}2", "T0KEN-without-a-scheme")) == "json 2, not an address 1, slack 1"


# --- what is secret -------------------------------------------------------------------------------


def cutter(urls: str) -> SecretCutter:
    return SecretCutter.from_environment({}, also=secrets({URLS: urls}))


@pytest.mark.parametrize(
    "token",
    [
        SLACK,
        SLACK.partition("://")[2],
        "TIiajkdnlazkcOXrIdevi7FQ",
        "A1BRTD4JD",
        MAIL,
        "correct-horse",
        HOOK,
        "abcdefgh",
    ],
)
def test_addresses_and_the_tokens_in_them_are_cut_from_what_is_recorded(token: str) -> None:
    text = cutter(f"{SLACK} {MAIL},{HOOK}").cut_text(f"it said {token}, and stopped")
    assert token not in text
    assert "[secret " in text


def test_a_password_that_is_quoted_in_the_address_is_cut_as_it_is_meant_too() -> None:
    assert cutter("mailto://bob:p%40ss%20word@example.org").cut_text("p@ss word") != "p@ss word"


@pytest.mark.parametrize(
    "plain", ["localhost", "localhost:8080", "mail.example.org", "alice@example.org", "services", "notifications"]
)
def test_hosts_people_and_words_that_texts_have_by_right_are_left_alone(plain: str) -> None:
    assert cutter(f"{SLACK} {MAIL} {HOOK} json://localhost mailto://mail.example.org").cut_text(plain) == plain


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=20, max_size=60))
def test_no_long_token_survives_wherever_it_stands(token: str) -> None:
    for address in (f"slack://{token}/x", f"json://host/{token}", f"json://{token}@host", f"json://host/?key={token}"):
        assert token not in cutter(address).cut_text(f'{{"said": "{token}"}}')


# --- what they are told -----------------------------------------------------------------------------


def test_an_opened_gate_says_what_is_missing_until_when_and_what_to_type() -> None:
    notice = notice_texts.opened("Aurora", pending())
    assert notice.title == f"AWO: gate look waits for a decision ({RUN})"
    for line in (
        "Project: Aurora",
        f"Run: {RUN}",
        "Gate: look",
        "Needed: 2 reviewer, 1 qa (meaning approval)",
        "Deadline: 2026-11-24 06:09:00 UTC",
        f"Look first: awo gates show {RUN}",
    ):
        assert line in notice.body.split("\n")


def test_a_gate_without_deadline_or_project_says_nothing_of_them() -> None:
    text = everything(notice_texts.opened("", pending(deadline_at="")))
    assert "Deadline" not in text
    assert "Project" not in text


def test_a_near_deadline_says_how_much_time_is_left() -> None:
    assert "within 6 h 9 min" in notice_texts.near("", pending(), "2026-11-24T00:00:00.000000Z").title


def test_the_last_decision_is_told_by_person_and_verdict_alone() -> None:
    known = gate(decisions=(decision("bob@example.org", "reject"), decision("alice@example.org", number=2)))
    notice = notice_texts.decided("", RUN, known, pending(), is_blind=False)
    assert notice.body.startswith("alice@example.org approves.\n")
    assert "bob" not in everything(notice)


@pytest.mark.parametrize(
    ("verdict", "closed", "what_next"),
    [("approve", "approved", "awo resume"), ("reject", "rejected", "awo show"), ("revise", "revised", "awo show")],
)
def test_a_closed_gate_says_how_and_what_is_next(verdict: str, closed: str, what_next: str) -> None:
    known = gate(decisions=(decision("alice@example.org", verdict),), verdict=closed)
    notice = notice_texts.decided("", RUN, known, None, is_blind=False)
    assert f"gate look is {closed}" in notice.title
    assert notice.body.endswith(f"Next: {what_next} {RUN}")


def test_of_a_blind_gate_nobody_learns_who_voted_or_what() -> None:
    known = gate(votes=(vote("alice@example.org"), vote("bob@example.org", 2)))
    blind = pending(panel=Panel(seed=7, of=["ask"], path="x"), voted=2)
    opening = gate(votes=known.votes, decisions=(decision("alice@example.org", "reject"),))
    closed = gate(votes=known.votes, decisions=opening.decisions, verdict="rejected")
    for one, still in ((known, blind), (opening, blind), (closed, None)):
        text = everything(notice_texts.decided("", RUN, one, still, is_blind=True))
        assert "alice" not in text
        assert "bob" not in text
        assert "rejects" not in text
    assert "2 votes are in." in everything(notice_texts.decided("", RUN, known, blind, is_blind=True))
    fewer = pending(panel=blind.panel, missing=[Need(role="reviewer", count=1)])
    assert "Asked: 2 reviewer; votes so far: 0" in notice_texts.opened("", fewer).body


@pytest.mark.parametrize(("then", "says"), [("wait", "waits on"), ("escalate", "other people"), ("reject", "rejected")])
def test_a_deadline_that_passed_says_what_follows(then: str, says: str) -> None:
    passed = DeadlinePassed(seq=7, at=DEADLINE, gate="look", then=then)  # type: ignore[arg-type]
    still = None if then == "reject" else pending(is_escalated=then == "escalate")
    notice = notice_texts.overdue("", RUN, still, passed)
    assert says in notice.title
    assert RUN in notice.body


@given(st.text(max_size=300))
def test_a_hostile_name_makes_no_line_no_link_and_no_call(name: str) -> None:
    shown = notice_texts.plain(name)
    assert "\n" not in shown
    assert not set("<>[]()*`|:/#!\x1b\u202e\u2066") & set(shown)
    assert not shown.startswith("@")
    assert " @" not in shown


def test_a_role_that_would_call_a_whole_channel_is_defused() -> None:
    text = everything(notice_texts.opened("", pending(missing=[Need(role="@everyone <!channel>\x1b[2J", count=1)])))
    assert "@everyone" not in text
    assert "<!channel>" not in text
    assert "\x1b" not in text
    assert notice_texts.plain("alice@example.org") == "alice@example.org"
