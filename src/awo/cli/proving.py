"""The command `prove`: a proof of one record, event or earlier state of a sealed run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from awo import api
from awo.canon.digest import sha256_hex
from awo.cli.places import project, run_argument, runs_option
from awo.cli.printing import json_option, print_json, say
from awo.derive.phrases import count
from awo.evidence.proof import ConsistencyProof, RecordProof


@click.command()
@run_argument
@click.option(
    "--record",
    metavar="ID",
    default="",
    help="The response to prove: STEP:LINE (lines of outputs/STEP/responses.jsonl, counted from 0), call:N (the id of "
    "its call), or STEP[ITEM] where one response answers that item.",
)
@click.option("--event", metavar="N", type=click.IntRange(min=0), help="An event of the journal, counted from 0.")
@click.option(
    "--from",
    "earlier",
    metavar="STATE",
    default="",
    help="Prove instead that the sealed journal goes on from an earlier state: its number of events, or a file with a "
    "checkpoint (gate_pending.json, a decision, registration.json).",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The proof (default: RUN.STEP-LINE.proof.json and so on, beside the run).",
)
@runs_option
@json_option
def prove(
    run_name: str,
    record: str,
    event: int | None,
    earlier: str,
    output: Path | None,
    runs: Path | None,
    *,
    as_json: bool,
) -> None:
    """Prove one record of a sealed RUN (or bundle) in a few kilobytes, for a reader who has not got the run.

    `awo verify` and verify.py check a proof; docs/proofs.md says how to do it by hand.
    """
    path, made = api.prove(project(runs), run_name, output, record=record, event=event, earlier=earlier)
    proof = made.proof
    if as_json:
        print_json(
            {
                "run": proof.run_id,
                "proof": str(path),
                "sha256": sha256_hex(made.data),
                "size_bytes": len(made.data),
                "format": proof.format,
                **_about(proof),
                "events": made.events,
                "opening_s": round(made.opening_s, 6),
                "proving_s": round(made.proving_s, 6),
            }
        )
        return
    say(
        f"proof: {path}",
        f"of:    {_said(proof, made.events)}",
        f"size:  {count(len(made.data), 'byte')}",
        f"next: awo verify {shlex.quote(str(path))}",
    )


def _about(proof: RecordProof | ConsistencyProof) -> dict[str, Any]:
    match proof:
        case RecordProof():
            record = proof.record
            place = {"path": record.path, "line": record.line} if record is not None else None
            return {"record": place, "event": proof.event.seq}
        case ConsistencyProof():
            return {"first": {"size": proof.first.size, "root": proof.first.root}}


def _said(proof: RecordProof | ConsistencyProof, events: int) -> str:
    match proof:
        case RecordProof(record=None):
            return f"event {proof.event.seq} of {events}, counted from 0"
        case RecordProof():
            assert proof.record is not None
            return f"line {proof.record.line} of {proof.record.path}, event {proof.event.seq} of {events}, from 0"
        case ConsistencyProof():
            return f"a journal of {events} events that goes on from its first {proof.first.size}"
