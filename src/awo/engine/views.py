"""Writes the views of a run: files for people, made from the journal and the outputs, never read back."""

from __future__ import annotations

from pathlib import Path

from awo.canon.json import pretty
from awo.derive.facts import RunFacts
from awo.derive.report import report
from awo.derive.views import metadata_text, status_view
from awo.engine.folder import write_pieces, write_whole
from awo.engine.pictures import are_drawn, write_pictures
from awo.engine.reading import FolderReader, pending_gate, read_facts
from awo.errors import DiskTrouble
from awo.evidence.layout import GATE_PENDING, METADATA, REPORT, STATUS
from awo.evidence.records import InputRecord


def write_views(
    folder: Path,
    plan: InputRecord | None = None,
    *,
    facts: RunFacts | None = None,
    are_pictures_kept: bool = False,
) -> RunFacts:
    """Rebuilds status.json, gate_pending.json, metadata.json, report.md and the pictures; gives the facts behind them.

    `plan` is input.json where the caller has it parsed, `facts` what the journal amounts to. gate_pending.json is there
    exactly while a gate waits. With `are_pictures_kept` those that were drawn since the gate opened stay: decisions
    change none. Raises `EvidenceError` and `DiskTrouble`.
    """
    if facts is None:
        facts = read_facts(folder, plan)
    reader = FolderReader(folder)
    try:
        write_whole(folder / STATUS, pretty(status_view(facts)))
        pending = pending_gate(facts, reader)
        if pending is None:
            (folder / GATE_PENDING).unlink(missing_ok=True)
        else:
            write_whole(folder / GATE_PENDING, pretty(pending))
        write_pieces(folder / METADATA, metadata_text(facts))
        write_whole(folder / REPORT, report(facts, reader).encode())
        if not (are_pictures_kept and are_drawn(folder, facts)):
            write_pictures(folder, facts, reader)
    except OSError as error:
        raise DiskTrouble(
            "a view cannot be written",
            where=str(folder),
            got=str(error.strerror),
            hint=f"the record itself is whole: make room, then `awo render {folder.name}` or go on",
        ) from error
    return facts
