"""`awo scan`, and the scan before `awo export`: what is found stops it until somebody says why it may go out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e.installed import Project

EMAIL = "jane.roe@" + "hospital-nord.de"
TOKEN = "ghp_" + "aB3dE6gH1jK4mN7pQ0sT5vW8yZ2bC9fG0123"
WORKFLOW = {
    "name": "planted",
    "steps": [{"id": "ask", "op": "fanout_generate", "prompt": f"Write to {EMAIL} with {TOKEN}", "models": ["echo"]}],
}


@pytest.fixture(scope="module")
def planted_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("planted"))
    project.write("w.json", json.dumps(WORKFLOW))
    project.awo("run", "w.json").expect(0)
    return project


@pytest.fixture
def planted(planted_once: Project, tmp_path: Path) -> Project:
    return planted_once.copy(tmp_path)


def said_nowhere(project: Project, *texts: str) -> None:
    for text in texts:
        assert EMAIL not in text
        assert TOKEN not in text
    assert not list(project.runs.glob("*.tar.gz"))


def test_a_clean_run_has_no_findings_and_names_its_people(sealed_once: Project) -> None:
    done = sealed_once.awo("scan", "latest", "--json").expect(0).json
    assert (done["findings"], done["not_scanned"]) == ([], [])
    assert done["scanned_by"].startswith("detect-secrets ")
    assert done["signers"] == 2
    assert "nothing found" in sealed_once.awo("scan").expect(0).out


def test_export_stops_at_what_it_finds_and_never_prints_it(planted: Project) -> None:
    done = planted.awo("export").expect(2)
    lines = done.err.splitlines()
    assert any("email-" in line and "outputs/ask/responses.jsonl:1" in line for line in lines)
    assert any("github-token-" in line for line in lines)
    assert "--waive" in lines[-1]
    in_json = planted.awo("export", "--json").expect(2)
    assert in_json.json["findings"]
    scanned = planted.awo("scan", "--json").expect(2)
    kinds = {(one["kind"], one["path"]) for one in scanned.json["findings"]}
    assert {("email", "outputs/ask/responses.jsonl"), ("github-token", "input.json")} <= kinds
    said_nowhere(planted, done.err, done.out, in_json.out, in_json.err, scanned.out, scanned.err)


def test_what_is_waived_with_a_reason_goes_out_and_is_said(planted: Project) -> None:
    ids = [one["id"] for one in planted.awo("scan", "--json").expect(2).json["findings"]]
    waived = [word for one in ids for word in ("--waive", f"{one}=made up for the test")]
    done = planted.awo("export", *waived).expect(0)
    assert done.err.count("waived: ") == len(ids)
    assert "made up for the test" in done.err
    planted.awo("verify", next(planted.runs.glob("*.tar.gz"))).expect(0)
    planted.awo("export", "--waive", ids[0]).refused(2, "says why")


def test_awo_toml_waives_a_kind_in_some_files(planted: Project) -> None:
    entry = 'finding = "{}", where = "{}", reason = "nobody has this address"'
    rows = ", ".join(f"{{{entry.format(kind, '*')}}}" for kind in ("email", "github-token"))
    planted.write("awo.toml", f"[scan]\nwaive = [{rows}]\n")
    done = planted.awo("export", "--json").expect(0)
    assert {one["finding"] for one in done.json["scan"]["waivers"]} == {"email", "github-token"}
    planted.write("awo.toml", '[scan]\nwaive = [{finding = "email"}]\n')
    planted.awo("export").refused(2, "scan.waive")


def test_without_a_scan_the_export_says_so_and_goes_on(planted: Project) -> None:
    done = planted.awo("export", "--no-scan", "--json").expect(0)
    assert "NOT SCANNED" in done.err
    assert done.json["scan"] is None


def test_without_its_packages_the_export_says_how_to_get_them(planted: Project) -> None:
    away = planted.top / "away"
    away.mkdir()
    hide = "import sys\nfor name in ('phonenumbers', 'stdnum', 'detect_secrets'):\n    sys.modules[name] = None\n"
    (away / "sitecustomize.py").write_text(hide)
    variables = {"PYTHONPATH": str(away)}
    done = planted.awo("export", variables=variables).expect(0)
    assert "NOT SCANNED" in done.err
    assert "pip install 'awo[scan]'" in done.err
    planted.awo("scan", variables=variables).refused(7, "pip install 'awo[scan]'")


def test_a_table_and_a_bundle_that_was_sent_are_searched_too(planted: Project) -> None:
    assert "email-" in planted.awo("export", "--table", "t.csv").expect(2).err
    assert not (planted.root / "t.csv").exists()
    planted.awo("export", "--no-scan", "-o", planted.top / "sent.tar.gz").expect(0)
    done = planted.awo("scan", planted.top / "sent.tar.gz", "--json").expect(2)
    assert {one["kind"] for one in done.json["findings"]} == {"email", "github-token"}
