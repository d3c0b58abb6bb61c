"""What a signature at the open gate of a run will cover, and whether that still is what was shown. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from awo.canon.digest import sha256_file
from awo.derive.facts import GateFacts
from awo.engine.folder import refuse_links_and_devices
from awo.engine.reading import FolderReader, pending_gate, read_facts
from awo.errors import DiskTrouble
from awo.evidence.events import FileRef, Starter
from awo.evidence.gates import Decision, GatePending
from awo.evidence.layout import GATE_PENDING, JOURNAL, gate_report_path
from awo.gate.gate_facts import GateFacts as AtGateFacts


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that is not what it was when the gate opened, or when somebody decided."""

    path: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class GateShown:
    """A gate that waits. `decisions` are those taken since it opened, in order; at a blind gate none while votes lie
    sealed. `authors` wrote the workflow, where that was asked. `facts` is all that a decision is held against.
    `read_first` are the paths to begin with, `changed` what is not as it was shown: a decision would be stale."""

    pending: GatePending
    starter: Starter
    authors: tuple[str, ...]
    decisions: tuple[Decision, ...]
    facts: AtGateFacts
    read_first: tuple[str, ...]
    changed: tuple[Changed, ...]


def shown_gate(folder: Path) -> GateShown | None:
    """The gate that waits in a run, its files and journal hashed anew; None when no gate waits.

    Raises `UsageError`, `EvidenceError` for records that cannot be read, and `DiskTrouble`.
    """
    refuse_links_and_devices(folder)
    facts = read_facts(folder)
    reader = FolderReader(folder)
    gate, pending = facts.open_gate, pending_gate(facts, reader)
    if gate is None or pending is None:
        return None
    decisions = tuple(reader.decision(event.decision.path) for event in gate.decisions)
    page = pending.panel.path if pending.panel is not None else ""
    first = [page or gate_report_path(gate.gate)]  # the report names the models that a panel must not know
    there = {ref.path for ref in gate.shows}
    return GateShown(
        pending=pending,
        starter=facts.starter,
        authors=tuple(facts.input.authors),
        decisions=decisions,
        facts=AtGateFacts(
            run_id=facts.run_id,
            starter=facts.starter,
            request=reader.gate_request(gate.request.path),
            checkpoint=gate.checkpoint,
            shows=tuple(gate.shows),
            opened_at=gate.opened_at,
            authors=tuple(facts.input.authors),
            decisions=decisions,
            is_escalated=pending.is_escalated,
            voters=tuple(reader.vote(event.vote.path).signer for event in gate.votes),
        ),
        read_first=tuple(path for path in first if path in there),
        changed=(*_changed_files(folder, gate), *_changed_journal(folder, gate, decisions)),
    )


def _changed_files(folder: Path, gate: GateFacts) -> Iterator[Changed]:
    signed = [ref for one in gate.decisions for ref in (one.decision, one.signature, one.authority)]
    signed += [ref for one in gate.votes for ref in (one.vote, one.signature, one.authority)]
    for ref in (*gate.shows, *signed):
        got = _digest(folder, ref)
        if got != ref.sha256:
            yield Changed(ref.path, f"SHA-256 {ref.sha256}", got)


def _digest(folder: Path, ref: FileRef) -> str:
    try:
        return sha256_file(folder / ref.path)[0]
    except FileNotFoundError:
        return "no file"
    except OSError as error:
        raise DiskTrouble("a shown file cannot be read", where=ref.path, got=str(error.strerror)) from error


def _changed_journal(folder: Path, gate: GateFacts, decisions: tuple[Decision, ...]) -> Iterator[Changed]:
    """What was written down of the journal when the gate opened, and by each who decided, against what it is now."""
    now, known = gate.checkpoint, [decision.checkpoint for decision in decisions]
    try:
        view = msgspec.json.decode((folder / GATE_PENDING).read_bytes(), type=GatePending)
    except (OSError, msgspec.MsgspecError):
        view = None
    if view is not None and (view.gate, view.opened_at) == (gate.gate, gate.opened_at):  # else a view of before
        known.append(view.checkpoint)
    for checkpoint in dict.fromkeys((one.size, one.root) for one in known):
        if checkpoint != (now.size, now.root):
            size, root = checkpoint
            yield Changed(JOURNAL, f"{size} lines, root {root}", f"{now.size} lines, root {now.root}")
