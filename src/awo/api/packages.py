"""Sends runs out as bundles and tables, and judges what comes in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.exporting import beside_of
from awo.api.ledgers import LEDGER
from awo.api.projects import PROJECT_FILE, REVIEWERS, Project, find_run
from awo.api.stamping import authorities
from awo.errors import UsageError
from awo.evidence.layout import REDACTIONS, SEAL_SIGNATURE
from awo.gate.project import Policy, read_policy

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.evidence.redaction import Waiver
    from awo.publish.bundle import Bundle
    from awo.publish.every_eval_ever import Exported
    from awo.publish.reviews import Attested
    from awo.publish.scan.findings import Scanned
    from awo.publish.tables import TableFile
    from awo.sign.note import VerifierKey
    from awo.sign.seam import AskPassphrase
    from awo.verify.report import Report


def scan(path: Path, waivers: Sequence[Waiver], parts: Sequence[str] = ()) -> Scanned:
    """What looks like secrets or personal data in a run's folder or bundle, `waivers` let pass.

    `parts` are the beginnings of the paths that are looked into; none means all. Raises `CannotCheck` where the
    extra `scan` is not installed, and as the functions that read a package.
    """
    from awo.publish.scan.scanner import scan_files
    from awo.verify.limits import Limits
    from awo.withhold.sources import files_of, opener

    with opener(path, Limits())() as source:
        return scan_files(files_of(source), waivers, parts)


def how_to_scan() -> str:
    """The command that brings what the scan needs; '' where all of it is here."""
    from awo.publish.scan.scanner import how_to_get, is_scanner_here

    return "" if is_scanner_here() else how_to_get()


def export(project: Project, folder: Path, out: Path | None) -> Bundle:
    """The bundle of a sealed run: a deterministic .tar.gz, with a citation, a crate and an SBOM behind the run.

    A run of which texts are withheld has none of these: they are written from its texts. Raises `UsageError` for an
    unsealed run, and for a CITATION.cff or .zenodo.json of the project that cannot be read; `EvidenceError` for a run
    that is altered.
    """
    from awo.publish.bundle import export_bundle

    out = out or folder.parent / f"{folder.name}.tar.gz"
    if not (folder / SEAL_SIGNATURE).is_file() or (folder / REDACTIONS).is_dir():
        return export_bundle(folder, out)
    described, _, beside = beside_of(project, folder)
    return export_bundle(folder, out, beside=beside, recorded=described.files)


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


def verify(
    project: Project,
    name: str,
    trust: Path | None,
    policy: Path | None = None,
    *,
    ledger_keys: Path | None = None,
    witnesses: int = 0,
    tsa_roots: str = "",
    clone: Path | None = None,
) -> Report:
    """What the judge finds in a run folder or bundle. Raises `UsageError` for no such thing, and `CannotCheck`.

    Without `trust`, the project's reviewers are believed, if there are any and their list lies outside the package.
    Without `policy`, the gates are held against the project's awo.toml, if it is there and outside the package,
    else against the default. Without `ledger_keys` (verifier keys, one a line), the keys of the project's own ledger
    are believed, if it lies outside the package. `tsa_roots` are the authorities of time stamps that are trusted: a
    file of certificates, or `system`. The run is held against the `clone` of its repository that is named, else against
    the one in which the project lies, where that has the run's commit.
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
    keys, keys_name = _ledger_keys(project, path, ledger_keys)
    roots, roots_name = authorities(tsa_roots)
    from awo.api.clones import clone_around, named_clone

    held = clone_around(project.root, path) if clone is None else named_clone(clone, path)
    return judge(
        path,
        trust=trusted,
        trust_name=trust_name,
        policy=asked,
        policy_name=policy_name,
        ledger_keys=keys,
        ledger_name=keys_name,
        witnesses=witnesses,
        roots=roots,
        roots_name=roots_name,
        clone=held,
    )


def _ledger_keys(project: Project, package: Path, given: Path | None) -> tuple[list[VerifierKey], str]:
    """The keys of ledgers and witnesses that the reader believes, and what they are called."""
    from awo.ledger.disk import KEYS
    from awo.ledger.reader import read_keys

    if given is not None:
        return read_keys(_text(given, "the file of keys"), str(given), UsageError), str(given)
    own = project.runs / LEDGER / KEYS
    if not own.is_file() or own.resolve().is_relative_to(package.resolve()):
        return [], ""
    return read_keys(_text(own, "the keys of the ledger"), str(own), UsageError), f"runs/{LEDGER}/{KEYS}"


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", "") or "bytes that are not UTF-8"
        hint = "look at the name: it is a path from where you are" if isinstance(error, FileNotFoundError) else ""
        raise UsageError(f"{what} cannot be read", where=str(path), got=got, hint=hint) from error
