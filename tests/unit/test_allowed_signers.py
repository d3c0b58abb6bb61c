"""allowed_signers: who, with which key, for what, when; and every bad line named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import EvidenceError, UsageError
from awo.sign.allowed_signers import AllowedSigners, MayNotSign, MaySign, line_for
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.patterns import matches, why_not_a_principal
from awo.sign.sshkeys import PublicKey
from awo.sign.wire import string

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def key(number: int) -> PublicKey:
    return PublicKey.from_blob(string(b"ssh-ed25519") + string(bytes([number]) * 32))


ALICE, BOB = key(1), key(2)


def signers(*lines: str) -> AllowedSigners:
    return AllowedSigners.parse("\n".join(lines) + "\n", where="allowed_signers")


def refusal(line: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        signers("# people", line)
    assert caught.value.where == "allowed_signers:2"
    return caught.value


def why(found: MaySign | MayNotSign) -> str:
    return found.code if isinstance(found, MayNotSign) else f"line {found.line}"


def test_comments_and_empty_lines_say_nothing() -> None:
    assert signers("# a comment", "", "   \t ", "  # another", "\r").lines == ()


def test_a_plain_line_lets_its_person_sign_anything_at_any_time() -> None:
    found = signers("", f"alice@example.org {ALICE.line} a comment")
    assert found.may_sign("alice@example.org", ALICE, DECISION, NOON) == MaySign(2)
    assert found.may_sign("alice@example.org", ALICE, "file", NOON) == MaySign(2)


@pytest.mark.parametrize(
    ("principal", "used", "namespace", "code"),
    [
        ("alice@example.org", ALICE, DECISION, "line 1"),
        ("alice@example.org", ALICE, SEAL, "namespace"),
        ("alice@example.org", BOB, DECISION, "other_key"),
        ("bob@example.org", ALICE, DECISION, "unknown_principal"),
        ("Alice@example.org", ALICE, DECISION, "unknown_principal"),
        ("", ALICE, DECISION, "unknown_principal"),
    ],
)
def test_person_key_and_namespace_must_all_fit(principal: str, used: PublicKey, namespace: str, code: str) -> None:
    found = signers(f'alice@example.org namespaces="{DECISION}" {ALICE.line}')
    assert why(found.may_sign(principal, used, namespace, NOON)) == code


def test_the_closest_reason_is_given_when_several_lines_refuse() -> None:
    found = signers(
        f"alice@example.org {BOB.line}",
        f'alice@example.org namespaces="git" {ALICE.line}',
        f'alice@example.org valid-before="20260101Z" {ALICE.line}',
        f"bob@example.org {BOB.line}",
    )
    assert why(found.may_sign("alice@example.org", ALICE, DECISION, NOON)) == "expired"


def test_one_line_that_fits_is_enough() -> None:
    found = signers(f'alice@example.org namespaces="git" {ALICE.line}', f"*@example.org {ALICE.line}")
    assert found.may_sign("alice@example.org", ALICE, DECISION, NOON) == MaySign(2)


@pytest.mark.parametrize(
    ("seconds", "code"), [(-1, "not_yet_valid"), (0, "line 1"), (60, "line 1"), (60.5, "line 1"), (61, "expired")]
)
def test_both_ends_of_a_period_belong_to_it(seconds: float, code: str) -> None:
    found = signers(f'alice@example.org valid-after="20261123120000Z",valid-before="202611231201Z" {ALICE.line}')
    assert why(found.may_sign("alice@example.org", ALICE, DECISION, NOON + timedelta(seconds=seconds))) == code


def test_a_time_is_compared_as_a_moment_whatever_its_zone() -> None:
    found = signers(f'alice@example.org valid-after="20261123120000Z" {ALICE.line}')
    abroad = NOON.astimezone(timezone(timedelta(hours=9)))
    assert found.may_sign("alice@example.org", ALICE, DECISION, abroad) == MaySign(1)


@pytest.mark.parametrize(
    ("patterns", "name", "fits"),
    [
        ("*", "anybody", True),
        ("*@example.org", "alice@example.org", True),
        ("*@example.org", "alice@example.org.evil", False),
        ("?ob", "bob", True),
        ("?ob", "ob", False),
        ("a*b*c", "aXXbYYc", True),
        ("a*b*c", "aXXbYY", False),
        ("*,!eve", "eve", False),
        ("!eve,*", "eve", False),
        ("!eve,*", "alice", True),
        ("!eve", "alice", False),
        ("alice,bob", "bob", True),
    ],
)
def test_patterns_fit_as_in_openssh(patterns: str, name: str, fits: bool) -> None:
    assert matches(name, patterns.split(",")) is fits


def test_a_hostile_pattern_is_matched_in_time_that_does_not_explode() -> None:
    assert not matches("a" * 255, ["*a" * 100 + "b"])


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_a_pattern_fits_what_the_plain_definition_says(pattern: str, name: str) -> None:
    def plain(rest: str, text: str) -> bool:
        if not rest:
            return not text
        if rest[0] == "*":
            return plain(rest[1:], text) or (bool(text) and plain(rest, text[1:]))
        return bool(text) and rest[0] in ("?", text[0]) and plain(rest[1:], text[1:])

    assert matches(name, [pattern]) is plain(pattern, name)


def test_quoted_ids_and_spaced_options_read_as_in_openssh() -> None:
    found = signers(f'"alice@example.org,bob@example.org"\tNAMESPACES="awo-*,!awo-seal"   {ALICE.line}')
    assert why(found.may_sign("bob@example.org", ALICE, DECISION, NOON)) == "line 1"
    assert why(found.may_sign("bob@example.org", ALICE, SEAL, NOON)) == "namespace"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("alice@example.org", "must have an id and a key"),
        (f'"alice@example.org {ALICE.line}', "must have an id and a key"),
        (f'ali"ce {ALICE.line}', "must have an id and a key"),
        (f'"alice smith" {ALICE.line}', "no list of ids"),
        (f"alice,,bob {ALICE.line}", "no list of ids"),
        (f"alice,! {ALICE.line}", "no list of ids"),
        (f"\u00e4lice {ALICE.line}", "no list of ids"),
        (f"alice\x00 {ALICE.line}", "control character"),
        (f"alice \x1b[2J {ALICE.line}", "control character"),
        (f"alice cert-authority {ALICE.line}", "certificate authorities are not accepted"),
        (f'alice cert-authority,namespaces="x" {ALICE.line}', "certificate authorities are not accepted"),
        (f'alice cert-authority="x" {ALICE.line}', "not written as it must be"),
        (f"alice namespaces=awo-seal {ALICE.line}", "cannot be read"),
        (f'alice namespaces="awo-seal {ALICE.line}', "cannot be read"),
        (f"alice namespaces {ALICE.line}", "not written as it must be"),
        (f'alice namespaces="" {ALICE.line}', "no list of namespaces"),
        (f'alice namespaces="a",namespaces="b" {ALICE.line}', "given twice"),
        (f'alice namespace="a" {ALICE.line}', "no option called 'namespace'"),
        (f'alice valid-after="2026" {ALICE.line}', "must say that it is UTC"),
        (f'alice valid-after="20261123" {ALICE.line}', "must say that it is UTC"),
        (f'alice valid-after="20261332Z" {ALICE.line}', "no time"),
        (f'alice valid-after="2026112312Z" {ALICE.line}', "no time"),
        (f'alice valid-after="Z" {ALICE.line}', "must say that it is UTC"),
        (f'alice valid-after="20260102Z",valid-before="20260101Z" {ALICE.line}', "not later"),
        ("alice ssh-ed25519 AAAA", "damaged"),
        ("alice ssh-ed25519-cert-v01@openssh.com AAAA", "kind of key"),
        ("alice ssh-dss AAAA", "kind of key"),
        ('alice namespaces="x" ssh-dss AAAA', "kind of key"),
        (f'alice namespaces="x",ssh-dss {ALICE.line}', "no option called 'ssh-dss'"),
        ('alice namespaces="x"', "cannot be read"),
    ],
)
def test_a_bad_line_makes_the_file_unreadable_and_is_named(line: str, what: str) -> None:
    assert what in refusal(line).what


def test_a_misspelt_option_is_told_the_right_one() -> None:
    assert refusal(f'alice namespace="a" {ALICE.line}').hint == "did you mean 'namespaces'?"


def test_a_time_without_its_zone_is_told_how_to_be_written() -> None:
    assert refusal(f'alice valid-after="20261123" {ALICE.line}').hint == "write 20261123Z"


def test_a_bad_line_in_a_package_is_bad_evidence() -> None:
    with pytest.raises(EvidenceError) as caught:
        AllowedSigners.parse("alice", where="audit/allowed_signers", error=EvidenceError)
    assert caught.value.where == "audit/allowed_signers:1"


def test_people_are_found_by_key_and_keys_by_person() -> None:
    found = signers(
        f"alice@example.org {ALICE.line}",
        f"alice@example.org {BOB.line}",
        f"*@example.org,team {ALICE.line}",
        f"alice@example.org {ALICE.line}",
    )
    assert found.principals_of(ALICE) == ("alice@example.org", "team")
    assert found.principals_of(key(3)) == ()
    assert found.keys_of("alice@example.org") == (ALICE, BOB)


principals = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7F), min_size=1, max_size=30).filter(
    lambda text: not why_not_a_principal(text)
)
moments = st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(principals, moments, st.integers(0, 10**6))
def test_a_line_that_is_written_reads_back(principal: str, after: datetime, length_s: int) -> None:
    after = after.replace(microsecond=0)
    before = after + timedelta(seconds=length_s + 1)
    line = line_for(principal, ALICE, [DECISION, SEAL], valid_after=after, valid_before=before)
    (read,) = signers(line).lines
    assert (read.principals, read.key, read.namespaces) == ((principal,), ALICE, (DECISION, SEAL))
    assert (read.valid_after, read.valid_before) == (after, before)


@pytest.mark.parametrize(
    "bad", ["", "a b", 'a"b', "a,b", "a'b", "*", "a?", "!a", "#a", "-a", "a\\b", "\u00e4", "a\n", "a" * 256]
)
def test_what_cannot_be_an_id_is_not_written(bad: str) -> None:
    with pytest.raises(UsageError, match="cannot be a signer's id"):
        line_for(bad, ALICE, [DECISION])


def test_a_line_is_never_written_without_a_namespace() -> None:
    with pytest.raises(UsageError, match="at least one namespace"):
        line_for("alice@example.org", ALICE, [])
    with pytest.raises(UsageError, match="cannot be a namespace"):
        line_for("alice@example.org", ALICE, ["awo-*"])


@given(st.text())
def test_any_text_reads_or_gives_one_error(text: str) -> None:
    try:
        AllowedSigners.parse(text, where="allowed_signers")
    except UsageError as error:
        line = int(error.where.removeprefix("allowed_signers:"))
        assert 1 <= line <= text.count("\n") + 1
