"""A user cites one record of a run, and puts trusted time on a seal and on the ledger: each as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.installed import RUNNER, Project
from tests.time_authority import Authority, serving

HELLO = "name: hello\nsteps:\n  - {id: hello, op: write_text, path: hello.txt, text: good day}\n"
NOBODY_LISTENS = "http://127.0.0.1:9/"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def address(authority: Authority) -> Iterator[str]:
    with serving(authority.honest) as url:
        yield url


def test_a_record_is_cited_from_the_run_and_from_its_bundle(sealed: Project) -> None:
    made = sealed.awo("prove", "latest", "--record", "fanout:1", "--json").expect(0).json
    proof = Path(made["proof"])
    assert made["record"] == {"path": "outputs/fanout/responses.jsonl", "line": 1}
    assert made["size_bytes"] == proof.stat().st_size < 5000
    assert made["opening_s"] > 0
    assert proof.name == f"{made['run']}.fanout-1.proof.json"

    report = sealed.awo("verify", proof, "--json").expect(0).json
    assert (report["kind"], report["proved"]["line"], report["run_id"]) == ("proof", 1, made["run"])
    said = sealed.awo("verify", proof).expect(0).out
    assert "a proof of line 1 (from 0) of outputs/fanout/responses.jsonl" in said
    assert "completeness: not shown: a proof says nothing" in said

    bundle = Path(sealed.awo("export", "latest", "--no-scan", "--json").expect(0).json["bundle"])
    again = sealed.awo("prove", bundle, "--record", "fanout:1", "-o", sealed.root / "again.json", "--json").expect(0)
    assert again.json["sha256"] == made["sha256"]

    sealed.write("trust", "")
    sealed.awo("verify", proof, "--trust", "trust", "--require", "authority").expect(7)
    line = json.loads(proof.read_text())["sealed"]["allowed_signers"]
    assert line.startswith((RUNNER, "awo-seal"))
    sealed.write("trust", line)
    sealed.awo("verify", proof, "--trust", "trust", "--require", "authority").expect(0)

    (verifier := sealed.root / "verify.py").write_text(sealed.awo("verify", "--standalone").expect(0).out)
    assert sealed.awo("verify", "--standalone", "--json").expect(0).json["text"] == verifier.read_text()

    altered = sealed.write("altered.json", proof.read_text().replace("Level", "LEVEL", 1))
    sealed.awo("verify", altered).expect(3)


def test_the_state_that_a_reviewer_signed_is_the_beginning_of_the_sealed_run(sealed: Project) -> None:
    folder = next(path for path in sealed.runs.iterdir() if path.name.startswith("run_"))
    decision = folder / "audit" / "decisions" / "0001-gate.json"
    made = sealed.awo("prove", "latest", "--from", decision, "--json").expect(0).json
    assert made["first"] == json.loads(decision.read_text())["checkpoint"]
    sealed.awo("verify", made["proof"]).expect(0)
    sealed.awo("prove", "latest", "--event", "0").expect(0)


def test_what_cannot_be_proved_is_refused_with_the_next_thing_to_type(sealed: Project) -> None:
    sealed.awo("prove").refused(2, "one thing is proved at a time", "--record")
    sealed.awo("prove", "--record", "fanout:9").refused(2, "no response of this name", "awo show")
    sealed.awo("prove", "--record", "fanout").refused(2, "STEP:LINE", "STEP[ITEM]")
    sealed.awo("prove", "--from", "nowhere.json").refused(2, "cannot be read")
    sealed.awo("prove", "--record", "fanout:9", "--json").refused_in_json(2)


def test_a_run_that_waits_has_no_proofs(at_gate: Project) -> None:
    at_gate.awo("prove", "--record", "fanout:0").refused(2, "sealed run")


def test_a_seal_is_stamped_and_a_reader_with_the_root_says_when(
    sealed: Project, authority: Authority, address: str
) -> None:
    sealed.awo("stamp").refused(2, "no authority", "[time]")
    unstamped = sealed.awo("verify").expect(0).out
    assert "nobody has put a time stamp on the seal" in unstamped
    assert "registration not checked" not in unstamped, "what nobody asked for is no gap"
    assert "registration not checked in full" in sealed.awo("verify", "--tsa-roots", authority.root).expect(0).out
    made = sealed.awo("stamp", "--tsa", address, "--json").expect(0).json
    assert made["authority"] == "CN=Test authority"
    seal = Path(made["stamp"]).with_name("seal.json")
    assert authority.openssl_says(Path(made["stamp"]), seal)

    checks = sealed.awo("verify", "--tsa-roots", authority.root, "--json").expect(0).json["checks"]
    assert next(one["verdict"] for one in checks if one["id"] == "EP-6.3") == "passed"
    assert "--tsa-roots FILE" in sealed.awo("verify").expect(0).out
    sealed.awo("verify", "--tsa-roots", "nowhere.pem").refused(2, "cannot be read")
    bundle = sealed.awo("export", "--no-scan", "--json").expect(0).json["bundle"]
    assert "the seal was there by" in sealed.awo("verify", bundle, "--tsa-roots", authority.root).expect(0).out


def test_the_ledger_is_stamped_and_the_stamp_goes_into_the_package(
    sealed: Project, authority: Authority, address: str
) -> None:
    made = sealed.awo("ledger", "stamp", "--tsa", address, "--json").expect(0).json
    assert Path(made["stamp"]).parent == sealed.runs / "ledger" / "stamps"
    sealed.awo("ledger", "refresh", "latest").expect(0)
    said = sealed.awo("verify", "--tsa-roots", authority.root).expect(0).out
    assert "the checkpoint of the ledger was there by" in said


def test_a_seal_gets_its_stamp_by_itself_and_an_authority_that_is_down_stops_nothing(
    project: Project, address: str
) -> None:
    project.write("hello.yaml", HELLO)
    project.write("awo.toml", f'[time]\nauthority = "{address}"\nstamp = true\n')
    done = project.awo("run", "hello.yaml").expect(0)
    assert "is stamped: " in done.err
    project.write("awo.toml", f'[time]\nauthority = "{NOBODY_LISTENS}"\nstamp = true\n')
    done = project.awo("run", "hello.yaml", "--json").expect(0)
    assert "has no time stamp" in done.err
    assert f"next: awo stamp {done.json['run']}" in done.err
    project.awo("verify", done.json["run"]).expect(0)
