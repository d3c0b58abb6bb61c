"""Steps that fan out: order, failures that are kept, money that is never exceeded, and answers never bought twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conformance.engine.a_fan_out import DOLLARS, Project, Scripted, events, items, quick, script, texts

from awo.canon.usd import picodollars
from awo.errors import UsageError
from awo.evidence import events as ev
from awo.evidence.records import ResponseLine
from awo.inference.seam import ModelFailed


async def upper(prompt: str, before: int) -> str:
    return prompt.upper()


def busy(code: Any = "overloaded", **more: Any) -> ModelFailed:
    return ModelFailed("busy", is_transient=True, code=code, **more)


def test_results_stand_in_the_order_of_the_rows_whatever_the_order_of_arrival(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(3)
    arrived: list[str] = []

    async def answer(prompt: str, before: int) -> str:
        await asyncio.sleep(chance.random() / 200)
        arrived.append(prompt)
        return prompt.upper()

    script(monkeypatch, answer)
    project = Project(tmp_path, texts(60))
    ended = project.run()
    assert ended.outcome == "completed"
    assert arrived != [row["text"] for row in project.rows]
    assert [item.value["text"] for item in items(ended.folder)] == [f"ROW {number}" for number in range(60)]
    assert [item.cell for item in items(ended.folder)] == list(range(60))
    value = msgspec.json.decode((ended.folder / "outputs/ask/output.json").read_bytes())
    assert value == {"cells": 60, "done": 60, "failed": 0, "path": "outputs/ask/items.jsonl"}


def test_no_more_calls_are_in_flight_than_the_limit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(prompt: str, before: int) -> str:
        await asyncio.sleep(0.001)
        return prompt

    script(monkeypatch, answer)
    Project(tmp_path, texts(50), model={"limits": quick(in_flight=3)}).run()
    assert Scripted.most_in_flight == 3


def test_every_combination_and_repeat_is_a_request_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, upper)
    project = Project(
        tmp_path,
        texts(2),
        cells={"matrix": {"tone": ["kind", "curt"], "n": [1, 2]}, "repeats": 3},
        args={"prompt": "{{ item.text }} {{ matrix.tone }} {{ matrix.n }}"},
    )
    ended = project.run()
    found = [(item.row["text"], item.matrix["tone"], item.matrix["n"], item.repeat) for item in items(ended.folder)]
    wanted = [(r, t, n, k) for r in ("row 0", "row 1") for t in ("kind", "curt") for n in (1, 2) for k in range(3)]
    assert found == wanted
    intents = events(ended.folder, ev.CallIntended)
    assert len({intent.request_sha256 for intent in intents}) == len(intents) == 24


def test_a_failure_that_passes_is_tried_again_as_a_call_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(prompt: str, before: int) -> str:
        if before == 0:
            raise busy("rate_limited")
        return prompt

    monkeypatch.setattr("awo.engine.calls.backoff_s", lambda tries, wanted, chance: 0.0)
    script(monkeypatch, answer)
    ended = Project(tmp_path, texts(3), model={"limits": msgspec.structs.replace(quick(), tries=2)}).run()
    assert ended.outcome == "completed"
    told = Counter((intent.tries, intent.because) for intent in events(ended.folder, ev.CallIntended))
    assert told == {(1, ""): 3, (2, "rate_limited"): 3}
    assert [event.reason.code for event in events(ended.folder, ev.CallFailed)] == ["rate_limited"] * 3


def test_cells_that_fail_are_kept_and_counted_and_fail_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(prompt: str, before: int) -> str:
        if prompt in ("row 2", "row 4"):
            raise ModelFailed("refused", is_transient=False, code="bad_request")
        return prompt

    script(monkeypatch, answer)
    ended = Project(tmp_path, texts(6)).run()
    assert ended.outcome == "failed"
    (failed,) = events(ended.folder, ev.StepFailed)
    assert failed.reason.code == "items"
    assert [ref.path for ref in failed.files] == ["outputs/ask/attempt-1/items.jsonl"]
    kept = (ended.folder / "outputs/ask/attempt-1/items.jsonl").read_bytes().splitlines()
    states = [msgspec.json.decode(line)["status"] for line in kept]
    assert states == ["done", "done", "failed", "done", "failed", "done"]


def test_a_tolerated_failure_leaves_the_step_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(prompt: str, before: int) -> str:
        if prompt == "row 2":
            raise ModelFailed("refused", is_transient=False, code="bad_request")
        return prompt

    script(monkeypatch, answer)
    ended = Project(tmp_path, texts(4), cells={"max_failed": 1}).run()
    assert ended.outcome == "completed"
    assert [item.reason.code if item.reason else "" for item in items(ended.folder)] == ["", "", "bad_request", ""]


def test_a_model_that_answers_nobody_ends_the_step_at_once_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(prompt: str, before: int) -> str:
        if prompt == "row 20":
            raise ModelFailed("the key is wrong", is_transient=False, code="auth", concerns_model=True)
        await asyncio.sleep(0.002)
        return prompt

    script(monkeypatch, answer)
    ended = Project(tmp_path, texts(500), model={"limits": quick(in_flight=5)}).run()
    assert ended.outcome == "failed"
    (failed,) = events(ended.folder, ev.StepFailed)
    assert (failed.reason.code, failed.reason.message) == ("auth", "m: the key is wrong")
    intents, answered = events(ended.folder, ev.CallIntended), events(ended.folder, ev.CallAnswered)
    assert len(intents) < 40
    assert len(answered) == len(intents) - 1


def test_a_resumed_run_asks_only_for_what_has_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(prompt: str, before: int) -> str:
        if before == 0 and prompt.endswith(("3", "7")):
            raise ModelFailed("refused", is_transient=False, code="bad_request")
        return prompt

    script(monkeypatch, answer)
    project = Project(tmp_path, texts(10))
    ended = project.run()
    assert ended.outcome == "failed"
    told: list[Any] = []
    again = project.resume(ended.folder, only_failed=True, tell=told.append)
    assert again.outcome == "completed"
    assert Scripted.asked == {f"row {n}": 2 if n in (3, 7) else 1 for n in range(10)}
    assert [(one.step, one.why, one.reused, one.unknown) for one in told] == [("ask", "failed", 8, 0)]
    assert [item.value["text"] for item in items(ended.folder)] == [f"row {n}" for n in range(10)]


def test_only_a_run_with_failed_steps_can_be_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, upper)
    project = Project(
        tmp_path, texts(3), changes={"budget_usd": "0.1"}, model={"price": DOLLARS, "limits": quick(in_flight=1)}
    )
    ended = project.run()
    assert ended.outcome == "paused"
    with pytest.raises(UsageError, match="no step of this run has failed"):
        project.resume(ended.folder, only_failed=True)


# --- money ---------------------------------------------------------------------------------------------------


def test_the_budget_is_never_exceeded_and_the_run_goes_on_with_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, upper)
    project = Project(
        tmp_path, texts(20), changes={"budget_usd": "0.75"}, model={"price": DOLLARS, "limits": quick(in_flight=4)}
    )
    ended = project.run()
    assert ended.outcome == "paused"
    assert ended.over_budget is not None
    assert (ended.over_budget.spent, ended.over_budget.unknown, ended.over_budget.worst) == ("0.7", "0", "0.1")
    assert len(Scripted.asked) == 7
    again = project.resume(ended.folder, budget_usd="2")
    assert again.outcome == "completed"
    assert set(Scripted.asked.values()) == {1}
    assert sum(picodollars(event.cost) for event in events(ended.folder, ev.CallAnswered)) == picodollars("2")
    assert [event.usd for event in events(ended.folder, ev.BudgetSet)] == ["2"]


def test_a_budget_below_the_first_call_buys_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, upper)
    ended = Project(tmp_path, texts(3), changes={"budget_usd": "0.05"}, model={"price": DOLLARS}).run()
    assert ended.outcome == "paused"
    assert Scripted.asked == {}
    assert events(ended.folder, ev.CallIntended) == []


def test_a_call_that_may_have_been_paid_for_stays_in_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(prompt: str, before: int) -> str:
        if prompt == "row 0":
            raise ModelFailed("half an answer", is_transient=True, code="cut_off", may_have_cost=True)
        return prompt

    script(monkeypatch, answer)
    project = Project(
        tmp_path,
        texts(9),
        changes={"budget_usd": "0.5"},
        model={"price": DOLLARS, "limits": quick(in_flight=1)},
        cells={"max_failed": 9},
    )
    ended = project.run()
    assert ended.over_budget is not None
    assert (ended.over_budget.spent, ended.over_budget.unknown) == ("0.4", "0.1")


# --- answers of other runs -----------------------------------------------------------------------------------


def test_with_the_cache_an_equal_request_of_an_earlier_run_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, upper)
    first = Project(tmp_path, texts(5)).run()
    second = Project(tmp_path, texts(7), changes={"cache": True}).run()
    assert Scripted.asked == {f"row {n}": 1 for n in range(7)}
    reused = events(second.folder, ev.ResponseReused)
    assert {event.origin.run_id for event in reused} == {first.folder.name}
    assert len(reused) == 5
    assert len(events(second.folder, ev.CallIntended)) == 2
    assert [item.value["text"] for item in items(second.folder)] == [f"ROW {n}" for n in range(7)]
    third = Project(tmp_path, texts(5)).run()
    assert events(third.folder, ev.ResponseReused) == []
    assert Scripted.asked["row 0"] == 2


def test_equal_rows_are_all_answered_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, upper)
    Project(tmp_path, [{"text": "same"}] * 3).run()
    second = Project(tmp_path, [{"text": "same"}] * 4, changes={"cache": True}).run()
    assert events(second.folder, ev.CallIntended) == []
    assert len(events(second.folder, ev.ResponseReused)) == 4


def test_another_repeat_is_another_request_for_the_cache_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, upper)
    Project(tmp_path, texts(1)).run()
    second = Project(tmp_path, texts(1), changes={"cache": True}, cells={"repeats": 3}).run()
    assert len(events(second.folder, ev.ResponseReused)) == 1
    assert len(events(second.folder, ev.CallIntended)) == 2


def test_an_altered_answer_is_no_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, upper)
    first = Project(tmp_path, texts(1)).run()
    path = first.folder / "outputs/ask/responses.jsonl"
    path.write_bytes(path.read_bytes().replace(b"ROW 0", b"ROW 9"))
    second = Project(tmp_path, texts(1), changes={"cache": True}).run()
    assert events(second.folder, ev.ResponseReused) == []
    assert items(second.folder)[0].value["text"] == "ROW 0"


def test_each_request_of_a_fan_out_has_a_seed_of_its_own_and_the_same_one_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, upper)
    project = Project(tmp_path, texts(20), cells={"repeats": 3})
    seeds = [seeds_of(project.run().folder) for _ in range(2)]
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0].values())) == 60
    assert all(0 <= seed < 2**31 for seed in seeds[0].values())


def test_a_step_that_sets_a_seed_sends_it_with_the_repeat_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, upper)
    project = Project(tmp_path, texts(4), cells={"repeats": 2}, args={"params": {"seed": 11}})
    assert {repeat: seed for (_, repeat), seed in seeds_of(project.run().folder).items()} == {0: 11, 1: 12}


def seeds_of(folder: Path) -> dict[tuple[str, int], int]:
    """The seed of each request, by what was asked and the repeat."""
    lines = (folder / "outputs/ask/responses.jsonl").read_bytes().splitlines()
    found = [msgspec.json.decode(line, type=ResponseLine) for line in lines]
    return {(line.messages[-1].content, line.repeat): line.seed for line in found}
