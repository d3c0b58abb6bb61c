"""What tests of publishing send: a deposit as it stands before anything was asked, and what the authors say."""

from __future__ import annotations

from awo.evidence.publication import Deposit
from awo.publish import deposits
from awo.publish.about.shapes import About, Creator

SEAL = "5ea1" * 16


def new_deposit(number: int, *, kind: str, place: str, seal_sha256: str = SEAL) -> Deposit:
    run_id = f"run_2026-11-23T06-09-00Z-{number + 2}"
    return deposits.new_deposit(run_id, seal_sha256, kind, place, "2026-11-23T06:09:00.000000Z")


ABOUT = About(
    title="A run",
    description="What was asked, and what was answered.",
    creators=(Creator("Ada Example", given="Ada", family="Example"),),
    licence="CC-BY-4.0",
)
