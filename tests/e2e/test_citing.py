"""`awo cite` and `awo statement` as a user types them."""

from __future__ import annotations

from tests.e2e.installed import Project
from tests.unit.test_about import GOOD_CFF, TEN_MISTAKES

from awo.publish.about.cff import read_cff


def test_a_sealed_run_is_cited_in_every_form(sealed: Project) -> None:
    (sealed.root / "CITATION.cff").write_bytes(GOOD_CFF)
    said = sealed.awo("cite").expect(0)
    assert "van Doe Jr., Jane; The Kettle Group; kettlefan (20" in said.out
    assert "@misc{run_20" in said.out
    assert "has no DOI" in said.err
    out = sealed.top / "run.cff"
    sealed.awo("cite", "latest", "--as", "cff", "--output", str(out)).expect(0)
    names = [[one.name for one in read_cff(data).creators] for data in (out.read_bytes(), GOOD_CFF)]
    assert names[0] == names[1]
    for form in ("bibtex", "csl-json", "datacite"):
        found = sealed.awo("cite", "--as", form, "--json").expect(0).json
        assert found["form"] == form
        assert found["run"] in found["text"]
        assert found["authors"][0] == "Jane van Doe Jr."
        assert found["sources"] == ["CITATION.cff"]
    sealed.awo("cite", "--as", "bibtex", "--output", str(out)).refused(2, "there is another file of this name")


def test_every_mistake_in_the_authors_file_is_told_at_once(sealed: Project) -> None:
    (sealed.root / "CITATION.cff").write_bytes(TEN_MISTAKES)
    error = sealed.awo("cite").expect(2).err
    assert "CITATION.cff:11:10: license is not a licence in SPDX" in error
    assert error.count("CITATION.cff:") >= 12
    told = sealed.awo("cite", "--json").expect(2).json
    assert told["exit_code"] == 2
    assert len(told["problems"]) >= 12


def test_the_statements_are_written_from_the_evidence_alone(sealed: Project) -> None:
    (sealed.root / "CITATION.cff").write_bytes(TEN_MISTAKES)  # they ask no author's file
    said = sealed.awo("statement").expect(0).out
    assert said.startswith("Use of AI models\n\n")
    assert "\n\nMethods\n\n" in said
    assert "approved it on 20" in said
    only = sealed.awo("statement", "--as", "methods", "--json").expect(0).json
    assert list(only["statements"]) == ["methods"]
    assert only["is_sealed"] is True
    assert only["statements"]["methods"] in said


def test_a_run_that_waits_is_stated_and_not_cited(at_gate: Project) -> None:
    at_gate.awo("cite").refused(2, "only a sealed run is cited", "awo resume")
    said = at_gate.awo("statement").expect(0)
    assert "The run is not sealed" in said.out
    assert "the numbers may still change" in said.err
