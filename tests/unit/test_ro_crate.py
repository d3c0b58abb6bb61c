"""A run as an RO-Crate: who did what with which model, in identifiers that hold whatever the names are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from tests.unit.a_run import KEY, Told, reviewed_run, step
from tests.unit.crates import entities, many, refuse_loose_ends, said, typed
from tests.unit.described_runs import described, large, renamed
from tests.unit.shapes import TEXT

from awo.canon.digest import sha256_hex
from awo.evidence.gates import Signer
from awo.evidence.layout import CITATION, CRATE, README, SBOM
from awo.evidence.relayed import Relayed, comment_of
from awo.evidence.verdicts import ClaimTestResult, ClaimVerdict
from awo.publish.about.shapes import NOTHING, About, Creator, Funding
from awo.publish.beside import describe_beside
from awo.publish.described.shapes import CallGroup, JudgedClaims
from awo.publish.forms.prov import document_of
from awo.publish.forms.ro_crate.crate import crate_bytes
from awo.publish.forms.ro_crate.not_stated import PREFIX
from awo.publish.forms.ro_crate.readme import readme_bytes
from awo.publish.forms.ro_crate.versions import RUN_PROFILES

MOST_BYTES = 5_000_000
RELATIVE_IRI = re.compile(r"#?(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
FULL = About(
    title="Kettles",
    description="About kettles.",
    creators=(
        Creator("Ann Onym", "Ann", "Onym", "0000-0002-1825-0097", "Institute of Kettles"),
        Creator("Kettle Lab", is_organization=True),
        Creator("Bob Alone"),
    ),
    licence="CC-BY-4.0",
    keywords=("kettles", "tea"),
    funding=(Funding("Tea Council", "T-1", "Tea for all", "https://example.org/t"), Funding("", "", "")),
    doi="10.1234/kettle",
    repository="https://example.org/kettles",
    published_on="2026-11-25",
)


def crate_of(told: Told, about: About = NOTHING, **changes: Any) -> dict[str, dict[str, Any]]:
    found = entities(crate_bytes(described(told, **changes), about, {README: b"# read me\n"}))
    refuse_loose_ends(found)
    return found


def test_every_step_that_began_is_an_action_with_its_operation_its_agent_and_its_times() -> None:
    told = reviewed_run()
    found = crate_of(told)
    for facts in told.facts().steps:
        action = found.get(f"#action/{facts.record.id}")
        if not facts.started_at:
            assert action is None
            assert "Not run" in found[f"#step/{facts.record.id}"]["description"]
            continue
        assert action is not None
        assert action["instrument"]["@id"] == f"#operation/{facts.record.op}"
        assert action["agent"]["@id"] == "#person/alice%40example.org"
        assert TIME.fullmatch(action["startTime"])
        assert action["endTime"] == f"{facts.finished_at[:23]}+00:00"
        control = found[f"#control/{facts.record.id}"]
        assert {"@id": action["@id"]} in many(control["object"])
        assert control["instrument"] == {"@id": f"#step/{facts.record.id}"}
    steps = many(found[f"{told.facts().run_id}/input.json"]["step"])
    assert [one["@id"] for one in steps] == [f"#step/{one.record.id}" for one in told.facts().steps]


def test_calls_are_told_by_step_and_model_with_counts_that_are_those_of_the_facts() -> None:
    told = reviewed_run()
    run = described(told)
    found = crate_of(told)
    groups = [entity for id_, entity in found.items() if id_.startswith("#calls/")]
    assert len(groups) == len(run.groups) == 4
    for entity, group in zip(groups, run.groups, strict=True):
        assert entity["instrument"]["@id"] == f"#model/{group.model}"
        counts = said(found, entity)
        assert counts["calls answered"] == group.answered
        assert (counts["calls failed"], counts["calls of unknown outcome"]) == (group.failed, group.unknown)
    whole = said(found, found[f"#run/{run.run_id}"])
    assert whole["calls answered"] == told.facts().calls.answered == sum(group.answered for group in run.groups)


def test_a_model_is_told_as_asked_and_as_answered_with_its_weights_and_parameters() -> None:
    found = crate_of(reviewed_run(), answered={"first": ("SmolLM2-a", "SmolLM2-b")})
    model = found["#model/first"]
    assert (model["name"], model["softwareVersion"], model["sha256"]) == (
        "smollm2",
        ["SmolLM2-a", "SmolLM2-b"],
        "a" * 64,
    )
    assert said(found, model)["answered as"] == "SmolLM2-a, SmolLM2-b"
    assert said(found, model)["threads"] == 2
    assert found["#model/echo"]["softwareVersion"] == "echo"
    values = {found[one["@id"]]["name"]: found[one["@id"]] for one in many(found["#calls/complaint/first"]["object"])}
    assert values["temperature"]["value"] == 0.0
    assert found[values["seed"]["exampleOfWork"]["@id"]]["additionalType"] == "Integer"


def test_a_decision_is_an_action_of_the_person_over_what_they_were_shown() -> None:
    shown = described(reviewed_run()).files[0]
    told = reviewed_run()
    ((path, decision),) = told.decisions.items()
    found = crate_of(told)
    action = found["#decision/0001-gate"]
    assert action["@type"] == ["CreateAction", "AssessAction"]
    assert found[action["agent"]["@id"]]["name"] == decision.signer.name
    assert found[action["agent"]["@id"]]["jobTitle"] == "reviewer"
    assert said(found, action)["role"] == "reviewer"
    assert said(found, action)["verdict"] == "approve"
    assert said(found, action)["decided on own work"] is False
    assert {found[one["@id"]]["name"] for one in many(action["result"])} == {path, f"{path}.sig"}
    assert shown.path  # the run has files at all


def test_a_run_that_failed_says_where_and_why() -> None:
    told = Told([step("one", "command"), step("two", "write_text", ["one"])])
    told.start()
    told.begin("one")
    told.fail("one", "exit_code", "the program ended with exit code 1")
    told.end("failed")
    found = crate_of(told)
    assert found["#action/one"]["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert found["#action/one"]["error"] == "exit_code: the program ended with exit code 1"
    assert found[many(found["#action/one"]["result"])[0]["@id"]]["name"].endswith("stderr.txt")
    assert "#action/two" not in found
    assert found[f"#run/{told.facts().run_id}"]["error"] == "the run ended as failed"


def test_a_run_of_which_nothing_began_has_its_seal_as_its_only_act() -> None:
    told = Told([step("one", "command")])
    told.start(starter="awo-seal")
    told.end("abandoned")
    found = crate_of(told)
    assert {entity["@id"] for entity in typed(found, "CreateAction")} == {f"#run/{told.facts().run_id}", "#seal"}
    assert found[f"{told.facts().run_id}/input.json"]["hasPart"] == {"@id": "#awo"}
    assert found[f"#run/{told.facts().run_id}"]["agent"]["@id"] == f"{PREFIX}agent"


def test_claims_have_their_verdicts() -> None:
    test = ClaimTestResult(
        name="share", kind="prediction", outcome="passed", observed=0.5, expected="0.5", why="", reads=[]
    )
    verdict = ClaimVerdict(
        id="half agree/<b>",
        statement="Half of them agree.",
        source="",
        sha256="0" * 64,
        attempt=1,
        earlier=[],
        verdict="not_tested",
        tests=[test],
        deviations=[],
        evidence=[],
    )
    judged = JudgedClaims("vote", "outputs/vote/output.json", (verdict,))
    found = crate_of(reviewed_run(), claims=(judged,))
    review = found["#verdict/vote/half%20agree%2F%3Cb%3E"]
    assert review["reviewBody"] == "not tested; share passed"
    assert said(found, review) == {"verdict": "not_tested", "registered before the first call": True}
    assert {"@id": review["@id"]} in many(found["#action/vote"]["result"])


def test_authors_licence_and_funding_stand_as_they_are_given() -> None:
    found = crate_of(reviewed_run(), FULL)
    root = found["./"]
    assert (root["name"], root["datePublished"], root["keywords"]) == ("Kettles", "2026-11-25", ["kettles", "tea"])
    assert root["isPartOf"] == {"@id": "https://doi.org/10.1234/kettle"}
    assert root["identifier"] == described(reviewed_run()).run_id
    assert root["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    ann = found["https://orcid.org/0000-0002-1825-0097"]
    assert (ann["name"], found[ann["affiliation"]["@id"]]["name"]) == ("Ann Onym", "Institute of Kettles")
    assert found["#organisation/Kettle%20Lab"]["@type"] == "Organization"
    assert found["#author/Bob%20Alone"]["affiliation"] == {"@id": f"{PREFIX}affiliation"}
    assert root["funder"] == {"@id": "#organisation/Tea%20Council"}
    assert found[root["funding"]["@id"]]["identifier"] == "T-1"
    assert found[f"{described(reviewed_run()).run_id}/input.json"]["url"] == "https://example.org/kettles"


def test_what_nobody_stated_is_called_so_and_nothing_is_invented() -> None:
    found = crate_of(reviewed_run())
    root = found["./"]
    for name, kind in (("author", "author"), ("publisher", "publisher"), ("license", "licence")):
        assert root[name] == {"@id": f"{PREFIX}{kind}"}
        assert "not stated" in found[f"{PREFIX}{kind}"]["name"]
    assert root["datePublished"] == described(reviewed_run()).seal.at[:10]  # type: ignore[union-attr]
    assert {"funder", "funding", "keywords", "version"}.isdisjoint(root)
    assert [one["@id"] for one in root["conformsTo"]] == [one.address for one in RUN_PROFILES]


def test_a_doi_of_the_run_stands_in_crate_and_citation() -> None:
    beside = describe_beside(described(reviewed_run()), FULL, "10.5281/zenodo.1")
    assert entities(beside[CRATE])["./"]["identifier"][1] == "https://doi.org/10.5281/zenodo.1"
    assert b"10.5281/zenodo.1" in beside[CITATION]


def test_an_expression_of_licences_is_named_and_no_address_is_made_up() -> None:
    found = crate_of(reviewed_run(), replace(FULL, licence="MIT OR Apache-2.0"))
    assert found["./"]["license"]["@id"] == "#licence/MIT%20OR%20Apache-2.0"


def test_the_files_of_a_package_stand_with_size_and_digest() -> None:
    run = described(reviewed_run())
    found = crate_of(reviewed_run())
    for file in run.files:
        entity = found[f"{run.run_id}/{file.path}"]
        assert (entity["sha256"], entity["contentSize"]) == (file.sha256, str(file.size_bytes))
        assert "/" in entity["encodingFormat"]
    assert found[README]["sha256"] == sha256_hex(b"# read me\n")


@pytest.mark.parametrize(
    "size",
    [
        {"steps": 10, "models": 10, "responses": 100_000},
        {"steps": 100, "files": 20_000},
        {"steps": 1_000, "models": 2, "responses": 100_000, "files": 20_000},
        {"steps": 500, "models": 2, "responses": 100_000},
        {"steps": 20, "models": 60, "responses": 100_000, "files": 2_000},
        {"steps": 200, "files": 4_000},
    ],
)
def test_a_crate_of_a_large_run_stays_small_and_counts_everything(size: dict[str, int]) -> None:
    run = large(**size)
    data = crate_bytes(run, FULL, {})
    assert len(data) < MOST_BYTES
    found = entities(data)
    refuse_loose_ends(found)
    groups = [entity for id_, entity in found.items() if id_.startswith("#calls/")]
    answered = sum(said(found, entity)["calls answered"] for entity in groups)
    assert answered == sum(group.answered for group in run.groups)
    listed = [entity for entity in typed(found, "File") if entity["@id"].startswith(run.run_id)]
    folders = [entity for entity in typed(found, "Dataset") if "additionalProperty" in entity]
    inside = sum(id_.startswith(folder["@id"]) for folder in folders for id_ in (one["@id"] for one in listed))
    assert len(listed) - inside + sum(said(found, folder)["files"] for folder in folders) == len(run.files)


def test_a_group_that_was_only_answered_from_another_run_is_no_call() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    told.begin("one")
    told.reuse("one", "echo")
    told.finish("one", {})
    told.end("completed")
    found = crate_of(told)
    assert "#calls/one/echo" not in found
    assert said(found, found["#action/one"])["responses reused"] == 1


@given(name=TEXT, model=TEXT, other=TEXT)
def test_any_name_gives_valid_identifiers_and_json(name: str, model: str, other: str) -> None:
    hostile = f'{name}"#/../ %\n<x>'
    run = described(reviewed_run())
    groups = (CallGroup("complaint", f"{model} #1", answered=1), CallGroup("complaint", f"{model}%20#1", failed=1))
    run = replace(renamed(run, hostile), groups=groups, answered={f"{model} #1": (other,)})
    about = replace(FULL, title=hostile, creators=(Creator(hostile), Creator(other, affiliation=hostile)))
    data = crate_bytes(run, about, {})
    found = entities(data)
    refuse_loose_ends(found)
    for id_ in found:
        assert RELATIVE_IRI.fullmatch(id_) or id_.startswith("https://"), id_
    assert len([id_ for id_ in found if id_.startswith("#calls/")]) == 2


def test_the_same_run_gives_the_same_bytes_in_the_order_of_a_bundle() -> None:
    first, second = (describe_beside(described(reviewed_run()), FULL) for _ in range(2))
    assert first == second
    assert list(first) == [CITATION, CRATE, SBOM, README]
    assert json.loads(first[CRATE])["@graph"][0]["@id"] == CRATE
    listed = entities(first[CRATE])
    for name, data in first.items():
        if name != CRATE:
            assert listed[name]["sha256"] == sha256_hex(data)


def test_the_word_to_the_reader_escapes_what_others_wrote() -> None:
    text = describe_beside(renamed(described(reviewed_run()), "# <script>\n@all [x](y)"), NOTHING)[README].decode()
    assert "<script>" not in text
    assert text.count("\n# ") == 0


def relayed_run() -> Told:
    """A run whose gate was decided by a click on GitHub, which a machine's key passed on."""
    clicked = Relayed(("octocat",), "production", "https://example.org/1", "a" * 40, "hubot", "https://example.org")
    told = Told([step("look", "audit_gate")])
    told.start()
    told.begin("look")
    told.gate("look")
    signer = Signer(id="ci@example.org", name="GitHub, relayed by ci", role="github:production", key=KEY)
    told.decide("look", signer=signer, comment=comment_of(clicked))
    told.close("look")
    told.finish("look", {})
    told.end("approved")
    return told


