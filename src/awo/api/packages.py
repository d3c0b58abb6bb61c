"""Sends runs out as bundles and tables, and judges what comes in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.projects import REVIEWERS, Project, find_run
from awo.errors import UsageError
from awo.sign.allowed_signers import AllowedSigners

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.publish.bundle import Bundle
    from awo.publish.every_eval_ever import Exported
    from awo.publish.tables import TableFile
    from awo.verify.report import Report


def export(folder: Path, out: Path | None) -> Bundle:
    """The bundle of a sealed run: a deterministic .tar.gz. Raises `UsageError` for an unsealed one."""
    from awo.publish.bundle import export_bundle

    return export_bundle(folder, out or folder.parent / f"{folder.name}.tar.gz")


def export_table(folder: Path, out: Path, *, safe_for_spreadsheets: bool = False) -> TableFile:
    """Every response of a run with its scores as CSV, JSON lines or Parquet. Raises as the function it calls."""
    from awo.publish.tables import export_table as export

    return export(folder, out, safe_for_spreadsheets=safe_for_spreadsheets)


def export_every_eval_ever(folder: Path, out: Path | None, organization: str, relationship: str) -> Exported:
    """The scores of a run as records of Every Eval Ever, in a new folder. Raises as the function it calls."""
    from awo.canon import time
    from awo.publish.every_eval_ever import Publisher
    from awo.publish.every_eval_ever import export_every_eval_ever as export

    out = out or folder.parent / f"{folder.name}.every-eval-ever"
    return export(folder, out, Publisher(organization, relationship), time.now())


def verify(project: Project, name: str, trust: Path | None) -> Report:
    """What the judge finds in a run folder or bundle. Raises `UsageError` for no such thing, and `CannotCheck`.

    Without `trust`, the project's reviewers are believed, if there are any and their list lies outside the package.
    """
    from awo.verify.judge import verify as judge

    path = Path(name)
    if not path.exists() or path.is_symlink():
        path = find_run(project, name)
    if trust is not None:
        try:
            text = trust.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("the file of trusted signers cannot be read", where=str(trust), got=str(error)) from error
        trusted: AllowedSigners | None = AllowedSigners.parse(text, where=str(trust))
        trust_name = str(trust)
    elif project.reviewers_file.resolve().is_relative_to(path.resolve()):
        trusted, trust_name = None, ""  # a list that the package brings along: it never says whom to believe
    else:
        trusted, trust_name = project.reviewers(), REVIEWERS
    return judge(path, trust=trusted, trust_name=trust_name)
