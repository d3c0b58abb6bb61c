"""awo.toml: what it says of people and gates, and one clear error for what it cannot say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.at_a_gate import ALICE, BOB, REVIEWER

from awo.cli.project import PROJECT_TEXT
from awo.errors import UsageError
from awo.evidence.gates import Need
from awo.gate.durations import LONGEST_S, read_duration
from awo.gate.policy import Policy, read_policy
from awo.gate.settings import DEFAULT_RULES, KEYS

FULL = f"""
require_commit = true

[project]
name = "Aurora"

[gates]
solo = true
presence = ["touch", "passphrase"]
deadline = "14d"
then = "escalate"
escalate = {{ lead = 1 }}

[gate.release]
needs = {{ reviewer = 2, statistician = {{ count = 1, meaning = "responsibility" }} }}
separate_from = ["author", "starter"]
solo = false
known_starter = true
redecide = false
lasts = "36h"
then = "reject"

[gate.draft]
deadline = "none"

[people."{ALICE}"]
name = "Alice Example"
roles = ["reviewer", "statistician"]
git = ["alice@work.example.org"]

[people."{BOB}"]
"""


def read(text: str) -> Policy:
    return read_policy(text, where="awo.toml")


def refused(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.where == "awo.toml"
    return caught.value


def test_the_settings_are_read_as_they_stand() -> None:
    policy = read(FULL)
    assert (policy.project, policy.require_commit, policy.solo) == ("Aurora", True, True)
    assert policy.person(ALICE).roles == ("reviewer", "statistician")
    assert policy.person(BOB).roles == ("reviewer",)
    assert (policy.person(ALICE).name, policy.person(BOB).name) == ("Alice Example", "")
    assert (policy.person(ALICE).git, policy.person(BOB).git) == (("alice@work.example.org",), ())


def test_a_gate_of_its_own_goes_over_the_others_key_by_key() -> None:
    policy = read(FULL)
    assert policy.needs_of("release") == [
        Need(role="reviewer", count=2),
        Need(role="statistician", count=1, meaning="responsibility"),
    ]
    release, other = policy.rules_of("release"), policy.rules_of("any-other")
    assert (release.solo, other.solo) == (False, True)
    assert release.presence == other.presence == ["passphrase", "touch"]
    assert release.separate_from == ["starter", "author"]
    assert (release.known_starter, release.redecide, release.lasts_s) == (True, False, 36 * 3600)
    assert release.deadline_s == other.deadline_s == 14 * 86_400
    assert policy.needs_of("any-other") == REVIEWER


def test_what_a_gate_of_its_own_makes_pointless_is_left_out() -> None:
    policy = read(FULL)
    assert (policy.rules_of("release").then, policy.rules_of("release").escalate) == ("reject", [])
    draft = policy.rules_of("draft")
    assert (draft.deadline_s, draft.then, draft.escalate) == (0, "wait", [])
    assert policy.rules_of("any-other").escalate == [Need(role="lead", count=1)]


def test_an_empty_file_is_the_strict_default() -> None:
    assert read("") == Policy()
    assert not Policy().solo
    assert Policy().needs_of("audit") == REVIEWER
    assert Policy().rules_of("audit") == DEFAULT_RULES
    assert Policy().person("anybody@example.org").roles == ("reviewer",)


def test_the_author_is_asked_for_only_by_a_gate_that_keeps_them_out() -> None:
    policy = read(FULL)
    assert policy.asks_for_author(["draft", "release"])
    assert not policy.asks_for_author(["draft"])
    assert not policy.asks_for_author([])


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("require_comit = true", "no key 'require_comit' at the top", "require_commit"),
        ("[project]\nnam = 'x'", "no key 'nam' in [project]", "did you mean 'name'?"),
        ("[project]\nrequire_commit = true", "no key 'require_commit' in [project]", "top of the file"),
        ("[gates]\nrequire_commit = true", "no key 'require_commit' in [gates]", "top of the file"),
        ("[gates]\nsolo_ = true", "no key 'solo_' in [gates]", "did you mean 'solo'?"),
        ("[gate.audit]\nneed = {}", "no key 'need' in [gate.audit]", "did you mean 'needs'?"),
        ("[people.'a@b']\nrole = []", "no key 'role' in [people.\"a@b\"]", "did you mean 'roles'?"),
        ("[gates]\nsolo = 'yes'", "gates.solo has the wrong value", ""),
        ("[gates]\nsolo = 1", "gates.solo has the wrong value", ""),
        ("[gate.audit]\nsolo = 1", "gate.audit.solo has the wrong value", ""),
        ("gates = true", "gates has the wrong value", ""),
        ("people = []", "people has the wrong value", ""),
        ("gate = []", "gate has the wrong value", ""),
        ("[gate]\nsolo = true", "gate.solo has the wrong value", "[gates]"),
        ("[gate.'no id']\nsolo = true", "cannot be the id of a gate", ""),
        ("[gate.'a\\u000Ab']\nsolo = true", "cannot be the id of a gate", ""),
        ("[people]\nalice = 'x'", "has the wrong value", ""),
        ("[people.'a b']\n", "cannot be a person's id", ""),
        ("[people.'a']\nroles = 'reviewer'", "roles has the wrong value", ""),
        ("[people.'a']\nroles = ['']", "roles has the wrong value", ""),
        ("[people.'a']\ngit = 'a@b'", "git has the wrong value", ""),
        ("[people.'a']\ngit = ['A <a@b>']", "git has the wrong value", ""),
        ("[people.'a']\nname = \"a\\u001Bb\"", "name has the wrong value", ""),
        ("[people.'a']\nname = 7", "name has the wrong value", ""),
        ("require_commit", "not TOML", ""),
    ],
)
def test_a_setting_that_is_wrong_is_refused_with_the_cure(text: str, what: str, hint: str) -> None:
    found = refused(text)
    assert what in found.what
    assert hint in found.hint


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("needs = {}", "gates.needs", ""),
        ("needs = 2", "gates.needs", ""),
        ("needs = { reviewer = 0 }", "gates.needs", ""),
        ("needs = { reviewer = 1001 }", "gates.needs", ""),
        ("needs = { reviewer = true }", "gates.needs", ""),
        ("needs = { 'two words' = 1 }", "gates.needs", ""),
        ("needs = { reviewer = { counts = 1 } }", "gates.needs", "'count'"),
        ("needs = { reviewer = { meaning = 'reviewed' } }", "gates.needs", "'review'"),
        ("separate_from = 'starter'", "gates.separate_from", ""),
        ("separate_from = ['started']", "gates.separate_from", "'starter'"),
        ("presence = []", "gates.presence", ""),
        ("presence = ['touched']", "gates.presence", "'touch'"),
        ("presence = [[]]", "gates.presence", ""),
        ("redecide = 'no'", "gates.redecide", ""),
        ("known_starter = 1", "gates.known_starter", ""),
        ("lasts = 36", "gates.lasts", ""),
        ("deadline = '14 days'", "gates.deadline", ""),
        ("deadline = '1d'\nthen = 'escalat'", "gates.then", "'escalate'"),
        ("deadline = '1d'\nthen = ['wait']", "gates.then", ""),
        ("then = 'reject'", "gates.then needs a deadline", "deadline ="),
        ("then = 'wait'", "gates.then needs a deadline", "leave it out"),
        ("deadline = 'none'\nthen = 'reject'", "gates.then needs a deadline", ""),
        ("deadline = '1d'\nthen = 'escalate'", "needs other people", "escalate ="),
        ("deadline = '1d'\nescalate = { lead = 1 }", "gates.escalate is asked for by nothing", "then ="),
        ("deadline = '1d'\nthen = 'reject'\nescalate = { lead = 1 }", "gates.escalate is asked for by nothing", ""),
    ],
)
def test_a_rule_of_gates_that_is_wrong_or_contradicts_another_is_refused(line: str, what: str, hint: str) -> None:
    found = refused(f"[gates]\n{line}")
    assert what in found.what
    assert hint in found.hint


def test_a_contradiction_of_a_gate_of_its_own_names_the_table_in_which_it_stands() -> None:
    assert "gate.audit.escalate" in refused("[gate.audit]\nescalate = { lead = 1 }").what
    assert "gate.audit.then" in refused("[gate.audit]\nthen = 'reject'").what
    assert "gates.then" in refused("[gates]\nthen = 'reject'\n[gate.audit]\nsolo = true").what


def test_a_role_that_nobody_has_may_be_asked_for() -> None:
    assert read("[gates]\nneeds = { nobody = 1 }").needs_of("audit") == [Need(role="nobody", count=1)]


def test_separation_may_be_given_up_openly() -> None:
    assert read("[gates]\nseparate_from = []").rules_of("audit").separate_from == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("36h", 129_600), ("14d", 1_209_600), ("2w", 1_209_600), ("none", 0), ("36525d", LONGEST_S)],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "-1h", "1.5h", "36", "h", "36 h", "36H", "1d\n", "36526d", "٣h", "1d12h"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert read_duration(text) is None


# --- any settings -----------------------------------------------------------------------------------------

roles = st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True)
needs = st.dictionaries(
    roles,
    st.tuples(st.integers(1, 9), st.sampled_from(["", "authorship", "review", "approval", "responsibility"])),
    min_size=1,
    max_size=4,
)
rules = st.fixed_dictionaries(
    {},
    optional={
        "solo": st.booleans(),
        "known_starter": st.booleans(),
        "redecide": st.booleans(),
        "separate_from": st.lists(st.sampled_from(["starter", "author"]), unique=True),
        "presence": st.lists(st.sampled_from(["passphrase", "touch", "agent", "not proved"]), unique=True, min_size=1),
        "lasts": st.tuples(st.integers(1, 1000), st.sampled_from("mhdw")).map(lambda pair: f"{pair[0]}{pair[1]}"),
        "needs": needs,
    },
)


def spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        inner = ", ".join(f"{k} = {{ count = {n}, meaning = '{m}' }}" for k, (n, m) in value.items())
        return f"{{ {inner} }}"
    return repr(value)


def table(settings: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {spelled(value)}" for key, value in settings.items())


@given(rules, rules)
def test_each_key_of_a_gate_is_its_own_or_that_of_all_gates_or_the_default(
    general: dict[str, Any], own: dict[str, Any]
) -> None:
    policy = read(f"[gates]\n{table(general)}\n[gate.audit]\n{table(own)}")
    merged = general | own
    found = policy.rules_of("audit")
    for key in ("solo", "known_starter", "redecide"):
        assert getattr(found, key) == merged.get(key, getattr(DEFAULT_RULES, key))
    assert set(found.separate_from) == set(merged.get("separate_from", ["starter"]))
    assert set(found.presence) == set(merged.get("presence", DEFAULT_RULES.presence))
    asked = (
        [Need(role=role, count=count, meaning=meaning) for role, (count, meaning) in merged["needs"].items()]
        if ("needs" in merged)
        else REVIEWER
    )
    assert policy.needs_of("audit") == asked
    assert policy.solo == general.get("solo", False)


@given(st.dictionaries(st.sampled_from(KEYS), st.one_of(st.booleans(), st.integers(), st.text(max_size=5)), max_size=4))
def test_any_values_of_known_keys_are_rules_or_one_error(settings: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {spelled(value)}" for key, value in settings.items())
    try:
        policy = read(f"[gates]\n{text}")
    except UsageError:
        return
    rules_of = policy.rules_of("audit")
    assert (rules_of.then == "escalate") == bool(rules_of.escalate)
    assert rules_of.then == "wait" or rules_of.deadline_s


@given(st.text())
def test_any_text_is_settings_or_one_error(text: str) -> None:
    try:
        policy = read(text)
    except UsageError:
        return
    assert not policy.solo or "solo" in text


def test_the_rules_that_init_writes_as_comments_can_be_taken_in() -> None:
    taken_in = re.sub(r"^# (?=[a-z_]+ = |\[people)", "", PROJECT_TEXT, flags=re.MULTILINE)
    found = read(taken_in).rules_of("look")
    assert taken_in.count("\n# ") < PROJECT_TEXT.count("\n# ")
    assert (found.known_starter, found.redecide, found.then) == (True, False, "escalate")
    assert read(PROJECT_TEXT) == Policy()


def test_a_role_that_nobody_has_is_told_with_the_role_that_was_meant() -> None:
    text = (
        "[gates]\nneeds = {reviwer = 1, lead = 1}\n[gate.second]\nneeds = {reviewer = 2}\n"
        '[people."a@x.org"]\nroles = ["statistican"]\n'
    )
    policy = read_policy(text, where="awo.toml")
    assert policy.roles_of_nobody("first") == {"reviwer": "reviewer", "lead": ""}
    assert policy.roles_of_nobody("second") == {}
    escalating = '[gates]\ndeadline = "1d"\nthen = "escalate"\nescalate = {boss = 1}\n'
    assert read_policy(escalating, where="awo.toml").roles_of_nobody("any") == {"boss": ""}


def test_a_table_that_names_no_gate_is_told_with_the_gate_that_was_meant() -> None:
    text = "[gate.relase]\nneeds = {lead = 1}\n[gate.other]\nsolo = true\n[gate.second]\nsolo = true\n"
    policy = read_policy(text, where="awo.toml")
    assert policy.misnamed(["release", "second"]) == {"relase": "release", "other": ""}
    assert policy.misnamed(["second", "second2"]) == {"relase": "", "other": ""}
