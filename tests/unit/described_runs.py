"""Runs as forms are given them, from told ones and without a disk: the files are those that the events name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
from tests.unit.a_run import BEGIN_US, KEY, RUN_ID, Told, model, ref, step

from awo.canon.time import spell
from awo.engine.reading import refs_of
from awo.evidence.events import Checkpoint, FileRef, Software, Starter
from awo.evidence.layout import JOURNAL, METADATA, NOT_IN_SUMS, REPORT, file_path
from awo.evidence.records import Seal
from awo.publish.described.shapes import CallGroup, Described, RecordedDecision
from awo.publish.described.tally import CallTally

OTHERS = (REPORT, METADATA, JOURNAL, *sorted(NOT_IN_SUMS))


def described(told: Told, **changes: Any) -> Described:
    """What `describe` would say of this run, had it a folder and a seal."""
    tally, named = CallTally(), {path: ref(path, path.encode()) for path in OTHERS}
    for event in told.events:
        tally.add(event)
        named |= {one.path: one for one in refs_of(event)}
    facts = told.facts()
    recorded = {one.decision.path: one.decision.sha256 for gate in facts.gates for one in gate.decisions}
    found = Described(
        facts=facts,
        groups=tally.groups([one.record.id for one in facts.steps]),
        decisions=tuple(RecordedDecision(path, recorded[path], one) for path, one in told.decisions.items()),
        files=tuple(named[path] for path in sorted(named)),
        seal=seal(told),
        seal_sha256="5" * 64,
        withheld=False,
    )
    return replace(found, **changes)


def seal(told: Told) -> Seal:
    """A seal over this run, signed by nobody."""
    return Seal(
        format="awo/seal/v1",
        run_id=RUN_ID,
        outcome=told.facts().outcome or "abandoned",  # type: ignore[arg-type]
        checkpoint=Checkpoint(size=len(told.events), root="0" * 64),
        sums_sha256="0" * 64,
        disclosure_sha256="0" * 64,
        at=spell(BEGIN_US + 3_600_000_000),
        software=Software(name="awo", version="2.0"),
        sealer=Starter(id="alice@example.org", key=KEY),
        supersedes="",
    )


def large(*, steps: int = 1, models: int = 1, responses: int = 0, files: int = 0) -> Described:
    """A run of so many steps, each with as many models; responses and files are shared out among the steps.

    Its journal is not told call by call: only the counts of the groups are large.
    """
    names = [f"model {number}" for number in range(models)]
    told = Told(
        [step(f"s{number:05d}", "llm_map", prompt="?") for number in range(steps)],
        models={name: model("openai", "m", params={"temperature": 0.5}) for name in names},
    )
    told.start()
    for number in range(steps):
        told.begin(f"s{number:05d}")
        told.finish(f"s{number:05d}", {"n": number})
    told.end("completed")
    share = responses // (steps * models)
    groups = (
        CallGroup(f"s{number:05d}", name, answered=share, first_at=spell(BEGIN_US), last_at=spell(BEGIN_US))
        for number in range(steps)
        for name in names
    )
    added = [
        ref(file_path(f"s{number % steps:05d}", f"artifact-{number:06d}.jsonl"), b"%d" % number)
        for number in range(files)
    ]
    base = described(told)
    return replace(base, groups=tuple(groups) if responses else (), files=sorted_files([*base.files, *added]))


def sorted_files(files: Iterable[FileRef]) -> tuple[FileRef, ...]:
    """In the order of their paths."""
    return tuple(sorted(files, key=lambda one: one.path))


def renamed(base: Described, name: str) -> Described:
    """The same run of a workflow of another name."""
    facts = msgspec.structs.replace(base.facts, input=msgspec.structs.replace(base.facts.input, name=name))
    return replace(base, facts=facts)
