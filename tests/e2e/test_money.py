"""A budget is never exceeded, three numbers account for every call, and nothing is paid for twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.at_stub import PRICE_IN, PRICE_OUT, SENTENCES, AtStub, classify, items, responses
from tests.e2e.installed import of_kind, unchanged, wait_for
from tests.stub.running import RunningStub, running_stub

from awo.canon.usd import picodollars

DOLLAR = 10**12


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    with running_stub(jitter_ms=20) as stub:
        yield stub


@pytest.fixture
def project(one_stub: RunningStub, tmp_path: Path) -> AtStub:
    one_stub.reset()
    return AtStub(tmp_path, one_stub)


def charged(stub: RunningStub) -> int:
    """What the provider would bill for all that it answered, in picodollars."""
    counts = stub.counts()
    return int(counts["prompt_tokens"]) * PRICE_IN + int(counts["completion_tokens"]) * PRICE_OUT


def spent(run: Path) -> int:
    """What the journal says was spent, in picodollars."""
    return sum(picodollars(event["cost"]) for event in of_kind(run, "call_answered"))


def budget(dollars: float, **more: Any) -> dict[str, Any]:
    return classify(**more) | {"budget": dollars}


def test_a_run_stops_before_it_exceeds_its_budget_and_goes_on_with_more(project: AtStub) -> None:
    rows = project.reviews()
    limit = 0.0008
    name = project.workflow(budget(limit))
    done = project.awo("run", name).expect(9)
    run = project.latest()
    assert "--budget" in done.err + done.out
    assert 0 < project.stub.counts()["answered"] < len(rows)
    (stop,) = of_kind(run, "budget_reached")
    assert picodollars(stop["spent"]) == spent(run) == charged(project.stub)
    assert spent(run) <= int(limit * DOLLAR)
    assert picodollars(stop["spent"]) + picodollars(stop["unknown"]) + picodollars(stop["worst"]) > int(limit * DOLLAR)
    assert not (run / "audit/seal.json").exists(), "a run that stands still is not sealed"

    before = project.stub.by_prompt()
    project.awo("resume", "latest", "--budget", "1").expect(0)
    assert [line["value"]["text"] for line in items(run)] == [row["text"] for row in rows]
    after = project.stub.by_prompt()
    assert {prompt: after[prompt]["arrived"] for prompt in before} == {p: c["arrived"] for p, c in before.items()}
    assert spent(run) == charged(project.stub)
    assert [event["usd"] for event in of_kind(run, "budget_set")][-1] == "1"
    project.awo("verify").expect(0)


def test_a_run_that_stands_still_for_money_stands_still_again_without_more(project: AtStub) -> None:
    project.reviews()
    project.awo("run", project.workflow(budget(0.0008))).expect(9)
    arrived = project.stub.counts()["arrived"]
    project.awo("resume", "latest").expect(9)
    assert project.stub.counts()["arrived"] == arrived


def test_a_budget_below_the_first_call_sends_nothing(project: AtStub) -> None:
    project.reviews()
    done = project.awo("run", project.workflow(budget(0.00001)))
    assert done.expect(9).err.count("error: ") <= 1
    assert project.stub.counts()["arrived"] == 0


def test_the_worst_case_is_never_below_what_a_call_costs(project: AtStub) -> None:
    project.reviews()
    project.awo("run", project.workflow(classify())).expect(0)
    run = project.latest()
    worst = {event["call"]: picodollars(event["worst_price"]) for event in of_kind(run, "call_intended")}
    for event in of_kind(run, "call_answered"):
        assert 0 < picodollars(event["cost"]) <= worst[event["call"]]
    assert spent(run) == charged(project.stub)


def test_a_model_without_a_price_is_refused_under_a_budget_unless_it_is_free(project: AtStub) -> None:
    project.reviews(3)
    unpriced = {"backend": "openai", "model": "meta-llama/llama-3.3-70b-instruct", "params": {"max_tokens": 20}}
    workflow = budget(1)
    workflow["models"]["small"] = unpriced
    project.awo("run", project.workflow(workflow)).refused(8, "price")
    assert project.stub.counts()["arrived"] == 0
    workflow["models"]["small"] = unpriced | {"price": "free"}
    project.awo("run", project.workflow(workflow)).expect(0)
    assert spent(project.latest()) == 0


def test_a_call_whose_answer_was_cut_off_is_counted_as_unknown_and_kept_apart(project: AtStub) -> None:
    project.reviews(10)
    project.stub.order("half", times=2, after=3)
    project.awo("run", project.workflow(budget(1))).expect(0)
    run = project.latest()
    failures = of_kind(run, "call_failed")
    assert [event["may_have_cost"] for event in failures] == [True, True]
    assert spent(run) == charged(project.stub)
    money = project.awo("show", "--json").expect(0).json["money"]
    worst = {event["call"]: picodollars(event["worst_price"]) for event in of_kind(run, "call_intended")}
    assert picodollars(money["spent_usd"]) == spent(run)
    assert picodollars(money["unknown_usd"]) == sum(worst[event["call"]] for event in failures)


def test_what_a_kill_left_without_outcome_stays_within_the_budget_as_unknown(project: AtStub) -> None:
    rows = project.reviews(10)
    for number in (2, 7):
        project.stub.order("hang", match=SENTENCES[number], times=1)
    limit = 0.002
    name = project.workflow(budget(limit))
    with project.start("run", name) as running:
        run = wait_for(project, "call_answered", count=8)
        assert running.kill_group()
    project.awo("resume", "latest", "--ask-again").expect(0)
    worst = {event["call"]: picodollars(event["worst_price"]) for event in of_kind(run, "call_intended")}
    money = project.awo("show", "--json").expect(0).json["money"]
    unknown = of_kind(run, "call_unknown")
    assert len(unknown) == 2
    assert picodollars(money["unknown_usd"]) == sum(worst[event["call"]] for event in unknown)
    assert picodollars(money["spent_usd"]) == spent(run) == charged(project.stub)
    assert picodollars(money["reserved_usd"]) == 0
    assert picodollars(money["unknown_usd"]) + spent(run) <= int(limit * DOLLAR)
    assert [line["value"]["text"] for line in items(run)] == [row["text"] for row in rows]
    project.awo("verify").expect(0)


def test_plan_says_what_will_be_asked_and_asks_nothing(project: AtStub) -> None:
    rows = project.reviews()
    planned = project.awo("plan", project.workflow(budget(1, matrix={"tone": ["plain", "rude"]})), "--json").expect(0)
    assert project.stub.counts()["arrived"] == 0
    assert not project.runs.exists()
    assert str(2 * len(rows)) in planned.out


def test_retry_asks_only_for_what_failed(project: AtStub) -> None:
    rows = project.reviews(12)
    project.stub.order("status", match=SENTENCES[4], status=400)
    project.stub.order("status", match=SENTENCES[9], status=400)
    project.awo("run", project.workflow(classify())).expect(6)
    run = project.latest()
    assert sorted(line["cell"] for line in responses(run)) == [n for n in range(12) if n not in (4, 9)]
    project.stub.reset()

    project.awo("retry", run).expect(0)
    assert set(project.stub.by_prompt()) == {SENTENCES[4], SENTENCES[9]}
    assert project.latest() == run
    assert [line["value"]["text"] for line in items(run)] == [row["text"] for row in rows]
    project.awo("verify").expect(0)


def test_a_sealed_run_with_tolerated_failures_is_not_changed_by_retry(project: AtStub) -> None:
    project.reviews(6)
    project.stub.order("status", match=SENTENCES[4], status=400)
    project.awo("run", project.workflow(classify(max_failed=2))).expect(0)
    assert [line["cell"] for line in items(project.latest()) if line["status"] == "failed"] == [4]
    with unchanged(project.latest()):
        assert "sealed" in project.awo("retry", "latest").expect(2).err
    project.awo("verify").expect(0)


def test_the_cache_answers_a_second_run_and_nothing_is_asked(project: AtStub) -> None:
    rows = project.reviews(10)
    name = project.workflow(classify(repeats=2))
    project.awo("run", name, "--cache").expect(0)
    first = project.latest()
    assert project.stub.counts()["arrived"] == 20
    project.stub.reset()

    project.awo("run", name, "--cache").expect(0)
    second = project.latest()
    assert project.stub.counts()["arrived"] == 0
    assert of_kind(second, "call_intended") == []
    reused = of_kind(second, "response_reused")
    assert len(reused) == 20
    assert {event["origin"]["run_id"] for event in reused} == {first.name}
    assert [line["value"]["text"] for line in items(second)] == [row["text"] for row in rows for _ in range(2)]
    assert {line["cost"] for line in responses(second)} == {"0"}
    project.awo("verify", second).expect(0)

    project.awo("run", name).expect(0)
    assert project.stub.counts()["arrived"] == 20, "without --cache everything is asked for anew"
