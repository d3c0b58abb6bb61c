"""What authors say of their work is read strictly, with every problem at its line; nothing hostile gets through."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awo.errors import AboutInvalid
from awo.publish.about import values
from awo.publish.about.cff import read_cff
from awo.publish.about.funders import funding_of
from awo.publish.about.gather import merged
from awo.publish.about.licence import USUAL, read_licence
from awo.publish.about.markup import plain
from awo.publish.about.orcid import check_digit, read_orcid
from awo.publish.about.shapes import NOTHING, About, Creator, Funding
from awo.publish.about.values import Wrong
from awo.publish.about.zenodo_json import access_of, read_zenodo_json

GOOD_CFF = b"""cff-version: 1.2.0
message: Please cite it.
type: dataset
title: A study of
  kettles
abstract: |
  First line.
  Second line.
authors:
  - given-names: Jane
    name-particle: van
    family-names: Doe
    name-suffix: Jr.
    orcid: https://orcid.org/0000-0002-1825-0097
    affiliation: A University
  - name: The Kettle Group
    website: https://kettles.example/
  - alias: kettlefan
license:
  - MIT
  - Apache-2.0
version: 1.10
doi: 10.5281/zenodo.1234567
date-released: 2026-11-23
keywords: [kettles, reviews]
repository-code: https://code.example/kettles
"""

TEN_MISTAKES = b"""cff-version: 1.1.0
mesage: hello
title: ''
type: paper
authors:
  - family-names: Doe
    given-name: Jane
    orcid: https://orcid.org/0000-0002-1825-0098
  - name: A group
    orcid: 0000-0002-1825-0097
