"""What a repository is told of a run, and what is believed of its answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.canon.json import canonical
from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.evidence.publication import Deposit
from awo.publish.about.shapes import About, Creator, Funding
from awo.publish.deposits import new_deposit
from awo.publish.targets.invenio import open_invenio, open_zenodo
from awo.publish.targets.opening import Wanted, kind_of
from awo.publish.targets.repository import Refused, a_doi, an_identifier, an_md5, refuse
from awo.publish.targets.repository_metadata import (
    digest_of,
    for_deposits,
    for_records,
    refuse_incomplete,
)
from awo.publish.targets.wire import Answer, Line, check_base

TOKEN = "planted-token-0123456789"
LINE = Line("https://repository.example/api", TOKEN)
ABOUT = About(
    title="A title",
    description="One <script>\n\nTwo & three",
    creators=(
        Creator("Josiah Carberry", "Josiah", "Carberry", "0000-0002-1825-0097", "Brown"),
        Creator("The Group", is_organization=True),
    ),
    licence="MIT OR Apache-2.0",
    keywords=("echo",),
    funding=(Funding("A funder", "12", "An award", "https://example.org/12"), Funding("Another")),
    repository="https://example.org/code",
)


def deposit() -> Deposit:
    at = "2026-11-23T06:09:00.000000Z"
    return new_deposit("run_2026-11-23T06-09-00Z", "ab" * 32, "invenio", "https://repository.example", at)


def test_both_apis_are_told_the_same_of_people_licence_and_seal() -> None:
    newer = for_records(ABOUT, deposit(), publisher="X", today="2026-11-23")["metadata"]
    older = for_deposits(ABOUT, deposit(), today="2026-11-23")["metadata"]
    assert newer["identifiers"] == [{"identifier": f"urn:awo:seal:{'ab' * 32}", "scheme": "urn"}]
    assert older["related_identifiers"][0]["identifier"] == f"urn:awo:seal:{'ab' * 32}"
    assert newer["rights"] == [{"id": "mit"}, {"id": "apache-2.0"}]
    assert "license" not in older  # it takes one
    assert "MIT OR Apache-2.0" in older["notes"]
    assert older["creators"][0]["orcid"] == "0000-0002-1825-0097"
    assert newer["funding"][1] == {"funder": {"name": "Another"}}
    assert newer["description"] == older["description"]
    assert "<p>One &lt;script&gt;</p><p>Two &amp; three</p>" in newer["description"]


@given(text=st.text(max_size=80))
def test_no_markup_of_a_description_gets_through(text: str) -> None:
    about = About(title="A title", description=text, creators=ABOUT.creators)
    said = for_records(about, deposit(), publisher="X", today="2026-11-23")["metadata"]["description"]
    assert said.count("<") == 2 * said.count("<p>")
    assert said.count("</p>") == said.count("<p>")


def test_a_licence_that_is_no_plain_id_is_free_text() -> None:
    about = About(title="A title", creators=ABOUT.creators, licence="GPL-2.0-only WITH Classpath-exception-2.0")
    rights = for_records(about, deposit(), publisher="X", today="2026-11-23")["metadata"]["rights"]
    assert rights == [{"title": {"en": "GPL-2.0-only WITH Classpath-exception-2.0"}}]


def test_the_digest_of_metadata_does_not_change_with_the_day() -> None:
    days = [for_records(ABOUT, deposit(), publisher="X", today=day) for day in ("2026-11-23", "2026-11-24")]
    assert canonical(days[0]) != canonical(days[1])
    assert digest_of(days[0]) == digest_of(days[1])


@pytest.mark.parametrize("about", [About(title="A title"), About(creators=ABOUT.creators)])
def test_what_nobody_has_said_is_asked_for_before_anything_is_sent(about: About) -> None:
    with pytest.raises(UsageError, match=r"nobody is named|no title"):
        refuse_incomplete(about)


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, {}, CannotCheck, "VARIABLE"),
        (403, {"message": f"no: Bearer {TOKEN}"}, CannotCheck, "VARIABLE"),
        (413, {}, Refused, "more room"),
        (400, {"message": "Bucket quota exceeded."}, Refused, "more room"),
        (400, {"errors": [{"field": "metadata.rights", "messages": ["Unknown"]}]}, Refused, "SPDX"),
        (409, {"message": "x" * 10_000}, Refused, "status 409"),
        (500, "no object", CannotCheck, "the same command"),
    ],
)
def test_an_answer_that_refuses_is_one_error_without_the_token(
    status: int, body: object, kind: type[AwoError], says: str
) -> None:
    with pytest.raises(kind) as raised:
        refuse(Answer(status, {}, json.dumps(body).encode()), LINE, "VARIABLE", "make a draft")
    assert says in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert len(str(raised.value)) < 900


@pytest.mark.parametrize(
    ("given_", "shown"), [("17", "17 s"), ("nonsense", "60 s"), ("9" * 30, "60 s"), ("-5", "60 s")]
)
def test_how_long_to_wait_is_believed_within_bounds(given_: str, shown: str) -> None:
    with pytest.raises(CannotCheck) as raised:
        refuse(Answer(429, {"retry-after": given_}, b""), LINE, "VARIABLE", "make a draft")
    assert shown in raised.value.hint


@pytest.mark.parametrize("value", [None, "", "a/b", "../x", "x" * 65, {"a": 1}, "é", "-x", "a b"])
def test_an_identifier_that_could_lead_elsewhere_is_not_taken(value: object) -> None:
    with pytest.raises(EvidenceError):
        an_identifier(value, "there")


def test_dois_and_checksums_are_taken_in_their_forms_only() -> None:
    assert (an_identifier(1001, "there"), a_doi(None, "there"), a_doi("10.5281/zenodo.1", "there")) == (
        "1001",
        "",
        "10.5281/zenodo.1",
    )
    assert an_md5("md5:" + "0" * 32, "there") == an_md5("0" * 32, "there") == "0" * 32
    for bad in ("https://doi.org/10.5281/x", "10.5281/x\n", "10.5281/ x", 7):
        with pytest.raises(EvidenceError):
            a_doi(bad, "there")
    with pytest.raises(EvidenceError):
        an_md5("sha1:" + "0" * 40, "there")


@pytest.mark.parametrize(
    "address",
    [
        "http://repository.example",
        "https://name:word@repository.example",
        "https://repository.example/path",
        "https://repository.example?token=x",
        "ftp://repository.example",
        "https://",
        "https://repository.example:99999",
        "http://127.0.0.1.example.org",
    ],
)
def test_a_token_is_sent_to_an_encrypted_host_or_this_machine_alone(address: str) -> None:
    with pytest.raises(UsageError):
        check_base(address)


def test_plain_http_is_for_this_machine() -> None:
    assert check_base("http://127.0.0.1:5000/") == "http://127.0.0.1:5000"
    assert check_base("http://[::1]:5000") == "http://[::1]:5000"
    assert check_base("https://Repository.example") == "https://repository.example"


@pytest.mark.parametrize(("sandbox", "variable"), [(False, "ZENODO_TOKEN"), (True, "ZENODO_SANDBOX_TOKEN")])
def test_a_missing_token_is_named_by_its_variable(sandbox: bool, variable: str) -> None:
    with pytest.raises(CannotCheck) as raised:
        open_zenodo(Wanted("zenodo", {"INVENIO_TOKEN": TOKEN}, sandbox=sandbox))
    assert raised.value.where == variable
    with pytest.raises(CannotCheck) as raised:
        open_zenodo(Wanted("zenodo", {variable: f"{TOKEN}\nX: y"}, sandbox=sandbox))
    assert TOKEN not in str(raised.value)


def test_a_repository_never_shows_its_token() -> None:
    target = open_invenio(Wanted("invenio:https://repository.example", {"INVENIO_TOKEN": TOKEN}))
    assert TOKEN not in repr(target)
    assert target.place == "https://repository.example"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("zenodo", "zenodo"),
        ("invenio:https://x.example", "invenio"),
        ("s3://bucket/prefix", "s3"),
        ("folder:out", "folder"),
        ("./zenodo", "folder"),
        ("../out", "folder"),
        ("/srv/out", "folder"),
    ],
)
def test_an_address_says_what_kind_of_place_it_is(address: str, kind: str) -> None:
    assert kind_of(address) == kind


@pytest.mark.parametrize("address", ["zenod", "https://zenodo.org", "s4://bucket", "ftp:x", ""])
def test_an_address_that_says_no_kind_is_refused_with_a_hint(address: str) -> None:
    with pytest.raises(UsageError) as raised:
        kind_of(address)
    assert raised.value.expected
