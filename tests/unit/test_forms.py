"""The forms of a run without a disk: bounds, hostile names, what failed, and what was not recorded."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from typing import Any, Final

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.a_run import KEY, RUN_ID, Told, model, response, step
from tests.unit.described_runs import described, large

from awo.canon.json import canonical, parse_canonical
from awo.evidence import events as ev
from awo.evidence.layout import OUTPUTS, REPORT, SEAL, SUMS
from awo.evidence.records import ResponseLine
from awo.evidence.run_statement import RunStatement
from awo.evidence.schemas import schema_of
from awo.publish.about.shapes import NOTHING, About, Creator
from awo.publish.described.shapes import Described
from awo.publish.forms import gen_ai
from awo.publish.forms.bagit import _manifest, _told
from awo.publish.forms.otlp import Lines, attributes, value
from awo.publish.forms.prov import document_of
from awo.publish.forms.prov_document import local
from awo.publish.forms.run_statement import run_statement, subject_files
from awo.publish.forms.slsa import provenance_of
from awo.publish.forms.spans import _Trace

COMMIT: Final = "0123456789abcdef" * 2 + "01234567"
WEIGHTS: Final = "ab" * 32
LOCAL_NAME: Final = re.compile(
    r"(?:[A-Za-z0-9_/]|%[0-9A-F]{2})(?:(?:[A-Za-z0-9_./-]|%[0-9A-F]{2})*(?:[A-Za-z0-9_/-]|%[0-9A-F]{2}))?"
)
"""What of PROV-N's PN_LOCAL our names use."""


def told(**facts: Any) -> Told:
    """A run with one call that was answered, one that failed, and one of which nobody knows."""
    run = Told(
        [step("ask", "llm_map", prompt="?")], models={"m": model("openai", "gpt-x", params={"temperature": 0.5})}
    )
    run.start(environment={"git": {"commit": COMMIT, "is_dirty": True, "diff_sha256": "d" * 64, **facts}})
    run.say(ev.ModelRecorded, model="m", facts={"endpoint": "http://127.0.0.1:8000/v1", "weights_sha256": WEIGHTS})
    run.begin("ask")
    run.answer("ask", "m", "Good?", "yes")
    reason = ev.Reason(code="timeout", message="no answer within 600 s")
    run.say(ev.CallFailed, step="ask", call=run.call("ask", "m"), reason=reason, may_have_cost=True, exchange=None)
    run.say(ev.CallUnknown, step="ask", call=run.call("ask", "m"), policy="retry", exchange=None)
    run.finish("ask", {"text": "yes"})
    run.end("completed")
    return run


# --- slsa ------------------------------------------------------------------------------------------------


def sealed(run: Described) -> Any:
    assert run.seal is not None
    return run.seal


def statement(run: Described, key: str = KEY) -> RunStatement:
    return run_statement(run, sealed(run), key)


def test_the_statement_of_a_run_is_canonical_follows_its_schema_and_reads_back() -> None:
    made = statement(described(told()))
    data = canonical(made)
    assert parse_canonical(data, RunStatement, where="test") == made
    validator = jsonschema_rs.Draft202012Validator(schema_of("run-statement"))
    plain = msgspec.json.decode(data)
    assert [str(fault) for fault in validator.iter_errors(plain)] == []
    assert not validator.is_valid(plain | {"predicateType": "urn:awo:predicate:run:v2"})
    said = made.predicate
    assert (said.calls.answered, said.calls.failed, said.calls.unknown) == (1, 1, 1)
    assert said.models[0].weights_sha256 == WEIGHTS


@pytest.mark.parametrize(("key", "id_"), [(KEY, "alice@example.org"), ("SHA256:" + "o" * 43, "")])
def test_the_attester_has_a_name_only_where_the_key_is_the_sealers(key: str, id_: str) -> None:
    assert statement(described(told()), key).predicate.attester.id == id_


def test_outputs_are_subjects_as_long_as_they_are_a_thousand_and_then_none_is() -> None:
    few, many = large(files=998), large(files=1_000)
    assert [file.path for file in subject_files(few)][:2] == [SEAL, SUMS]
    assert len(subject_files(few)) == 2 + 1_000  # the files, the value of the step and the report
    assert {file.path.split("/")[0] for file in subject_files(few)[2:]} == {OUTPUTS, REPORT}
    assert [file.path for file in subject_files(many)] == [SEAL, SUMS]
    internal = provenance_of(many, sealed(many)).predicate.build_definition.internal_parameters
    assert (internal["outputs"], internal["outputsAreSubjects"]) == (1_002, False)
    assert statement(many).predicate.left_out.subjects == 1_002


def test_a_statement_of_very_many_groups_is_bounded_and_says_how_many_it_leaves_out() -> None:
    run = large(steps=400, models=3, responses=100_000)
    said = statement(run).predicate
    assert (len(said.call_groups), said.left_out.call_groups) == (1_000, 200)
    assert len(canonical(statement(run))) < 500_000


