"""Citations are what other people's software takes: the official schemas, a BibTeX processor and a CSL processor."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.peers import peer_python
from tests.unit.a_run import RUN_ID
from tests.unit.test_about import GOOD_CFF, TEN_MISTAKES
from tests.unit.test_words import HOSTILE, KNOWN, PUBLISHED, whole

from awo.canon.json import pretty
from awo.errors import AboutInvalid, DiskTrouble, UsageError
from awo.publish.about.cff import read_cff
from awo.publish.about.datacite import datacite_of
from awo.publish.about.fields import LARGEST_BYTES
from awo.publish.about.gather import read_about, refuse_unless_open
from awo.publish.about.licence import USUAL
from awo.publish.about.reference import reference_of
from awo.publish.about.shapes import NOTHING, About, Creator, Funding
from awo.publish.words.bibtex import bibtex
from awo.publish.words.cff import citation_cff
from awo.publish.words.csl import csl_item

RICH = replace(
    KNOWN,
    title=HOSTILE,
    description='Lines\nwith "quotes": # and \\ and \u2028 signs',
    creators=(*KNOWN.creators, Creator("Ada 'X' O'Neill-Smith", "Ada", "O'Neill-Smith"), Creator("van der A & B")),
    keywords=("a: b", "- c", "@d"),
    funding=(Funding("A Fund", "7", "Kettles", "https://fund.example/7"), Funding("Another")),
    licence="MIT OR Apache-2.0",
)
ABOUTS = {
    "nothing": NOTHING,
    "known": KNOWN,
    "rich": RICH,
    "no word in CFF": replace(KNOWN, licence="MIT AND CC-BY-4.0"),
    "every usual licence": replace(KNOWN, licence=" OR ".join(USUAL)),
}
_MUTATIONS = {
    b"message: Please cite it.\n": b"",
    b"1.2.0": b"1.1.0",
    b"https://orcid.org/": b"",
    b"https://code.example/kettles": b"code.example",
    b"type: dataset": b"type: paper",
    b"family-names": b"last-names",
    b"  - MIT": b"  - mit",
    b"2026-11-23": b"23.11.2026",
    b"10.5281/zenodo.1234567": b"doi:10.5281/zenodo.1234567",
    b"[kettles, reviews]": b"[kettles, kettles]",
    b"[kettles, ": b"[7, ",
    b"version: 1.10": b"version: ''",
    b"abstract: |": b"abstrakt: |",
}
FILES = {"good": GOOD_CFF, "ten mistakes": TEN_MISTAKES} | {
    f"{old.decode().strip()} as {new.decode()}": GOOD_CFF.replace(old, new) for old, new in _MUTATIONS.items()
}


def questions() -> dict[str, dict[str, str]]:
    """All that the peers are asked, by a name for each."""
    run, reference = whole(), reference_of(whole(), RICH, PUBLISHED)
    asked = {"bibtex": {"bibtex": bibtex(reference)}, "csl": {"csl": pretty([csl_item(reference)]).decode()}}
    for name, about in ABOUTS.items():
        for doi in ("", PUBLISHED.doi, "10.1234/a{b|c"):
            asked[f"cff of {name} {doi}"] = {"cff": citation_cff(run, about, doi).decode()}
        asked[f"datacite of {name}"] = {"datacite": pretty(datacite_of(run, about, PUBLISHED)).decode()}
    asked["datacite without DOI"] = {"datacite": pretty(datacite_of(run, RICH)).decode()}
    return asked | {name: {"cff": data.decode()} for name, data in FILES.items()}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Any]:
    """What the peers say, by the name of the question."""
    asked, judge = questions(), Path(__file__).with_name("citation_judge.py")
    done = subprocess.run(
        [peer_python(), "-W", "ignore", judge], input=json.dumps(list(asked.values())), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(asked, json.loads(done.stdout), strict=True))


def test_every_citation_file_and_datacite_record_follows_the_official_schema(verdicts: dict[str, Any]) -> None:
    ours = {name: said for name, said in verdicts.items() if name.startswith(("cff of", "datacite"))}
    assert len(ours) == 4 * len(ABOUTS) + 1
    assert {name: said for name, said in ours.items() if said} == {}


def test_what_the_official_schema_takes_is_taken_here_too(verdicts: dict[str, Any]) -> None:
    assert verdicts["good"] == []
    read_cff(FILES["good"])


@pytest.mark.parametrize("name", [name for name in FILES if name != "good"])
def test_what_the_official_schema_refuses_is_refused_here_too(name: str, verdicts: dict[str, Any]) -> None:
    assert FILES[name] != GOOD_CFF
    assert verdicts[name]
    with pytest.raises(AboutInvalid):
        read_cff(FILES[name])


def test_the_citation_file_of_awo_itself_is_read() -> None:
    root = Path(__file__).resolve().parents[2]
    assert read_cff((root / "CITATION.cff").read_bytes()).licence == "Apache-2.0"


def test_a_bibtex_processor_and_a_csl_processor_print_what_was_meant(verdicts: dict[str, Any]) -> None:
    parsed, shown = verdicts["bibtex"], verdicts["csl"]
    assert parsed["key"] == RUN_ID
    assert parsed["people"] == ["van Doe, Jane", "{Kettles and Friends}, ", "O'Neill-Smith, Ada", "{van der A \\& B}, "]
    assert parsed["fields"]["doi"] == PUBLISHED.doi
    assert "van Doe" in parsed["shown"]
    assert "2026" in parsed["shown"]
    for words in ("van Doe", "Kettles and Friends", "2026", "100% &", "中"):
        assert words in shown


def test_the_files_of_a_project_are_read_in_their_order(tmp_path: Path) -> None:
    assert read_about(tmp_path, name="N", description="D") == About("N", "D")
    (tmp_path / "CITATION.cff").write_bytes(GOOD_CFF)
    (tmp_path / ".zenodo.json").write_text('{"title": "Z", "license": "CC0-1.0"}', encoding="utf-8")
    about = read_about(tmp_path, name="N", description="D")
    assert (about.title, about.licence, about.version) == ("Z", "CC0-1.0", "1.10")
    assert about.sources == (".zenodo.json", "CITATION.cff")


def test_a_mistake_in_either_file_stops_both(tmp_path: Path) -> None:
    (tmp_path / ".zenodo.json").write_text('{"title": "Z"}', encoding="utf-8")
    (tmp_path / "CITATION.cff").write_bytes(TEN_MISTAKES)
    with pytest.raises(AboutInvalid, match="mesage is not a known field"):
        read_about(tmp_path, name="N", description="")


def test_a_work_that_is_not_for_everybody_is_not_published(tmp_path: Path) -> None:
    refuse_unless_open(tmp_path)
    (tmp_path / ".zenodo.json").write_text('{"access_right": "open"}', encoding="utf-8")
    refuse_unless_open(tmp_path)
    (tmp_path / ".zenodo.json").write_text('{"access_right": "embargoed"}', encoding="utf-8")
    with pytest.raises(UsageError, match="does not let everybody read this work"):
        refuse_unless_open(tmp_path)


def test_what_is_no_small_ordinary_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "CITATION.cff"
    place.write_bytes(b"#" * (LARGEST_BYTES + 1))
    with pytest.raises(UsageError, match="too large"):
        read_about(tmp_path, name="N", description="")
    place.unlink()
    place.mkdir()
    with pytest.raises(UsageError, match="no ordinary file"):
        read_about(tmp_path, name="N", description="")
    place.rmdir()
    place.symlink_to(place)
    with pytest.raises(DiskTrouble):
        read_about(tmp_path, name="N", description="")
