"""A DOI is cited when a signed addendum says it and holds; else it is said why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.unit.a_run import RUN_ID, reviewed_run
from tests.unit.at_a_gate import new_signer
from tests.unit.described_runs import described, seal

from awo.evidence.events import Software, Starter
from awo.evidence.publication import Deposit
from awo.publish.about.published import publication_of
from awo.publish.about.reference import NOT_PUBLISHED, Publication
from awo.publish.addenda import path_of, write_addendum
from awo.publish.described.shapes import Described
from awo.sign.allowed_signers import AllowedSigners, line_for
from awo.sign.namespaces import ADDENDUM

SIGNER = new_signer(7)
WHO = Starter(id="alice@example.org", key=SIGNER.key.fingerprint)
DOI = "10.5281/zenodo.7"
AT = "2026-12-24T00:00:00.000000Z"


def run_sealed_by(key: str) -> Described:
    told = reviewed_run()
    sealed = msgspec.structs.replace(seal(told), sealer=Starter(id="alice@example.org", key=key))
    return described(told, seal=sealed)


def published(folder: Path, **changes: str) -> Path:
    """The folder of a run with one more addendum."""
    deposit = Deposit(
        format="awo/deposit/v1",
        run_id=RUN_ID,
        seal_sha256="5" * 64,
        kind="zenodo",
        place="https://zenodo.org",
        phase="published",
        identifier="7",
        address="",
        doi=DOI,
        about_sha256="",
        bundle_sha256="",
        arrivals=[],
        at=AT,
    )
    place = folder / RUN_ID
    place.mkdir(exist_ok=True)
    software = Software(name="awo", version="2.0")
    write_addendum(place, msgspec.structs.replace(deposit, **changes), [], software, WHO, SIGNER)
    return place


def test_the_doi_that_the_sealer_signed_is_used(tmp_path: Path) -> None:
    found = publication_of(run_sealed_by(WHO.key), published(tmp_path), None)
    assert found.publication == replace(Publication(DOI, "Zenodo"), day=found.publication.day)
    assert found.notes == ()


def test_the_newest_of_several_is_used(tmp_path: Path) -> None:
    published(tmp_path)
    place = published(tmp_path, kind="invenio", place="https://repository.example", doi="10.1234/new", identifier="8")
    found = publication_of(run_sealed_by(WHO.key), place, None)
    assert (found.publication.doi, found.publication.publisher) == ("10.1234/new", "repository.example")


def test_somebody_elses_signature_counts_where_the_project_lists_them(tmp_path: Path) -> None:
    place, run = published(tmp_path), run_sealed_by("SHA256:" + "k" * 43)
    found = publication_of(run, place, None)
    assert found.publication == NOT_PUBLISHED
    assert "with a key that neither sealed the run nor may sign addenda" in found.notes[0]
    trust = AllowedSigners.parse(line_for(WHO.id, SIGNER.key, [ADDENDUM]), where="test")
    assert publication_of(run, place, trust).publication.doi == DOI


@pytest.mark.parametrize("changes", [{"doi": "10.5072/zenodo.7"}, {"place": "https://sandbox.zenodo.org"}])
def test_a_doi_for_tests_is_not_cited(changes: dict[str, str], tmp_path: Path) -> None:
    found = publication_of(run_sealed_by(WHO.key), published(tmp_path, **changes), None)
    assert found.publication == NOT_PUBLISHED
    assert "leads nowhere" in found.notes[0]


def test_an_altered_addendum_is_left_and_said(tmp_path: Path) -> None:
    place = published(tmp_path)
    path = path_of(place, 1)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"zenodo.7", b"zenodo.8"))
    found = publication_of(run_sealed_by(WHO.key), place, None)
    assert found.publication == NOT_PUBLISHED
    assert found.notes[0].startswith("0001.json is not used: ")


def test_an_addendum_of_another_seal_is_left_and_said(tmp_path: Path) -> None:
    found = publication_of(run_sealed_by(WHO.key), published(tmp_path, seal_sha256="6" * 64), None)
    assert found.publication == NOT_PUBLISHED
    assert "another seal" in found.notes[0]


def test_a_run_that_was_never_published_has_no_doi(tmp_path: Path) -> None:
    assert publication_of(run_sealed_by(WHO.key), tmp_path / RUN_ID, None) == (NOT_PUBLISHED, ())
