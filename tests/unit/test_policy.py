"""Who may decide: enrolled people, with their own key, in a role, who did not start the run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.evidence.events import Checkpoint, Starter
from awo.evidence.gates import Decision, Need, Signer, Verdict
from awo.gate.policy import Denied, Permitted, Policy, may_decide, missing, read_policy
from awo.sign.allowed_signers import AllowedSigners, line_for
from awo.sign.sshkeys import PublicKey
from awo.sign.wire import string

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE, BOB = "alice@example.org", "bob@example.org"
STRANGER = Starter(id="starter@example.org", key="SHA256:another")
REVIEWER = [Need(role="reviewer", count=1)]

FULL = f"""
require_commit = true

[project]
name = "Aurora"

[gates]
solo = true

[people."{ALICE}"]
name = "Alice Example"
roles = ["reviewer", "statistician"]

[people."{BOB}"]
"""


def key(number: int) -> PublicKey:
    return PublicKey.from_blob(string(b"ssh-ed25519") + string(bytes([number]) * 32))


def enrolled(*people: tuple[str, int], namespaces: tuple[str, ...] = ("awo-decision",)) -> AllowedSigners:
    text = "\n".join(line_for(person, key(number), namespaces) for person, number in people)
    return AllowedSigners.parse(text, where="reviewers/allowed_signers")


def ask(
    allowed: AllowedSigners | None,
    *,
    policy: Policy | None = None,
    starter: Starter = STRANGER,
    needs: list[Need] = REVIEWER,
    who: str = ALICE,
    number: int = 1,
) -> Permitted | Denied:
    return may_decide(
        policy or Policy(), allowed, starter=starter, needs=needs, signer_id=who, key=key(number), at=NOON
    )


def code(found: Permitted | Denied) -> str:
    return found.code if isinstance(found, Denied) else "permitted"


# --- awo.toml -------------------------------------------------------------------------------------


def test_the_settings_are_read_as_they_stand() -> None:
    policy = read_policy(FULL, where="awo.toml")
    assert (policy.project, policy.require_commit, policy.solo) == ("Aurora", True, True)
    assert policy.person(ALICE).roles == ("reviewer", "statistician")
    assert policy.person(BOB).roles == ("reviewer",)
    assert (policy.person(ALICE).name, policy.person(BOB).name) == ("Alice Example", "")


def test_an_empty_file_is_the_strict_default() -> None:
    assert read_policy("", where="awo.toml") == Policy()
    assert not Policy().solo
    assert Policy().needs_of("audit") == REVIEWER
    assert Policy().person("anybody@example.org").roles == ("reviewer",)


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("require_comit = true", "no key 'require_comit' at the top", "require_commit"),
        ("[project]\nnam = 'x'", "no key 'nam' in [project]", "did you mean 'name'?"),
        ("[project]\nrequire_commit = true", "no key 'require_commit' in [project]", "top of the file"),
        ("[gates]\nsolo_ = true", "no key 'solo_' in [gates]", "did you mean 'solo'?"),
        ("[people.'a@b']\nrole = []", "no key 'role' in [people.\"a@b\"]", "did you mean 'roles'?"),
        ("[gates]\nsolo = 'yes'", "gates.solo has the wrong value", ""),
        ("[gates]\nsolo = 1", "gates.solo has the wrong value", ""),
        ("gates = true", "gates has the wrong value", ""),
        ("people = []", "people has the wrong value", ""),
        ("[people]\nalice = 'x'", "has the wrong value", ""),
        ("[people.'a b']\n", "cannot be a person's id", ""),
        ("[people.'a']\nroles = 'reviewer'", "roles has the wrong value", ""),
        ("[people.'a']\nroles = ['']", "roles has the wrong value", ""),
        ("[people.'a']\nname = \"a\\u001Bb\"", "name has the wrong value", ""),
        ("[people.'a']\nname = 7", "name has the wrong value", ""),
        ("require_commit", "not TOML", ""),
    ],
)
def test_a_setting_that_is_wrong_is_refused_with_the_cure(text: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_policy(text, where="awo.toml")
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert caught.value.where == "awo.toml"


@given(st.text())
def test_any_text_is_settings_or_one_error(text: str) -> None:
    try:
        policy = read_policy(text, where="awo.toml")
    except UsageError:
        return
    assert not policy.solo or "solo" in text


# --- who may decide ---------------------------------------------------------------------------------


def test_an_enrolled_person_with_their_own_key_may_decide() -> None:
    assert ask(enrolled((ALICE, 1))) == Permitted("reviewer", ALICE, solo=False)


def test_the_printed_name_and_role_come_from_the_settings() -> None:
    policy = read_policy(FULL, where="awo.toml")
    needs = [Need(role="statistician", count=1)]
    assert ask(enrolled((ALICE, 1)), policy=policy, needs=needs) == Permitted(
        "statistician", "Alice Example", solo=False
    )


@pytest.mark.parametrize("allowed", [None, AllowedSigners(())])
def test_with_nobody_enrolled_nobody_may_decide_and_the_cure_is_told(allowed: AllowedSigners | None) -> None:
    found = ask(allowed, policy=Policy(solo=True))
    assert isinstance(found, Denied)
    assert (found.code, found.hint) == ("no_reviewers", f"awo keys enrol {ALICE} KEY.pub")


def test_an_unknown_signer_is_denied_and_told_whose_key_it_is() -> None:
    found = ask(enrolled((ALICE, 1)), who=BOB)
    assert isinstance(found, Denied)
    assert found.code == "unknown_signer"
    assert f"--as {ALICE}" in found.hint


def test_a_misspelt_signer_is_told_the_nearest_one() -> None:
    found = ask(enrolled((ALICE, 1)), who="alise@example.org", number=3)
    assert isinstance(found, Denied)
    assert f"--as {ALICE}" in found.hint


def test_a_key_of_somebody_else_is_denied() -> None:
    found = ask(enrolled((ALICE, 1), (BOB, 2)), number=2)
    assert isinstance(found, Denied)
    assert (found.code, found.hint) == ("other_key", f"it belongs to {BOB}")


def test_a_key_that_is_enrolled_only_for_seals_may_not_decide() -> None:
    assert code(ask(enrolled((ALICE, 1), namespaces=("awo-seal",)))) == "namespace"


@pytest.mark.parametrize(
    ("option", "expected"), [('valid-after="20261124Z"', "not_yet_valid"), ('valid-before="20261122Z"', "expired")]
)
def test_a_key_outside_its_period_may_not_decide(option: str, expected: str) -> None:
    allowed = AllowedSigners.parse(f"{ALICE} {option} {key(1).line}", where="test")
    assert code(ask(allowed)) == expected


def test_a_person_without_the_role_may_not_decide() -> None:
    policy = read_policy(f'[people."{ALICE}"]\nroles = []', where="awo.toml")
    assert code(ask(enrolled((ALICE, 1)), policy=policy)) == "role"
    assert code(ask(enrolled((ALICE, 1)), needs=[Need(role="editor", count=1)])) == "role"


@pytest.mark.parametrize(
    ("starter", "allowed"),
    [
        (Starter(id=ALICE, key="SHA256:another"), enrolled((ALICE, 1))),
        (Starter(id="root@machine", key=key(1).fingerprint), enrolled((ALICE, 1))),
        (Starter(id="root@machine", key=key(5).fingerprint), enrolled((ALICE, 1), (ALICE, 5))),
        (Starter(id=BOB, key="SHA256:another"), enrolled((ALICE, 1), (BOB, 1))),
    ],
    ids=["same id", "same key", "another key of the same person", "the key of two people"],
)
def test_whoever_started_the_run_may_not_decide_unless_solo_and_then_it_is_said(
    starter: Starter, allowed: AllowedSigners
) -> None:
    denied = ask(allowed, starter=starter)
    assert isinstance(denied, Denied)
    assert denied.code == "starter"
    assert "solo = true" in denied.hint
    assert ask(allowed, starter=starter, policy=Policy(solo=True)) == Permitted("reviewer", ALICE, solo=True)


def test_in_a_solo_project_another_person_is_not_called_solo() -> None:
    assert ask(enrolled((ALICE, 1)), policy=Policy(solo=True)) == Permitted("reviewer", ALICE, solo=False)


# --- who is missing -----------------------------------------------------------------------------------


def decision(who: str, verdict: Verdict = "approve", *, role: str = "reviewer", fingerprint: str = "") -> Decision:
    return Decision(
        format="awo/decision/v1",
        run_id="run_2026-11-23T06-09-00Z",
        gate="audit",
        verdict=verdict,
        meaning="approval",
        signer=Signer(id=who, name=who, role=role, key=fingerprint or f"SHA256:{who}"),
        at="2026-11-23T12:00:00.000000Z",
        expires_at="",
        presence="not proved",
        solo=False,
        answers=[],
        comment="",
        required_changes=[],
        from_step="",
        checkpoint=Checkpoint(size=1, root="0" * 64),
        shows=[],
    )


TWO = [Need(role="reviewer", count=2)]


def test_a_gate_without_decisions_misses_all_it_needs() -> None:
    assert missing(TWO, []) == TWO


def test_one_approval_of_two_leaves_one_missing() -> None:
    assert missing(TWO, [decision(ALICE)]) == REVIEWER
    assert missing(TWO, [decision(ALICE), decision(BOB)]) == []


def test_one_person_or_one_key_counts_once() -> None:
    assert missing(TWO, [decision(ALICE), decision(ALICE)]) == REVIEWER
    assert missing(TWO, [decision(ALICE, fingerprint="SHA256:k"), decision(BOB, fingerprint="SHA256:k")]) == REVIEWER


@pytest.mark.parametrize("later", ["withdraw", "reject", "revise"])
def test_a_later_decision_takes_the_place_of_an_approval(later: Verdict) -> None:
    assert missing(REVIEWER, [decision(ALICE), decision(ALICE, later)]) == REVIEWER
    assert missing(REVIEWER, [decision(ALICE, later), decision(ALICE)]) == []


def test_each_role_is_counted_for_itself() -> None:
    needs = [Need(role="reviewer", count=1), Need(role="editor", count=1)]
    assert missing(needs, [decision(ALICE, role="editor"), decision(BOB, role="editor")]) == REVIEWER


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["approve", "withdraw", "reject"])), max_size=8))
def test_the_missing_number_is_the_need_less_the_people_who_approve_last(history: list[tuple[str, Verdict]]) -> None:
    approving = {who for who, verdict in dict(history).items() if verdict == "approve"}
    need = [Need(role="reviewer", count=3)]
    still = missing(need, [decision(who, verdict) for who, verdict in history])
    assert sum(n.count for n in still) == max(0, 3 - len(approving))
