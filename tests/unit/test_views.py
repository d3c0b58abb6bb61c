"""The views: status, the open gate and metadata, computed from facts alone."""

from __future__ import annotations

import json

import msgspec
import pytest
from tests.unit.a_run import Told, item, model, ref, reviewed_run, step, text_file

from awo.canon.json import pretty
from awo.derive.views import gate_pending, metadata, metadata_text, recorded_files, status_view
from awo.evidence import events as ev
from awo.evidence.gates import GatePending, Need
from awo.evidence.metadata import Metadata
from awo.evidence.records import NO_LIMITS, DataRecord, LimitsRecord, PriceRecord, StatusView


def at_gate() -> Told:
    told = Told([step("gate", "audit_gate")])
    told.start()
    told.begin("gate")
    told.gate("gate", [item("looked", "Have you looked?")], shows=[ref("outputs/x/output.json", b"{}")])
    return told


def test_a_run_without_a_gate_needs_no_decision() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    assert status_view(told.facts()).status == "not_required"
    told.begin("one")
    told.finish("one", {})
    told.end("completed")
    view = status_view(told.facts())
    assert (view.status, view.outcome, view.gates) == ("not_required", "completed", [])


def test_a_run_at_a_gate_is_pending() -> None:
    view = status_view(at_gate().facts())
    assert view.status == "pending"
    assert view.outcome == ""
    assert [(gate.gate, gate.status, gate.decisions) for gate in view.gates] == [("gate", "pending", [])]


@pytest.mark.parametrize(
    ("word", "verdict", "of_run"),
    [("approve", "approved", "approved"), ("reject", "rejected", "rejected"), ("revise", "revised", "rejected")],
)
def test_a_decided_gate_gives_the_run_its_status(word: str, verdict: str, of_run: str) -> None:
    told = at_gate()
    told.decide("gate", word)
    assert status_view(told.facts()).status == "pending"
    told.close("gate", verdict)
    view = status_view(told.facts())
    assert view.status == of_run
    assert view.gates[0].status == verdict
    assert view.gates[0].decisions == ["audit/decisions/0001-gate.json"]


def test_the_status_view_reads_back_as_it_was_written() -> None:
    view = status_view(reviewed_run().facts())
    assert msgspec.json.decode(pretty(view), type=StatusView) == view


def test_an_open_gate_tells_what_it_asks_and_shows() -> None:
    told = at_gate()
    facts = told.facts()
    request = told.requests["outputs/gate/gate.json"]
    pending = gate_pending(facts, request, facts.gates[0].checkpoint)
    assert pending.checklist == request.checklist
    assert pending.missing == request.needs
    assert [file.path for file in pending.shows] == ["outputs/x/output.json"]
    assert pending.checkpoint.size == 4
    assert msgspec.json.decode(pretty(pending), type=GatePending) == pending


def test_what_the_policy_says_is_missing_is_shown() -> None:
    told = at_gate()
    facts = told.facts()
    request = told.requests["outputs/gate/gate.json"]
    assert gate_pending(facts, request, facts.checkpoint, []).missing == []
    more = [Need(role="statistician", count=2)]
    assert gate_pending(facts, request, facts.checkpoint, more).missing == more


def test_a_gate_that_does_not_wait_is_not_pending() -> None:
    told = reviewed_run()
    request = told.requests["outputs/gate/gate.json"]
    with pytest.raises(ValueError, match="does not wait"):
        gate_pending(told.facts(), request, told.facts().checkpoint)


