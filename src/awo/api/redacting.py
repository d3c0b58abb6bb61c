"""Publishes runs with texts withheld, and holds originals against them that are given later."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.keys import Identity
from awo.api.projects import Project, find_run
from awo.errors import UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.publish.redacted import Redacted, Scan
    from awo.withhold.opening import Openings


def package(project: Project, name: str) -> Path:
    """The folder or bundle that `name` (an id, a path or `latest`) means. Raises `UsageError`."""
    path = Path(name)
    return path.resolve() if path.is_file() else find_run(project, name).resolve()


def redact(
    source: Path, policy: Path, out: Path, who: Identity, *, reason: str = "", scan: Scan | None = None
) -> Redacted:
    """The bundle at `out` of a sealed package, as far as the file `policy` shows it. Raises as `export_redacted`.

    `scan` looks through what would be published, and raises where it may not be.
    """
    from awo.canon import time
    from awo.publish.redacted import export_redacted, read_policy

    read, grounds = read_policy(_bytes(policy), str(policy), reason)
    starter = who.as_starter()
    return export_redacted(source, read, grounds, out, who=starter, signer=who.signer, at=time.now(), scan=scan)


def preview_redaction(source: Path, policy: Path) -> Redacted:
    """What `redact` would show and withhold. Writes nothing. Raises as `look_at`."""
    from awo.publish.redacted import look_at, read_policy

    read, _ = read_policy(_bytes(policy), str(policy), "")
    return look_at(source, read)


def open_redaction(bundle: Path, originals: Iterable[str]) -> Openings:
    """How originals compare with what a redacted package withholds. Raises as the function that it calls."""
    from awo.withhold.opening import open_redaction as compare

    return compare(bundle, originals)


def _bytes(policy: Path) -> bytes:
    try:
        return policy.read_bytes()
    except OSError as error:
        got = error.strerror or str(error)
        raise UsageError("the policy cannot be read", where=str(policy), got=got, hint="docs/redaction.md") from error
