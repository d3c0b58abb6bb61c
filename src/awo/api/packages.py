"""Sends runs out as bundles and tables, and judges what comes in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.projects import PROJECT_FILE, REVIEWERS, Project, find_run
from awo.errors import UsageError
from awo.gate.project import Policy, read_policy

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.publish.bundle import Bundle
    from awo.publish.every_eval_ever import Exported
    from awo.publish.reviews import Attested
    from awo.publish.tables import TableFile
    from awo.sign.seam import AskPassphrase
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


def export_reviews(
    project: Project, folder: Path, out: Path | None, key: Path, passphrase: AskPassphrase, *, has_texts: bool
) -> Attested:
    """The decisions of a sealed run as in-toto attestations, signed with the private key file `key`.

    The attester's id is the first that reviewers/allowed_signers gives the key. Raises as the functions it calls.
    """
    from awo.publish.reviews import export_reviews as export
    from awo.sign.dsse import open_bare_signer

    signer = open_bare_signer(key, passphrase)
    reviewers = project.reviewers()
    known = reviewers.principals_of(signer.key) if reviewers is not None else ()
    return export(folder, out, signer, known[0] if known else "", has_texts=has_texts)


def verify(project: Project, name: str, trust: Path | None, policy: Path | None = None) -> Report:
    """What the judge finds in a run folder or bundle. Raises `UsageError` for no such thing, and `CannotCheck`.

    Without `trust`, the project's reviewers are believed, if there are any and their list lies outside the package.
    Without `policy`, the gates are held against the project's awo.toml, if it is there and outside the package,
    else against the default.
    """
    from awo.verify.judge import verify as judge

    path = Path(name)
    if not path.exists() or path.is_symlink():
        path = find_run(project, name)
    if trust is not None:
        from awo.sign.allowed_signers import AllowedSigners

        trusted: AllowedSigners | None = AllowedSigners.parse(
            _text(trust, "the file of trusted signers"), where=str(trust)
        )
        trust_name = str(trust)
    elif project.reviewers_file.resolve().is_relative_to(path.resolve()):
        trusted, trust_name = None, ""  # a list that the package brings along: it never says whom to believe
    else:
        trusted, trust_name = project.reviewers(), REVIEWERS
    own = project.root / PROJECT_FILE
    if policy is not None:
        asked: Policy | None = read_policy(_text(policy, "the file of settings"), where=str(policy))
        policy_name = str(policy)
    elif own.is_file() and not own.resolve().is_relative_to(path.resolve()):
        asked, policy_name = project.policy, PROJECT_FILE
    else:
        asked, policy_name = None, ""
    return judge(path, trust=trusted, trust_name=trust_name, policy=asked, policy_name=policy_name)


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", "") or "bytes that are not UTF-8"
        hint = "look at the name: it is a path from where you are" if isinstance(error, FileNotFoundError) else ""
        raise UsageError(f"{what} cannot be read", where=str(path), got=got, hint=hint) from error