def test_a_relayed_decision_is_told_as_that_and_as_the_act_of_no_person() -> None:
    found = crate_of(relayed_run())
    action = found["#decision/0001-look"]
    assert action["agent"] == {"@id": "#not-stated-agent"}
    assert action["description"].startswith("Relayed from GitHub's protected environment production, where octocat")
    assert action["description"].endswith("no signature of a person.")
    assert said(found, action)["relayed by"] == "ci@example.org"
    assert not [one for one in typed(found, "Person") if one["identifier"] == "ci@example.org"]
    refuse_loose_ends(found)


def test_provenance_names_the_key_that_relayed_a_decision_and_no_person() -> None:
    document = document_of(described(relayed_run())).as_dict()
    assert document["agent"]["run:relay/ci%40example.org"]["prov:type"]["$"] == "prov:SoftwareAgent"
    assert "run:person/ci%40example.org" not in document["agent"]
    (decision,) = (one for name, one in document["activity"].items() if name.startswith("run:decision/"))
    assert decision["awo:relayed"] == {"$": "true", "type": "xsd:boolean"}


def test_what_was_received_is_not_told_as_witnessed() -> None:
    told = Told([step("in", "receive")])
    told.start()
    told.begin("in")
    told.finish("in", {"originals": []})
    told.end("completed")
    assert "Received, not witnessed" in crate_of(told)["#action/in"]["description"]
    assert "received, not witnessed" in readme_bytes(described(told), NOTHING, ()).decode()
    assert "received" not in readme_bytes(described(reviewed_run()), NOTHING, ()).decode()
