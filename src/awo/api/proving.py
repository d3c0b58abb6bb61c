"""Proves one record, event or earlier state of a sealed run to somebody who has not got the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from awo.api.projects import Project, find_run
from awo.errors import UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded
    from awo.publish.proving import Proved


class ProvedFile(NamedTuple):
    """A proof and the file that it was written to."""

    path: Path
    proved: Proved


def prove(
    project: Project, name: str, out: Path | None, *, record: str = "", event: int | None = None, earlier: str = ""
) -> ProvedFile:
    """A proof of a record (`STEP:LINE`, `call:N`, `STEP[ITEM]`), of an event by its number, or that the sealed journal
    goes on from an `earlier` state (its number of events, or a file with a checkpoint). Exactly one of the three.

    `name` is a run's id, its path, `latest`, or a bundle. Raises as `publish.proving` does.
    """
    from awo.publish import proving
    from awo.publish.wanted_record import FORMS, read_wanted

    if bool(record) + (event is not None) + bool(earlier) != 1:
        raise UsageError(
            "one thing is proved at a time", expected="one of --record, --event and --from", hint=f"--record: {FORMS}"
        )
    path = Path(name)
    if not path.exists() or path.is_symlink():
        path = find_run(project, name)
    if record:
        proved = proving.prove_record(path, read_wanted(record))
    elif event is not None:
        proved = proving.prove_event(path, event)
    else:
        proved = proving.prove_state(path, proving.read_state(earlier))
    return ProvedFile(proving.write_proof(path, proved, out), proved)