def test_metadata_names_seeds_models_hashes_and_the_machine() -> None:
    told = reviewed_run()
    facts = told.facts()
    found = metadata(facts)
    assert found["format"] == "awo/metadata/v1"
    assert found["seeds"] == {"run": 7, "models": {"first": 1, "second": 2, "warm": 3}}
    first, *_, echo = found["models"]
    assert first["asked"] == {
        "backend": "llama",
        "model": "smollm2",
        "params": {"temperature": 0.0, "max_tokens": 60},
        "seed": 1,
    }
    assert first["facts"]["weights_sha256"] == "a" * 64
    none = dict.fromkeys(("failed", "unknown", "recovered", "reused", "retried", "open"), 0)
    assert first["calls"] == {"answered": 1} | none
    assert first["price"] is None
    assert first["limits"] == msgspec.to_builtins(NO_LIMITS)
    assert echo["name"] == "echo"
    assert echo["asked"]["backend"] == "echo"
    assert found["environment"]["git"]["is_dirty"] is True
    assert found["journal"] == {
        "events": len(told.events),
        "checkpoint": {"size": len(told.events), "root": facts.checkpoint.root},
    }
    assert found["counts"]["steps"]["done"] == 8
    assert found["counts"]["steps"]["total"] == 9
    assert found["read"]["claim.yaml"] == told.plan.files[0].sha256
    assert found["started_at"] < found["ended_at"]


def test_metadata_has_prices_limits_money_and_data_sets() -> None:
    price = PriceRecord(input_usd_per_mtok="1.5", output_usd_per_mtok="6", source="the workflow")
    limits = LimitsRecord(in_flight=8, requests_per_minute=600, tokens_per_minute=0, tries=3, timeout_s=30.0)
    table = text_file("rows.csv", "id,text\n1,a\n")
    told = Told(
        [step("one", "llm_map")],
        models={"m": model("openai", "gpt", price=price, limits=limits)},
        data={"rows": DataRecord(path="rows.csv", format="csv", id_column="id", rows=1, columns=["id", "text"])},
        files=[table],
        budget_usd="2",
    )
    told.start()
    told.begin("one")
    told.answer("one", "m", "?", "!", worst_price="0.01", cost="0.0025")
    told.lose("one", told.call("one", "m", worst_price="0.01"))
    told.say(ev.LimitChanged, model="m", in_flight=4, reason=ev.Reason(code="rate_limited", message="429"))
    told.say(ev.BudgetReached, step="one", budget="2", spent="0.0025", unknown="0.01", worst="3")
    found = metadata(told.facts())
    amounts = {"spent_usd": "0.0025", "reserved_usd": "0", "unknown_usd": "0.01", "unpriced_calls": 0}
    assert found["money"] == {"budget_usd": "2"} | amounts
    (one,) = found["models"]
    assert one["money"] == amounts
    assert one["price"] == {"input_usd_per_mtok": "1.5", "output_usd_per_mtok": "6", "source": "the workflow"}
    assert one["limits"]["requests_per_minute"] == 600
    assert found["data"] == {"rows": {"path": "rows.csv", "format": "csv", "rows": 1, "sha256": table.sha256}}
    assert (found["counts"]["limit_changes"], found["counts"]["budget_stops"]) == (1, 1)
    assert msgspec.convert(found | {"hashes": {}}, Metadata).money.budget_usd == "2"


def test_metadata_hashes_every_file_that_the_journal_names_once() -> None:
    told = reviewed_run()
    written = json.loads(b"".join(metadata_text(told.facts())))
    assert msgspec.convert(written, Metadata).hashes == written["hashes"]
    hashes = written.pop("hashes")
    assert written == metadata(told.facts())
    named: set[str] = set()
    for event in told.events:
        for value in msgspec.to_builtins(event).values():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict) and set(part) == {"path", "sha256", "size_bytes"}:
                    named.add(part["path"])
                    assert hashes[part["path"]] == part["sha256"]
    assert set(hashes) == named
    assert len(list(recorded_files(told.facts()))) == len(named)


def test_metadata_is_json_and_the_same_each_time() -> None:
    assert pretty(metadata(reviewed_run().facts())) == pretty(metadata(reviewed_run().facts()))


def test_machines_after_the_first_are_told_apart() -> None:
    told = Told([step("one", "llm_map")], files=[text_file("a.txt", "a")])
    told.start(environment={"cpu": "one"})
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2"))
    told.say(ev.EnvironmentRecorded, environment={"cpu": "two"})
    found = metadata(told.facts())
    assert found["environment"] == {"cpu": "one"}
    assert [one["environment"] for one in found["environments_after_resume"]] == [{"cpu": "two"}]
    assert found["counts"]["resumes"] == 1
    assert found["ended_at"] == ""
