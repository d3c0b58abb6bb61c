"""`kill -9` again and again while a data set goes through a model: what was answered is never asked for again.

The stub counts what arrives. After each kill the requests that the journal has as answered are
noted with their counts at the stub; at the end those counts must be the same. A few kills always;
`pytest -m campaign` does fifty during one run of 2,000 calls.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.at_stub import AtStub, classify, items, responses, sentence
from tests.e2e.installed import of_kind, run_folders
from tests.stub.running import RunningStub, running_stub

KILLS_IN_CI, CALLS_IN_CI = 3, 400
KILLS_IN_CAMPAIGN, CALLS_IN_CAMPAIGN = 50, 2000
LONGEST_PART_S = 30.0


@pytest.fixture
def stub() -> Iterator[RunningStub]:
    with running_stub(delay_ms=40, jitter_ms=40) as stub:
        yield stub


def answers(run: Path) -> set[str]:
    """The prompts whose answers the journal has."""
    prompt = {line["call"]: line["messages"][-1]["content"] for line in responses(run)}
    return {prompt[event["call"]] for event in of_kind(run, "call_answered")}


def arrived(stub: RunningStub, prompts: set[str]) -> dict[str, int]:
    """How often these prompts arrived so far."""
    seen = stub.by_prompt()
    return {prompt: seen[prompt]["arrived"] for prompt in prompts}


def kill_when(project: AtStub, target: int, chance: random.Random) -> bool:
    """Runs or resumes until the stub has answered `target` calls, and kills the process a moment later."""
    folders = run_folders(project.runs)
    words = ("resume", "latest") if folders and of_kind(folders[-1], "run_started") else ("run", "w.json")
    until = time.monotonic() + LONGEST_PART_S
    with project.start(*words) as running:
        while running.is_running and project.stub.counts()["answered"] < target and time.monotonic() < until:
            time.sleep(0.003)
        time.sleep(chance.uniform(0, 0.05))
        return running.kill_group()


def tell(project: AtStub, calls: int, kills: int, seed: int) -> None:
    """A run of so many calls through so many kills, to its end."""
    chance = random.Random(seed)
    project.reviews(calls)
    model = {"limits": {"in_flight": 50}, "on_unknown": "retry"}
    project.workflow(classify(model))
    noted: list[tuple[set[str], dict[str, int]]] = []
    done = 0
    for number in range(kills):
        target = project.stub.counts()["answered"] + chance.randint(0, 2 * calls // kills - calls // kills // 2)
        done += kill_when(project, min(target, calls * (number + 1) // kills - 1), chance)
        for run in run_folders(project.runs)[-1:]:
            kept = answers(run)
            noted.append((kept, arrived(project.stub, kept)))
    assert done >= kills // 2, "too few kills found the run alive"
    project.awo("resume", "latest").expect(0)

    run = project.latest()
    for kept, counted in noted:
        assert arrived(project.stub, kept) == counted, "a call that was answered was asked for again"
    check(project, run, calls)
    unknown = len(of_kind(run, "call_unknown"))
    again = project.stub.counts()["answered"] - calls
    print(f"kills: {done}, on record at each: {[len(kept) for kept, _ in noted]}")
    print(f"unknown: {unknown}; answered by the stub, but not yet on record when the kill came: {again}")


def check(project: AtStub, run: Path, calls: int) -> None:
    """Every cell has its result once, every intent its outcome, and the stub's count agrees with the journal."""
    assert [line["value"]["text"] for line in items(run)] == [sentence(number) for number in range(calls)]
    intents, answered = of_kind(run, "call_intended"), of_kind(run, "call_answered")
    failed, unknown = of_kind(run, "call_failed"), of_kind(run, "call_unknown")
    assert len(answered) == calls
    assert len(intents) == len(answered) + len(failed) + len(unknown)
    assert calls <= project.stub.counts()["arrived"] <= len(intents)
    reasons = {event["call"]: event["because"] for event in intents}
    unknown_requests = {event["request_sha256"] for event in intents if event["call"] in {u["call"] for u in unknown}}
    for event in intents:
        if event["tries"] > 1:
            assert reasons[event["call"]]
            assert event["request_sha256"] in unknown_requests, "only what is unknown was asked for again"
    verdict = project.awo("verify", run, "--json").expect(0).json
    assert verdict["verdict"] == "passed"


@pytest.mark.parametrize("seed", [1])
def test_a_killed_run_of_calls_asks_for_no_answer_again(tmp_path: Path, stub: RunningStub, seed: int) -> None:
    tell(AtStub(tmp_path, stub), CALLS_IN_CI, KILLS_IN_CI, seed)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [1000, 1001])
def test_fifty_kills_during_one_run_of_2000_calls_ask_for_no_answer_again(
    tmp_path: Path, stub: RunningStub, seed: int
) -> None:
    """`pytest -rP` shows how many kills found the run alive, and where."""
    tell(AtStub(tmp_path, stub), CALLS_IN_CAMPAIGN, KILLS_IN_CAMPAIGN, seed)


def test_where_a_call_costs_money_an_unknown_one_is_not_asked_again_unless_told_to(
    tmp_path: Path, stub: RunningStub
) -> None:
    project = AtStub(tmp_path, stub)
    project.reviews(40)
    stub.order("hang", match=sentence(20), times=1)
    project.workflow(classify({"limits": {"in_flight": 4}}))
    with project.start("run", "w.json") as running:
        until = time.monotonic() + LONGEST_PART_S
        while stub.counts()["answered"] < 39 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)
        assert running.kill_group()
    done = project.awo("resume", "latest").expect(6)
    assert "--ask-again" in done.err
    assert stub.by_prompt()[sentence(20)]["arrived"] == 1
    assert [event["policy"] for event in of_kind(project.latest(), "call_unknown")] == ["fail"]
    assert stub.counts()["answered"] == 39
    project.awo("resume", "latest", "--ask-again").expect(0)
    assert stub.by_prompt()[sentence(20)]["arrived"] == 2
    assert stub.counts()["arrived"] == 41
    assert len(items(project.latest())) == 40