def dependencies(run: Described) -> dict[str, dict[str, Any]]:
    found = json.loads(canonical(provenance_of(run, sealed(run))))["predicate"]["buildDefinition"]
    return {one["name"]: one for one in found["resolvedDependencies"]}


def test_models_have_the_digest_of_their_weights_and_the_repository_its_commit() -> None:
    found = dependencies(described(told(remote="https://example.org/a b.git")))
    assert found["m"]["digest"] == {"sha256": WEIGHTS}
    assert found["m"]["uri"] == "urn:awo:model:openai/gpt-x"
    assert found["repository"]["digest"] == {"gitCommit": COMMIT}
    assert found["repository"]["uri"] == f"git+https://example.org/a%20b.git@{COMMIT}"
    assert found["repository"]["annotations"]["uncommitted"] == "d" * 64


@pytest.mark.parametrize("facts", [{"commit": "none"}, {"commit": "../../x"}, {"commit": 7}, {"commit": "A" * 40}])
def test_a_commit_that_is_none_is_left_out(facts: dict[str, Any]) -> None:
    assert "repository" not in dependencies(described(told(**facts)))


@pytest.mark.parametrize("said", ["", "ab", 7, ["a"], "Z" * 64, None])
def test_weights_that_are_no_digest_are_left_out(said: Any) -> None:
    run = Told([step("ask", "llm_map", prompt="?")], models={"m": model("openai", "gpt-x")})
    run.start()
    run.say(ev.ModelRecorded, model="m", facts={"weights_sha256": said})
    run.end("completed")
    found = described(run)
    assert "digest" not in dependencies(found)["m"]
    assert statement(found).predicate.models[0].weights_sha256 == ""


# --- prov ------------------------------------------------------------------------------------------------


@given(st.lists(st.text(st.characters(codec=None)), max_size=3))
def test_every_name_is_a_valid_local_name(names: list[str]) -> None:
    made = local("file", *names)
    assert LOCAL_NAME.fullmatch(made), made
    assert made.isascii()


@given(st.lists(st.text(), min_size=1, max_size=2), st.lists(st.text(), min_size=1, max_size=2))
def test_two_texts_never_have_one_name(one: list[str], other: list[str]) -> None:
    assert (local("file", *one) == local("file", *other)) == (one == other)


def test_a_hostile_file_name_is_text_in_the_label_and_harmless_in_the_name() -> None:
    path = 'outputs/ask/files/a,b;c)"<x>\udcff..'
    base = described(told())
    run = replace(base, files=(*base.files, ev.FileRef(path=path, sha256="0" * 64, size_bytes=3)))
    document = document_of(run).as_dict()
    assert json.loads(json.dumps(document).encode())["entity"]
    (name,) = [name for name, one in document["entity"].items() if "a,b;c" in str(one.get("prov:label"))]
    assert LOCAL_NAME.fullmatch(name.removeprefix("run:"))
    assert "\ufffd" in document["entity"][name]["prov:label"]


def test_a_large_package_is_told_in_groups_and_every_end_of_a_relation_is_there() -> None:
    run = large(steps=600, models=2, responses=100_000, files=20_000)
    document = document_of(run).as_dict()
    assert len(json.dumps(document)) < 1_000_000
    known = {name for kind in ("entity", "activity", "agent") for name in document[kind]}
    for kind in set(document) - {"prefix", "entity", "activity", "agent"}:
        for one in document[kind].values():
            assert {end for key, end in one.items() if key != "prov:role"} <= known, one


# --- spans -----------------------------------------------------------------------------------------------


class FromMemory:
    """Gives the responses of a told run, as `ResponseReader` does of a folder."""

    def __init__(self, run: Told) -> None:
        self._lines = {id_: iter(lines) for id_, lines in run.lines.items()}

    def next(self, event: ev.CallAnswered | ev.ResponseReused) -> ResponseLine:
        return next(self._lines[event.step])


def spans(run: Told, *, has_content: bool = False) -> list[dict[str, Any]]:
    out = io.BytesIO()
    lines = Lines(out, "a" * 32, {}, {})
    trace = _Trace(described(run), "a" * 32, lines, FromMemory(run), has_content=has_content)  # type: ignore[arg-type]
    for event in run.events:
        trace.take(event)
    trace.end()
    lines.flush()
    requests = [json.loads(line) for line in out.getvalue().splitlines()]
    return [span for one in requests for span in one["resourceSpans"][0]["scopeSpans"][0]["spans"]]


