"""AWO runs AI-assisted research and leaves each run behind as evidence that a stranger can check."""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import would cost half of `awo --version`
if TYPE_CHECKING:
    from os import PathLike

    from awo.publish.opened import OpenedRun

__version__ = "2.0.0.dev0"


def open(run: str | PathLike[str] = "latest", runs: str | PathLike[str] | None = None) -> OpenedRun:  # noqa: A001
    """A run for a notebook: `awo.open("latest").responses()` is a data frame; see docs/tables.md.

    `run` is an id, a path or `latest`, in the project around the current folder or among `runs`. Nothing
    is written. Raises `UsageError` for no such run, and `EvidenceError` for one that is altered.
    """
    from pathlib import Path

    from awo.api import open_run

    return open_run(Path(run), None if runs is None else Path(runs))
