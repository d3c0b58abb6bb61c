"""Opens a gate: freezes what is asked and the report as it stands, lists what is shown, and says so in the journal."""

from __future__ import annotations

from pathlib import Path

from awo.canon.json import pretty
from awo.derive.report import report
from awo.engine.attempts import Workshop
from awo.engine.outputs import StepOutputs
from awo.engine.reading import FolderReader, events_of, read_facts, refs_of
from awo.errors import StepFailed, UsageError
from awo.evidence import events as ev
from awo.evidence.gates import GateRequest, Panel
from awo.evidence.layout import REPORT
from awo.gate.checklist import read_any_checklist
from awo.gate.project import Policy
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
    outputs = StepOutputs(journal.folder, id_, journal, shop.secrets)
    await journal.flushed()
    try:
        checklist = read_any_checklist(asked.checklist_text, where=str(step.record.arguments().get("checklist", id_)))
        panel, judged = _panel(shop, step, outputs)
    except (UsageError, StepFailed) as error:  # a checklist too large to stand in input.json is read only now
        shop.fail_after_all(step, error)
        return
    request = GateRequest(
        format="awo/gate-request/v1",
        gate=id_,
        checklist=checklist,
        needs=policy.needs_of(id_),
        rules=policy.rules_of(id_),
        panel=panel,
    )
    text = report(read_facts(journal.folder, shop.plan), FolderReader(journal.folder))
    asks = outputs.write_value(REQUEST_FILE, pretty(request))
    files = sorted([outputs.write_value(REPORT, text.encode()), *judged], key=lambda ref: ref.path)
    await journal.flushed()
    shows = sorted([*shown_files(journal.folder), asks, *files], key=lambda ref: ref.path)
    journal.append(ev.GateOpened, gate=id_, request=asks, files=files, shows=shows)
    await journal.flushed()


def _panel(shop: Workshop, step: StepState, outputs: StepOutputs) -> tuple[Panel | None, list[ev.FileRef]]:
    """What makes the gate blind, and the files that its people judge; None and no files for any other gate."""
    if not step.record.arguments().get("blind"):
        return None, []
    from awo.engine.panels import panel_for

    return panel_for(shop, step, outputs)


def shown_files(folder: Path) -> list[ev.FileRef]:
    """input.json and every output that the journal on disk names so far, sorted by path."""
    found: dict[str, ev.FileRef] = {}
    for event in events_of(folder):
        if isinstance(event, ev.RunStarted | ev.StepFinished | ev.StepFailed | ev.StepReused | ev.GateOpened):
            found.update((ref.path, ref) for ref in refs_of(event))
    return sorted(found.values(), key=lambda ref: ref.path)