def flat(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_a_failed_call_and_one_that_nobody_knows_of_are_spans_with_an_error() -> None:
    calls = {flat(one)["awo.call.outcome"]: one for one in spans(told()) if one["name"].startswith("chat ")}
    assert set(calls) == {"answered", "failed", "unknown"}
    assert "status" not in calls["answered"]
    assert calls["failed"]["status"] == {"code": 2, "message": "no answer within 600 s"}
    assert flat(calls["failed"])["error.type"] == "timeout"
    assert flat(calls["unknown"])["error.type"] == "outcome_unknown"
    assert {one["kind"] for one in calls.values()} == {3}


def test_a_call_of_a_server_says_where_it_was_and_how_it_was_asked() -> None:
    failed = next(flat(one) for one in spans(told()) if "error.type" in flat(one))
    assert (failed["server.address"], failed["server.port"]) == ("127.0.0.1", "8000")
    assert (failed["gen_ai.provider.name"], failed["gen_ai.request.model"]) == ("openai", "gpt-x")
    assert failed["gen_ai.request.temperature"] == 0.5


def test_what_has_no_end_ends_where_the_journal_does() -> None:
    run = Told([step("ask", "llm_map", prompt="?")], models={"m": model("echo", "echo")})
    run.start()
    run.begin("ask")
    run.call("ask", "m")
    found = spans(run)
    assert [one["name"] for one in found] == ["chat echo", "llm_map ask", "run A small run"]
    assert len({one["endTimeUnixNano"] for one in found}) == 1
    assert flat(found[0])["awo.call.outcome"] == "open"
    assert flat(found[-1])["awo.run.id"] == RUN_ID


def test_texts_are_left_out_unless_they_are_asked_for() -> None:
    assert "Good?" not in json.dumps(spans(told()))
    full = json.dumps(spans(told(), has_content=True))
    assert "Good?" in full
    assert '"finish_reason"' in full


@pytest.mark.parametrize("count", ["prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"])
def test_counts_that_a_model_did_not_give_are_left_out(count: str) -> None:
    line = response("ask", "0", "m", "?", "!")
    usage = msgspec.structs.replace(line.usage, prompt_tokens=-1, completion_tokens=-1)
    bare = gen_ai.of_response(msgspec.structs.replace(line, usage=usage))
    assert not [name for name in bare if name.startswith("gen_ai.usage.")]
    given = gen_ai.of_response(msgspec.structs.replace(line, usage=msgspec.structs.replace(usage, **{count: 0})))
    assert [one for name, one in given.items() if name.startswith("gen_ai.usage.")] == [0]


@pytest.mark.parametrize(
    "endpoint", [None, 7, "", "no address", "http://[broken", "http://host:99999/v1", "http://host:port/"]
)
def test_an_endpoint_that_is_no_address_says_nothing_of_a_server(endpoint: Any) -> None:
    assert "server.address" not in gen_ai.of_request("m", None, {"endpoint": endpoint})


def test_values_are_spelled_as_otlp_has_them() -> None:
    assert value(True) == {"boolValue": True}
    assert value(2**53) == {"intValue": str(2**53)}
    assert value(2**64) == {"stringValue": str(2**64)}
    assert value({"a": [1.5, "x"]}) == {
        "kvlistValue": {
            "values": [{"key": "a", "value": {"arrayValue": {"values": [{"doubleValue": 1.5}, {"stringValue": "x"}]}}}]
        }
    }
    assert attributes({"a": "", "b": None, "c": 0}) == [{"key": "c", "value": {"intValue": "0"}}]


# --- bagit -----------------------------------------------------------------------------------------------


def info(run: Described, about: About) -> list[tuple[str, str]]:
    return list(_told(run, about, sealed(run)))


def test_no_text_of_authors_or_workflows_can_add_a_line_to_bag_info() -> None:
    hostile = About(
        title="x\nPayload-Oxum: 1.1",
        description="",
        creators=(Creator(name="A\r\nB", is_organization=True), Creator(name="C", affiliation="D")),
    )
    found = info(described(told()), hostile)
    assert not [value for _, value in found if not value.isprintable()]
    assert [value for label, value in found if label == "Source-Organization"] == ["A B"]
    assert "Payload-Oxum" not in [label for label, _ in found]


def test_bag_info_leaves_out_what_nobody_said_and_cuts_what_is_too_long() -> None:
    labels = [label for label, _ in info(described(told()), NOTHING)]
    assert "Source-Organization" not in labels
    assert labels.count("External-Identifier") == 1
    longest = dict(info(described(told()), About(description="x" * 9_000)))["External-Description"]
    assert (len(longest), longest[-1]) == (500, "…")


def test_a_manifest_is_sorted_and_spells_names_as_the_rfc_has_it() -> None:
    made = _manifest({"data/b": "2" * 64, "data/a%41\n.txt": "1" * 64})
    assert made.decode().splitlines() == [f"{'1' * 64}  data/a%2541%0A.txt", f"{'2' * 64}  data/b"]
