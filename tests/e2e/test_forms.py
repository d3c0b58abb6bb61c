"""`awo export --as` slsa, bagit, prov, spans and sbom: one real run, read by other people's libraries."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.e2e.formed import EMAIL, FORMS, MODEL, PROMPT, Made, make
from tests.e2e.installed import REVIEWER, RUNNER, Project, events, of_kind, writable
from tests.peers import PEERS

from awo.canon.digest import sha256_file, sha256_hex
from awo.evidence.run_statement import PREDICATE_TYPE
from awo.evidence.schemas import schema_of
from awo.evidence.sums import parse_sums
from awo.publish.forms.slsa import BUILD_TYPE


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    found = make(tmp_path_factory.mktemp("forms"))
    yield found
    writable(found.project.runs)


# --- slsa ------------------------------------------------------------------------------------------------


def test_securesystemslib_and_in_toto_accept_both_statements_under_their_own_id_of_the_key(made: Made) -> None:
    found = made.judged["bundles"]["good"]
    assert [(line["securesystemslib"], line["in_toto"]) for line in found["lines"]] == [("", ""), ("", "")]
    assert found["keyid"] == made.said["slsa"]["keyid"]
    assert [json.loads(line["payload"])["predicateType"] for line in found["lines"]] == [
        "https://slsa.dev/provenance/v1",
        PREDICATE_TYPE,
    ]


@pytest.mark.parametrize("how", ["payload", "type", "signature", "keyid"])
def test_they_refuse_a_bundle_that_was_tampered_with(how: str, made: Made) -> None:
    (line,) = made.judged["bundles"][how]["lines"]
    assert line["securesystemslib"] == "VerificationError"
    assert line["in_toto"]


def test_openssl_finds_the_signature_over_the_encoded_bytes_of_each_line(made: Made, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(made.said["slsa"]["public_key"])
    for line in made.path("slsa").read_text().splitlines():
        envelope = json.loads(line)
        payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
        encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        assert [_openssl(tmp_path, data) for data in (encoded, encoded[:-1] + b"]")] == [True, False]


def _openssl(folder: Path, data: bytes) -> bool:
    (folder / "data").write_bytes(data)
    names = [str(folder / name) for name in ("key.pem", "sig", "data")]
    files = [word for pair in zip(("-inkey", "-sigfile", "-in"), names, strict=True) for word in pair]
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", *files], capture_output=True, text=True)
    assert "Signature Verif" in done.stdout, done.stderr
    return done.returncode == 0


def test_both_statements_are_about_the_seal_the_sums_and_every_output(made: Made) -> None:
    sums = parse_sums((made.run / "SHA256SUMS").read_bytes())
    expected = {path: digest for path, digest in sums.items() if path.startswith("outputs/") or path == "report.md"}
    expected |= {path: sha256_file(made.run / path)[0] for path in ("SHA256SUMS", "audit/seal.json")}
    for statement in made.statements():
        assert {one["name"]: one["digest"]["sha256"] for one in statement["subject"]} == expected
        assert set(statement) == {"_type", "subject", "predicateType", "predicate"}
        assert statement["_type"] == "https://in-toto.io/Statement/v1"


def test_the_provenance_says_what_was_asked_what_was_read_and_what_it_ran_on(made: Made) -> None:
    definition, details = (made.statements()[0]["predicate"][key] for key in ("buildDefinition", "runDetails"))
    assert definition["buildType"] == BUILD_TYPE
    assert definition["externalParameters"]["input"]["sha256"] == sha256_file(made.run / "input.json")[0]
    found = {one["name"]: one for one in definition["resolvedDependencies"]}
    workflow = sha256_file(made.project.root / "flow.json")[0]
    assert found["flow.json"]["digest"] == {"sha256": workflow}
    assert definition["externalParameters"]["workflow"] == {"path": "flow.json", "sha256": workflow}
    assert {"rows.csv", "claims/all.yaml", "checklist.md", "input.json"} <= set(found)
    assert found[MODEL]["uri"] == "urn:awo:model:upper/upper"
    assert details["metadata"]["invocationId"] == made.run.name
    journal = sha256_file(made.run / "audit/journal.jsonl")[0]
    assert {"name": "audit/journal.jsonl", "digest": {"sha256": journal}} in details["byproducts"]


def test_the_statement_of_the_run_follows_its_schema_and_the_record(made: Made) -> None:
    statement = made.statements()[1]
    validator = jsonschema_rs.Draft202012Validator(schema_of("run-statement"))
    assert [str(fault) for fault in validator.iter_errors(statement)] == []
    said = statement["predicate"]
    assert said["steps"] == {"total": 5, "done": 5} | dict.fromkeys(("failed", "skipped", "waiting", "running"), 0) | {
        "not_run": 0
    }
    assert (said["calls"]["answered"], said["seal"]["outcome"]) == (6, "approved")
    assert [(one["step"], one["model"], one["answered"]) for one in said["call_groups"]] == [
        ("ask", "plain", 3),
        ("ask", MODEL, 3),
    ]
    (decision,) = said["decisions"]
    assert (decision["verdict"], decision["reviewer"]["id"]) == ("approve", REVIEWER)
    assert decision["decision_sha256"] == sha256_file(made.run / decision["decision"])[0]
    (claim,) = said["claims"]
    assert (claim["id"], claim["verdict"]) == ("they agree / always", "supported")
    assert (said["starter"]["id"], said["attester"]["id"]) == (RUNNER, "")
    assert said["checkpoint"]["size"] == len(events(made.run))
    assert set(said["left_out"].values()) == {0}


# --- bagit -----------------------------------------------------------------------------------------------


def test_bagit_py_accepts_the_bag_and_refuses_it_once_anything_in_it_changed(made: Made) -> None:
    found = made.judged["bags"]
    assert found["good"] == ""
    assert "report.md" in found["altered"]
    assert "Payload-Oxum" in found["lost"]
    assert "Payload-Oxum" in found["added"]
    assert "bag-info.txt" in found["told otherwise"]


def test_its_command_line_does_so_too(made: Made) -> None:
    done = subprocess.run([PEERS / "bagit.py", "--validate", made.path("bagit")], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


def test_the_bag_holds_the_package_as_it_is_and_what_stands_beside_it(made: Made) -> None:
    data = made.path("bagit") / "data"
    inside = data / made.run.name
    for path in filter(Path.is_file, made.run.rglob("*")):
        assert (inside / path.relative_to(made.run)).read_bytes() == path.read_bytes()
    assert {"verify.py", "verify.html", "ro-crate-metadata.json"} <= {path.name for path in data.iterdir()}
    made.project.awo("verify", inside).expect(0)
    info = (made.path("bagit") / "bag-info.txt").read_text()
    assert f"External-Identifier: {made.run.name}\n" in info
    assert f"sha256:{sha256_file(made.run / 'audit/seal.json')[0]}" in info
    assert "Source-Organization" not in info


def test_the_same_run_gives_the_same_bag_and_another_is_not_written_over_it(made: Made, tmp_path: Path) -> None:
    again = tmp_path / "again"
    command = ("export", "latest", "--as", "bagit", "--no-scan")
    made.project.awo(*command, "-o", again).expect(0)
    for path in made.path("bagit").glob("*.txt"):
        assert (again / path.name).read_bytes() == path.read_bytes()
    made.project.awo(*command, "-o", again).refused(2, "there is a folder of this name")
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


@pytest.mark.parametrize("spoil", ["altered", "added", "lost"])
def test_a_run_that_is_altered_leaves_no_bag(spoil: str, made: Made, tmp_path: Path) -> None:
    run = tmp_path / made.run.name
    shutil.copytree(made.run, run)
    writable(run)
    place = run / "outputs/final/files/a note, ünused #1.txt"
    match spoil:
        case "altered":
            place.write_text("Gone.")
        case "added":
            (run / "outputs/more.txt").write_text("more")
        case _:
            place.unlink()
    done = made.project.awo("export", run, "--as", "bagit", "--no-scan", "-o", tmp_path / "x.bag")
    done.refused(3, "more.txt" if spoil == "added" else "a note")
    assert [path.name for path in tmp_path.iterdir()] == [run.name]


# --- prov ------------------------------------------------------------------------------------------------


def test_the_prov_package_reads_the_document_without_loss(made: Made) -> None:
    ours, found = json.loads(made.path("prov").read_text()), made.judged["prov"]["good"]
    assert found["is_same"]
    theirs = found["again"]
    assert ours["prefix"] == theirs["prefix"]
    for kind in set(ours) - {"prefix"}:
        if kind in ("entity", "activity", "agent"):
            assert {name: set(record) for name, record in ours[kind].items()} == {
                name: set(record) for name, record in theirs[kind].items()
            }
        else:
            assert _ends(ours[kind]) == _ends(theirs[kind])
    assert found["nodes"] >= sum(len(ours[kind]) for kind in ("entity", "activity", "agent"))
    assert found["edges"] > 0


def _ends(relations: dict[str, Any]) -> list[list[tuple[str, str]]]:
    return sorted(sorted((key, str(value)) for key, value in one.items()) for one in relations.values())


def test_it_says_who_decided_on_what_and_what_came_of_which_answers(made: Made) -> None:
    told = json.loads(made.path("prov").read_text())
    decided = {one["prov:agent"] for one in told["wasAssociatedWith"].values() if one.get("prov:role") == "reviewer"}
    assert decided == {f"run:person/{REVIEWER.replace('@', '%40')}"}
    sources = {
        one["prov:usedEntity"]
        for one in told["wasDerivedFrom"].values()
        if one["prov:generatedEntity"] == "run:file/outputs%2Fask%2Foutput.json"
    }
    assert sources == {"run:responses/ask/plain", "run:responses/ask/loud%2F2%3Ab"}
    assert told["entity"]["run:claim/verdicts/they%20agree%20%2F%20always"]["awo:verdict"] == "supported"
    assert PROMPT not in made.path("prov").read_text()


# --- spans -----------------------------------------------------------------------------------------------


def _attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_protobuf_parses_one_trace_of_the_run_its_steps_and_its_calls(made: Made) -> None:
    spans = made.judged["spans"]["bare"]
    assert len(spans) == made.said["spans"]["spans"] == 1 + 5 + 6
    assert {span["traceId"] for span in spans} == {made.said["spans"]["trace_id"]}
    (root,) = [span for span in spans if "parentSpanId" not in span]
    steps = {span["spanId"]: span for span in spans if span.get("parentSpanId") == root["spanId"]}
    calls = [span for span in spans if span.get("parentSpanId") in steps]
    assert [_attributes(one)["awo.step"] for one in steps.values()] == ["ask", "vote", "verdicts", "review", "final"]
    assert {steps[one["parentSpanId"]]["name"] for one in calls} == {"fanout_generate ask"}
    assert len(calls) == 6
    assert len({span["spanId"] for span in spans}) == len(spans)
    for span in spans:
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    gate = next(one for one in steps.values() if one["name"] == "audit_gate review")
    assert [event["name"] for event in gate["events"]] == [
        "awo.gate_opened",
        "awo.decision_recorded",
        "awo.gate_closed",
    ]


def test_a_call_has_the_names_of_the_conventions_and_its_digest(made: Made) -> None:
    calls = [_attributes(span) for span in made.judged["spans"]["bare"] if span["name"].startswith("chat ")]
    plain = [one for one in calls if one["awo.model"] == "plain"]
    assert {one["gen_ai.provider.name"] for one in calls} == {"echo", "upper"}
    for one in plain:
        assert (one["gen_ai.operation.name"], one["gen_ai.request.model"]) == ("chat", "echo")
        assert (one["gen_ai.request.temperature"], one["gen_ai.request.max_tokens"]) == (0.5, "9")
        assert one["gen_ai.response.model"] == "echo"
        assert one["gen_ai.response.finish_reasons"] == {"values": [{"stringValue": "stop"}]}
        assert "gen_ai.usage.input_tokens" not in one  # the stand-in does not count
    answered = {event["sha256"] for event in of_kind(made.run, "call_answered")}
    assert {one["awo.response.sha256"] for one in calls} == answered


def test_texts_are_there_only_when_they_are_asked_for(made: Made) -> None:
    assert PROMPT not in made.path("spans").read_text()
    assert "Two models" in made.path("spans").read_text()
    full = [_attributes(span) for span in made.judged["spans"]["full"] if span["name"].startswith("chat ")]
    asked, said = full[0]["gen_ai.input.messages"], full[0]["gen_ai.output.messages"]
    assert PROMPT + "Good" in json.dumps(asked)
    assert PROMPT + "Good" in json.dumps(said)
    bare = [_attributes(span) for span in made.judged["spans"]["bare"]]
    assert not [one for one in bare if "gen_ai.input.messages" in one or "gen_ai.output.messages" in one]


# --- the command -----------------------------------------------------------------------------------------


def test_each_form_lands_beside_the_run_under_its_own_ending(made: Made) -> None:
    assert {form: made.path(form).name for form in FORMS} == {
        form: made.run.name + ending for form, ending in FORMS.items()
    }
    assert {made.said[form]["form"] for form in FORMS} == set(FORMS)


@pytest.mark.parametrize("form", ["slsa", "prov", "spans", "sbom"])
def test_the_same_run_gives_the_same_bytes_twice(form: str, made: Made, tmp_path: Path) -> None:
    key = ("--key", made.project.key) if form == "slsa" else ()
    made.project.awo("export", "latest", "--as", form, *key, "-o", tmp_path / "again").expect(0)
    assert sha256_hex((tmp_path / "again").read_bytes()) == sha256_file(made.path(form))[0]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--as", "slsa"], 2, "--key"),
        (["--as", "slsa", "--key", "{key}.pub"], 7, "awo keys new"),
        (["--as", "prov", "--key", "{key}"], 2, "--as in-toto or --as slsa"),
        (["--as", "prov", "--with-content"], 2, "--as spans"),
        (["--as", "slsa", "--key", "{key}", "--without-comments"], 2, "--as in-toto"),
        (["--as", "prov", "--organization", "X"], 2, "--as every-eval-ever"),
        (["--as", "prov", "--table", "t.csv"], 2, "leave out --as"),
        (["--as", "prov", "-o", "{run}/x.json"], 2, "cannot be written into it"),
        (["--as", "bagit", "--no-scan", "-o", "missing/x"], 2, "the folder for this file is not there"),
        (["--as", "bagit"], 2, "--waive"),
        (["--as", "spans", "--with-content"], 2, "--waive"),
    ],
)
def test_what_cannot_be_written_is_one_clear_error(options: list[str], code: int, says: str, made: Made) -> None:
    typed = [option.format(key=made.project.key, run=made.run) for option in options]
    done = made.project.awo("export", "latest", *typed).expect(code)
    assert says in done.err
    assert EMAIL not in done.err
    assert not done.stdout


def test_only_spans_are_of_a_run_that_is_not_sealed(at_gate: Project) -> None:
    for form in ("bagit", "prov", "sbom"):
        at_gate.awo("export", "latest", "--as", form).refused(2, f"only a sealed run is exported as {form}")
    done = at_gate.awo("export", "latest", "--as", "spans", "--json").expect(0).json
    spans = [
        span
        for line in Path(done["path"]).read_text().splitlines()
        for span in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]
    assert len(spans) == done["spans"]
    assert "status" not in spans[-1]


def test_an_erased_run_says_so_and_has_what_is_left_in_every_form(made: Made, tmp_path: Path) -> None:
    top = tmp_path / "erased"
    shutil.copytree(made.project.top, top, ignore=shutil.ignore_patterns("*.bag", "*.jsonl.bag"))
    project = Project(top)
    who = ("--key", project.key, "--as", REVIEWER)
    project.awo("erase", made.run.name, "--step", "ask", "--reason", "asked to", "--yes", *who).expect(0)
    wanted: dict[str, tuple[str | Path, ...]] = {
        "slsa": ("--key", project.key, "--json"),
        "spans": ("--with-content", "--no-scan", "--json"),
        "prov": ("--json",),
        "bagit": ("--no-scan", "--json"),
    }
    said = {
        form: project.awo("export", made.run.name, "--as", form, "-o", tmp_path / form, *options).expect(0).json
        for form, options in wanted.items()
    }
    assert said["spans"]["spans"] == 12
    assert PROMPT not in (tmp_path / "spans").read_text()
    line = (tmp_path / "slsa").read_text().splitlines()[1]
    assert json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"]["withheld"] is True
    bagged = {path.name for path in (tmp_path / "bagit" / "data").iterdir()}
    assert bagged == {made.run.name, "verify.py", "verify.html"}
    writable(project.runs)
