"""The chain of attempts that a package names fits together, or verify says where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.a_run import RUN_ID, Told, step

from awo.canon import time
from awo.canon.json import pretty
from awo.engine.folder import make_run_folder
from awo.evidence import events as ev
from awo.evidence.earlier import EarlierDecision, EarlierRun
from awo.evidence.records import InputRecord
from awo.verify.chain import ep_4_9
from awo.verify.findings import Answer
from awo.verify.journal import JournalReader
from awo.verify.limits import Limits
from awo.verify.reading import Reading, Trust

FIRST, SECOND = "run_2026-11-21T06-09-00Z", "run_2026-11-22T06-09-00Z"


def attempt(run_id: str, **changes: Any) -> EarlierRun:
    record = EarlierRun(
        run_id=run_id,
        outcome="rejected",
        checkpoint=ev.Checkpoint(size=9, root="a" * 64),
        seal_sha256="b" * 64,
        decisions=[EarlierDecision(gate="look", verdict="reject", signer="bob@example.org", sha256="c" * 64)],
        reason="No.",
        required_changes=[],
    )
    return replace(record, **changes)


def judged(supersedes: str = SECOND, beside: Path | None = None, **changes: Any) -> Answer:
    """What the check says of a run with this chain."""
    fields: dict[str, Any] = {"earlier": [attempt(FIRST), attempt(SECOND)], "revises": SECOND}
    story = Told([step("ask", "llm_map", prompt="Why?")], **(fields | changes))
    story.start()
    plan: InputRecord = story.plan
    reading = Reading("folder", Limits(), Trust(None, ""))
    reading.plan, reading.beside = plan, beside
    reading.journal = JournalReader(plan, Limits().line_bytes)
    started, *rest = story.events
    assert isinstance(started, ev.RunStarted)
    for event in (replace(started, supersedes=supersedes), *rest):
        reading.journal.feed(ev.encode(event) + b"\n")
    reading.journal.end()
    answer = Answer()
    ep_4_9(reading, answer)
    reading.spool.close()
    assert pretty(plan)
    return answer


def test_a_run_without_attempts_before_it_passes() -> None:
    assert judged(supersedes="", earlier=[], revises="").verdict == "passed"


def test_a_run_that_supersedes_another_and_names_no_attempt_is_not_checked() -> None:
    answer = judged(supersedes=FIRST, earlier=[], revises="")
    assert (answer.verdict, answer.unchecked[0].expected) == ("not_checked", FIRST)


def test_a_chain_that_fits_together_is_not_checked_further_without_its_packages() -> None:
    answer = judged()
    assert (answer.verdict, [one.what for one in answer.unchecked]) == (
        "not_checked",
        ["the packages of the earlier attempts are not at hand"],
    )


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"supersedes": FIRST}, "supersedes another"),
        ({"revises": FIRST}, "revises another"),
        ({"earlier": []}, "revises another"),
        ({"earlier": [attempt(SECOND), attempt(SECOND)]}, "twice"),
        ({"earlier": [attempt(RUN_ID), attempt(SECOND)]}, "twice"),
        ({"earlier": [attempt("../../etc"), attempt(SECOND)]}, "not called as a run is"),
        ({"rescores": SECOND}, "score one again"),
        ({"revised_from": "nowhere"}, "no step of a revision"),
        ({"revises": "", "revised_from": "ask"}, "no step of a revision"),
        ({"earlier": [attempt(FIRST), attempt(SECOND, seal_sha256="")]}, "only a sealed run"),
        ({"earlier": [attempt(FIRST), attempt(SECOND, outcome="approved")]}, "no decision says so"),
        ({"earlier": [attempt(FIRST), attempt(SECOND, decisions=[])]}, "no decision says so"),
        ({"earlier": [attempt(FIRST, outcome="fine", reason=""), attempt(SECOND)]}, "does not come to this"),
    ],
)
def test_a_chain_that_contradicts_itself_is_a_fault(wrong: dict[str, Any], says: str) -> None:
    answer = judged(**wrong)
    assert answer.verdict == "failed"
    assert any(says in one.what for one in answer.failed), answer.failed


def test_a_new_run_is_called_otherwise_than_the_attempts_before_it(tmp_path: Path) -> None:
    now = time.now()
    soon = [time.run_id_for(time.later(now, seconds)) for seconds in range(60)]
    story = Told([step("ask", "llm_map", prompt="Why?")], earlier=[attempt(name) for name in soon])
    folder, _ = make_run_folder(tmp_path, story.plan)
    assert folder.name.endswith("Z-2")
    assert folder.name.removesuffix("-2") in soon