license: CC BY 4.0
doi: https://doi.org/10.5281/zenodo.12
date-released: 2026-02-30
keywords: [a, a]
url: www.example.org
"""

OLDER = b"""{
  "title": "Kettles",
  "upload_type": "dataset",
  "access_right": "open",
  "description": "<p>One &amp; <b>two</b></p><script>x()</script><p>Three</p>",
  "creators": [{"name": "Doe, Jane", "orcid": "0000-0002-1825-0097", "affiliation": "A University"}, {"name": "CERN"}],
  "license": "cc-by-4.0",
  "grants": [{"id": "10.13039/501100000780::283595"}],
  "publication_date": "2026-11-23"
}"""

RECORD = b"""{"metadata": {
  "title": "Kettles",
  "resource_type": {"id": "dataset"},
  "creators": [
    {"person_or_org": {"type": "personal", "given_name": "Jane", "family_name": "Doe",
      "identifiers": [{"scheme": "orcid", "identifier": "0000-0002-1825-0097"}]},
      "affiliations": [{"name": "A University"}]},
    {"person_or_org": {"type": "organizational", "name": "CERN"}}],
  "rights": [{"id": "cc-by-4.0"}],
  "subjects": [{"subject": "kettles"}],
  "funding": [{"funder": {"name": "A Fund"}, "award": {"number": "7", "title": {"en": "Kettles"}}}],
  "publication_date": "2026-11"
}, "access": {"record": "public", "files": "public"}}"""

JANE = Creator("Jane Doe", "Jane", "Doe", "0000-0002-1825-0097", "A University")


def problems(read: Callable[[bytes], About], data: bytes) -> str:
    """Everything that is said against these bytes."""
    with pytest.raises(AboutInvalid) as caught:
        read(data)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_citation_file_is_taken_field_by_field() -> None:
    about = read_cff(GOOD_CFF)
    jane, group, fan = about.creators
    assert jane == Creator("Jane van Doe Jr.", "Jane", "van Doe Jr.", "0000-0002-1825-0097", "A University")
    assert group == Creator("The Kettle Group", is_organization=True)
    assert fan == Creator("kettlefan")
    assert (about.title, about.description) == ("A study of kettles", "First line.\nSecond line.")
    assert (about.licence, about.version, about.doi) == ("MIT OR Apache-2.0", "1.10", "10.5281/zenodo.1234567")
    assert (about.published_on, about.keywords) == ("2026-11-23", ("kettles", "reviews"))
    assert about.repository == "https://code.example/kettles"


def test_each_of_ten_mistakes_is_said_with_its_line_and_what_to_write() -> None:
    said = problems(read_cff, TEN_MISTAKES)
    for line, words in {
        1: "cff-version is another version",
        2: "mesage is not a known field",
        3: "title is empty",
        4: "type is not a word that may stand here",
        7: "authors[1].given-name is not a known field",
        8: "authors[1].orcid is not an ORCID iD: its check digit is 8, and for these digits it would be 7",
        10: "authors[2].orcid is not written as CFF wants it",
        11: "license is not a licence in SPDX",
        12: "doi is an address, not a bare DOI",
        13: "date-released is not a day of the calendar",
        14: "keywords[2] is there twice",
        15: "url is not an address",
    }.items():
        assert re.search(rf"^CITATION\.cff:{line}:\d+: {re.escape(words)}", said, re.MULTILINE), (line, said)
    for hint in ("did you mean 'given-names'?", "did you mean CC-BY-4.0?", "write 10.5281/zenodo.12"):
        assert f"next: {hint}" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"title: !!python/object/apply:os.system [ls]\n", "tags are not read"),
        (b"title: a\x00b\n", "control character"),
        (b'title: "a\\0b"\n', "title has a character that cannot be printed: U+0000"),
        (b'title: "a\\u202Eb"\n', "U+202E"),
        (b"", "the file is empty"),
        (b"- a\n", "the file is not a mapping"),
        (b"title: a\ntitle: b\n", "twice"),
        (b"title: " + b"[" * 100 + b"]" * 100, "deep"),
        (b"\xff\xfe", "byte order mark"),
        (b"title: \xff\n", "not UTF-8"),
        (b"title: " + b"x" * 3000 + b"\n", "title is too long, with 3,000 characters"),
    ],
)
def test_hostile_files_get_one_clear_answer(data: bytes, said: str) -> None:
    assert said in problems(read_cff, data)


def test_the_older_keys_of_zenodo_are_taken() -> None:
    about = read_zenodo_json(OLDER)
    assert about.creators == (JANE, Creator("CERN"))
    assert about.description == "One & two\nThree"
    assert about.licence == "CC-BY-4.0"
    assert about.funding == (Funding("European Commission", "283595"),)
    assert about.published_on == "2026-11-23"


def test_a_record_of_inveniordm_is_taken() -> None:
    about = read_zenodo_json(RECORD)
    assert about.creators == (JANE, Creator("CERN", is_organization=True))
    assert (about.licence, about.keywords) == ("CC-BY-4.0", ("kettles",))
    assert about.funding == (Funding("A Fund", "7", "Kettles"),)
    assert about.published_on == "", "a month is no day"


def test_a_record_that_is_not_for_everybody_is_told_apart() -> None:
    assert access_of(OLDER) == access_of(RECORD) == "open"
    assert access_of(OLDER.replace(b'"open"', b'"embargoed"')) == "not open"
    assert access_of(RECORD.replace(b'"files": "public"', b'"files": "restricted"')) == "not open"
    assert access_of(RECORD.replace(b'"files": "public"', b'"embargo": {"active": true}')) == "not open"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"titel": "x"}', "did you mean 'title'?"),
        (b'{"creators": [{"name": "A", "orcid": "1"}]}', "creators[1].orcid is not an ORCID iD"),
        (b'{"creators": [{"affiliation": "A"}]}', "creators[1] has no 'name'"),
        (b'{"creators": [{"name": "A, B, C"}]}', "comma in a wrong place"),
        (b'{"creators": [{"name": "A"}, {"name": "A"}]}', "creators[2] is there twice"),
        (b'{"creators": {"a": 1}}', "creators is not a list"),
        (b'{"license": "other-open"}', "license is not a licence in SPDX"),
        (b'{"license": "cc-zero"}', "did you mean CC0-1.0?"),
        (b'{"grants": [{"id": "a::b::c"}]}', "grants[1].id is not a grant"),
        (b'{"title": null}', "title is not a text"),
        (b'{"title": "\\ud800"}', "half of an escaped character pair"),
        (b'{"metadata": {"rights": [{}]}}', "metadata.rights[1] has neither id nor title"),
        (b'{"metadata": {"publication_date": "2026-13"}}', "is not a day of the calendar"),
    ],
)
def test_mistakes_in_zenodo_json_are_named(data: bytes, said: str) -> None:
    assert said in problems(read_zenodo_json, data)


def test_two_authors_with_one_orcid_are_refused() -> None:
    one, two = (b'{"name": "%s", "orcid": "0000-0002-1825-0097"}' % name for name in (b"Doe, J", b"Roe, R"))
    twice = b'{"creators": [%s, %s]}' % (one, two)
    assert "creators[2] has the ORCID iD of J Doe" in problems(read_zenodo_json, twice)


def test_orcid_ids_are_taken_in_every_usual_spelling() -> None:
    for text in ("0000-0002-1694-233x", "https://orcid.org/0000-0002-1694-233X", "orcid.org/0000-0002-1694-233X/"):
        assert read_orcid(text) == "0000-0002-1694-233X"


@given(st.text(alphabet="0123456789", min_size=15, max_size=15), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_of_an_orcid_id_is_always_found(digits: str, place: int, more: int) -> None:
    def iD(fifteen: str, last: str) -> str:  # noqa: N802 - the iD's own spelling
        return "-".join((fifteen + last)[start : start + 4] for start in range(0, 16, 4))

    last = check_digit(digits)
    assert read_orcid(iD(digits, last)) == iD(digits, last)
    changed = digits[:place] + str((int(digits[place]) + more) % 10) + digits[place + 1 :]
    with pytest.raises(Wrong):
        read_orcid(iD(changed, last))


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("GPLv3", "GPL-3.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("BSD", "BSD-2-Clause"),
        ("MTI", "MIT"),
        ("CC0", "CC0-1.0"),
    ],
)
def test_a_wrong_licence_gets_the_right_word(text: str, right: str) -> None:
    with pytest.raises(Wrong) as caught:
        read_licence(text)
    assert caught.value.hint == f"did you mean {right}?"


def test_licences_come_out_in_their_canonical_spelling() -> None:
    assert [read_licence(one) for one in USUAL] == list(USUAL)
    assert read_licence("mit or (apache-2.0 and cc-by-4.0)") == "MIT OR (Apache-2.0 AND CC-BY-4.0)"
    assert read_licence("LicenseRef-Kettles") == "LicenseRef-Kettles"


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_no_text_makes_a_check_fall_over(text: str) -> None:
    for check in (values.one_line, values.doi, values.day, values.address, read_orcid, read_licence, funding_of, plain):
        with contextlib.suppress(Wrong):
            check(text)


@pytest.mark.parametrize("text", ["2026-2-3", "2026-11-31", "23.11.2026", "2026-11-23T00:00", "٢٠٢٦-11-23"])
def test_only_days_of_the_calendar_are_days(text: str) -> None:
    with pytest.raises(Wrong):
        values.day(text)


@pytest.mark.parametrize("text", ["10.1/x", "10.5281/", "10.5281/a b", "11.5281/a", "10.5281/ä", "10.5281/a>b"])
def test_what_is_no_doi_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        values.doi(text)


def test_each_field_comes_whole_from_the_first_file_that_has_it() -> None:
    first = About(title="T1", keywords=("a",))
    second = About(title="T2", creators=(JANE,), keywords=("b", "c"), licence="MIT")
    both = merged([first, second, About(description="D")], ("x", "y"))
    assert both == About("T1", "D", (JANE,), "MIT", ("a",), sources=("x", "y"))
    assert merged([], ()) == NOTHING
