"""Opens a gate: freezes what is asked and the report as it stands, lists what is shown, and says so in the journal."""

from __future__ import annotations

from pathlib import Path

from awo.canon.json import pretty
from awo.derive.report import report
from awo.engine.attempts import Workshop
from awo.engine.outputs import StepOutputs
from awo.engine.reading import FolderReader, events_of, read_facts, refs_of
from awo.errors import UsageError
from awo.evidence import events as ev
from awo.evidence.gates import GateRequest
from awo.evidence.layout import REPORT
from awo.gate.checklist import read_checklist
from awo.gate.policy import Policy
from awo.lifecycle.steps import StepState
from awo.ops.seam import OpensGate

REQUEST_FILE = "gate.json"


async def open_gate(shop: Workshop, step: StepState, policy: Policy) -> None:
    """Runs the gate's step up to the point where a person is needed.

    On return the gate is open and durable, or the step has failed and is in `shop.failures`.
    """
    asked = await shop.run_step(step)
    if not isinstance(asked, OpensGate):
        return
    journal = shop.journal
    id_ = step.record.id
    try:
        checklist = read_checklist(asked.checklist_markdown, where=str(step.record.arguments().get("checklist", id_)))
    except UsageError as error:  # of a file too large to stand in input.json; others are read before the run
        shop.fail_after_all(step, error)
        return
    request = GateRequest(
        format="awo/gate-request/v1",
        gate=id_,
        checklist=checklist,
        needs=policy.needs_of(id_),
        rules=policy.rules_of(id_),
    )
    outputs = StepOutputs(journal.folder, id_, journal, shop.secrets)
    await journal.flushed()
    text = report(read_facts(journal.folder, shop.plan), FolderReader(journal.folder))
    made = [outputs.write_value(REQUEST_FILE, pretty(request)), outputs.write_value(REPORT, text.encode())]
    await journal.flushed()
    shows = sorted([*shown_files(journal.folder), *made], key=lambda ref: ref.path)
    journal.append(ev.GateOpened, gate=id_, request=made[0], files=made[1:], shows=shows)
    await journal.flushed()


def shown_files(folder: Path) -> list[ev.FileRef]:
    """input.json and every output that the journal on disk names so far, sorted by path."""
    found: dict[str, ev.FileRef] = {}
    for event in events_of(folder):
        if isinstance(event, ev.RunStarted | ev.StepFinished | ev.StepFailed | ev.StepReused | ev.GateOpened):
            found.update((ref.path, ref) for ref in refs_of(event))
    return sorted(found.values(), key=lambda ref: ref.path)
