"""Opens the sealed votes of a blind gate that this user holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.keys import Identity
from awo.api.ledgers import ledger_of
from awo.api.projects import Project
from awo.api.sealing import seal_finished

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.engine.panels import Revealed


def reveal(project: Project, folder: Path, who: Callable[[], Identity]) -> Revealed:
    """Opens the votes at the gate that waits which this user's store holds, and seals the run when that ends it.

    `who` is asked only then. Raises `UsageError` while votes are missing or where no gate is blind, `EvidenceError`,
    `CannotCheck` and `DiskTrouble`.
    """
    import asyncio

    from awo.engine import panels
    from awo.engine.at_gate import DeadlineClosed

    try:
        revealed = asyncio.run(panels.reveal(folder, ledger=ledger_of(project)))
    except DeadlineClosed:
        seal_finished(project, folder, who())
        raise
    if revealed.outcome:
        seal_finished(project, folder, who())
    return revealed
