"""What is relayed from GitHub: how it is worded and read back, who approved, and what awo.toml lets pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.evidence.relayed import Relayed, comment_of, environment_of, in_words, read_comment
from awo.gate.project import read_policy
from awo.publish.github_approvals import approvers_in

_WORD = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9:/._-]{0,40}", fullmatch=True)
_LOGIN = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}(\[bot\])?", fullmatch=True)
_RELAYED = st.builds(
    Relayed,
    approvers=st.lists(_LOGIN, min_size=1, max_size=3).map(tuple),
    environment=_WORD,
    run_url=_WORD,
    commit=_WORD,
    triggered_by=_LOGIN,
    asked_at=_WORD,
    words=st.text(max_size=200),
)


@given(_RELAYED)
def test_a_comment_is_read_back_as_it_was_written(relayed: Relayed) -> None:
    assert read_comment(comment_of(relayed)) == relayed
    told = in_words(f"github:{relayed.environment}", comment_of(relayed))
    assert told.endswith("; no signature of a person")
    assert all(name in told for name in relayed.approvers)


@given(st.text(max_size=300))
def test_any_other_comment_is_none_and_its_role_still_says_that_it_is_relayed(text: str) -> None:
    assert read_comment(text) is None
    assert in_words("reviewer", text) == ""
    assert "does not say who approved" in in_words("github:x", text)


@pytest.mark.parametrize(
    "forged",
    [
        Relayed(("linus; GitHub has signed this",), "release", "u", "c", "t", "x"),
        Relayed(("linus",), "release", "u", "c", "t", "https://api.github.com; checked by AWO"),
        Relayed(("linus",), "release", "u\u2028y", "c", "t", "x"),
    ],
)
def test_no_sentence_of_a_forger_stands_among_those_of_awo(forged: Relayed) -> None:
    assert read_comment(comment_of(forged)) is None
    told = in_words("github:release", comment_of(forged))
    assert told.endswith("release, and does not say who approved there; no signature of a person")


def test_words_of_another_environment_do_not_speak_for_a_role() -> None:
    told = Relayed(("a",), "staging", "u", "c", "t", "x")
    assert "does not say who approved" in in_words("github:release", comment_of(told))
    assert (environment_of("github:release"), environment_of("reviewer")) == ("release", "")


def test_environments_and_logins_are_compared_without_case_and_each_approver_is_named_once() -> None:
    reviews = [
        ("approved", "Ann", ["Release"], "fine"),
        ("approved", "Ann", ["release"], ""),
        ("rejected", "Bob", ["x"], ""),
    ]
    assert approvers_in(reviews, "release", triggers=frozenset({"bob"}), where="u") == (("Ann",), "fine")
    with pytest.raises(UsageError, match="triggered this workflow run"):
        approvers_in(reviews, "release", triggers=frozenset({"ann"}), where="u")


PERSON = '[people."ci@example.org"]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PERSON + 'roles = ["github:release"]', "in which only a relay decides"),
        (PERSON + 'roles = ["GitHub:release"]', "in which only a relay decides"),
        (PERSON + 'relays = "github"\nroles = ["GitHub:release"]', "roles has the wrong value"),
        ('[gates]\nneeds = { "GITHUB:release" = 1 }', "needs has the wrong value"),
        (PERSON + 'relays = "github"', "roles has the wrong value"),
        (PERSON + 'relays = "github"\nroles = ["reviewer"]', "roles has the wrong value"),
        (PERSON + 'relays = "github"\nroles = ["github:"]', "roles has the wrong value"),
        (PERSON + 'relays = "gitlab"\nroles = ["github:release"]', "relays has the wrong value"),
        (PERSON + 'relays = "github"\nroles = ["github:release"]\nname = "Alice"', "no key 'name'"),
        ('[gates]\nneeds = { "github:release" = 2 }', "needs has the wrong value"),
        ('[gates]\nneeds = { "github:" = 1 }', "needs has the wrong value"),
    ],
)
def test_a_relay_that_could_pass_for_a_person_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_policy(text, where="awo.toml")


def test_a_relay_has_a_printed_name_that_nobody_takes_for_a_person() -> None:
    policy = read_policy(PERSON + 'relays = "github"\nroles = ["github:release"]', where="awo.toml")
    person = policy.person("ci@example.org")
    assert (person.name, person.roles, person.relays) == (
        "GitHub, relayed by ci@example.org",
        ("github:release",),
        "github",
    )
