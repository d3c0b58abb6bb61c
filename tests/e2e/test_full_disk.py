"""A disk that takes only so many bytes a file: the run stops with 7, says what to do, and goes on when there is room.

The limit is the kernel's own (RLIMIT_FSIZE): a write across it is cut short and the next one fails,
as on a full disk. The sizes strike at the journal, the responses, the outputs, the views and the bundle.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.installed import Project, events, of_kind, run_folders, unchanged

LINES = 12
WORKFLOW = (
    "name: much\nsteps:\n"
    + "".join(
        f"  - {{id: fan{n}, op: fanout_generate, prompt: '{n} {'long ' * 60}', models: [echo, upper, reverse]}}\n"
        for n in range(LINES)
    )
    + f"  - {{id: keep, op: write_text, path: kept.txt, text: '{'kept ' * 1000}'}}\n"
)


def room_for(size_bytes: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


@pytest.mark.parametrize("size_bytes", [700, 1_500, 3_000, 4_500, 5_500, 9_000, 13_000, 20_000])
def test_a_full_disk_stops_the_run_without_loss_and_it_goes_on_when_there_is_room(
    project: Project, size_bytes: int
) -> None:
    project.write("much.yaml", WORKFLOW)
    project.awo("run", "much.yaml", before=room_for(size_bytes)).refused(7, "got: File too large")
    told = [whole_lines(folder) for folder in run_folders(project.runs)]
    if not told or not told[0]:
        project.awo("run", "much.yaml").expect(0)
    else:
        project.awo("resume").expect(0)
        assert (project.latest() / "audit/journal.jsonl").read_bytes().startswith(told[0])
    run = project.latest()
    answered = of_kind(run, "call_answered")
    assert len(answered) == len({(event["step"], event["line"]) for event in answered}) == 3 * LINES
    assert events(run)[-1]["kind"] == "run_finished"
    project.awo("verify").expect(0)


def whole_lines(folder: Path) -> bytes:
    path = folder / "audit/journal.jsonl"
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]


@pytest.mark.parametrize("size_bytes", [100, 1_000, 2_500, 6_000, 8_500])
def test_a_decision_that_finds_no_room_is_either_not_made_or_made_whole(at_gate: Project, size_bytes: int) -> None:
    run = at_gate.latest()
    arguments = ("--key", at_gate.key, "--as", "alice@example.org", "--answer", "read=yes", "--answer", "fair=yes")
    done = at_gate.awo("approve", "latest", *arguments, before=room_for(size_bytes))
    done.refused(7, "File too large")
    if of_kind(run, "gate_closed"):
        assert "a view cannot be written" in done.err
    else:
        at_gate.approve().expect(0)
    at_gate.awo("resume").expect(0)
    assert len(of_kind(run, "decision_recorded")) == 1
    at_gate.awo("verify").expect(0)


def test_a_bundle_that_finds_no_room_is_not_left_half_written(sealed: Project) -> None:
    with unchanged(sealed.root):
        sealed.awo("export", before=room_for(2_000)).refused(7, "File too large")
    sealed.awo("export").expect(0)
