"""Entries of runs, for tests of the ledger."""

from __future__ import annotations

from typing import Any, Literal

from awo.canon.digest import sha256_hex
from awo.evidence.events import Checkpoint
from awo.evidence.ledger import CommitEntered, DecisionEntered, RunEntered, SealEntered

AT = "2026-01-02T03:04:05.000000Z"


def run_id(number: int) -> str:
    """The id of run `number` (from 0) of one second."""
    return "run_2026-01-02T03-04-05Z" + (f"-{number + 1}" if number else "")


def digest(text: str) -> str:
    return sha256_hex(text.encode())


def _fixed(number: int) -> Any:
    return {"format": "awo/ledger-entry/v1", "run_id": run_id(number), "at": AT}


def started(number: int = 0, journal: str = "journal") -> RunEntered:
    sha256 = digest(f"{journal} {number}")
    return RunEntered(**_fixed(number), input_sha256=digest("input"), journal_sha256=sha256, supersedes="")


def decided(number: int = 0, count: int = 1, what: Literal["decision", "vote"] = "decision") -> DecisionEntered:
    return DecisionEntered(**_fixed(number), gate="review", what=what, number=count, sha256=digest(f"{what} {count}"))


def sealed(number: int = 0, seal: str = "seal") -> SealEntered:
    checkpoint = Checkpoint(size=9, root=digest("root"))
    return SealEntered(**_fixed(number), outcome="completed", checkpoint=checkpoint, seal_sha256=digest(seal))


def committed(number: int = 0, seal: str = "seal") -> CommitEntered:
    return CommitEntered(**_fixed(number), seal_sha256=digest(seal), commit="0" * 40)
