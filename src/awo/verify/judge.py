"""The entry: reads a package once and asks every check in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from awo.errors import CannotCheck, UsageError
from awo.evidence.proof import LARGEST_PROOF_BYTES
from awo.gate.project import Policy
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.note import VerifierKey
from awo.verify.bundle import BundleSource
from awo.verify.checks import CHECKS, NOT_BUILT, Check
from awo.verify.clone import Clone, CloneCompared, compare_clone, not_compared
from awo.verify.findings import Answer
from awo.verify.folder import FolderSource
from awo.verify.limits import Limits
from awo.verify.proof import FIRST_BYTE, judge_proof
from awo.verify.reading import Reading, Trust
from awo.verify.report import CheckResult, Report
from awo.verify.source import Source
from awo.verify.structure import seal_of
from awo.verify.withheld import seen

if TYPE_CHECKING:  # most packages have no time stamp
    from awo.sign.timestamp import Roots


def verify(
    source: Path,
    *,
    trust: AllowedSigners | None = None,
    trust_name: str = "",
    policy: Policy | None = None,
    policy_name: str = "",
    ledger_keys: Sequence[VerifierKey] = (),
    ledger_name: str = "",
    witnesses: int = 0,
    roots: Roots | None = None,
    roots_name: str = "",
    clone: Clone | None = None,
    limits: Limits | None = None,
) -> Report:
    """Everything that the run folder, bundle or proof at `source` can be checked for here.

    `trust` is whom the reader believes, `policy` what they ask of gates, `ledger_keys` are the ledgers and witnesses
    that they believe, `witnesses` is how many of these must have signed, `roots` are authorities of time stamps; the
    names are what they are called in print. `clone` is of the repository, to hold the run against. Nothing is written,
    run, fetched or unpacked. Raises `UsageError` when
    there is neither a folder nor a file, and `CannotCheck` when it cannot be opened; whatever is wrong inside is in
    the report.
    """
    limits = limits or Limits()
    believed = Trust(trust, trust_name or "the list of trusted signers", policy, policy_name or "your awo.toml")
    keys_name = ledger_name or "your keys of ledgers"
    believed = believed._replace(ledger_keys=tuple(ledger_keys), ledger_name=keys_name, witnesses=witnesses)
    believed = believed._replace(roots=roots, roots_name=roots_name or believed.roots_name)
    try:
        if source.is_dir():
            beside = source.resolve().parent
            return judge(FolderSource(str(source), limits), str(source), believed, limits, beside, clone)
        if not source.is_file():
            raise UsageError("there is nothing to verify", where=str(source), expected="a run's folder or its .tar.gz")
        with source.open("rb", buffering=0) as stream:
            if stream.read(len(FIRST_BYTE)) == FIRST_BYTE:
                report = judge_proof(FIRST_BYTE + _all(stream), str(source), believed)
                return replace(report, clone=not_compared(clone, "a proof names no commit")) if clone else report
            stream.seek(0)
            size_bytes = source.stat().st_size
            package = BundleSource(stream, size_bytes, source.name, limits)
            return judge(package, str(source), believed, limits, clone=clone)
    except OSError as error:
        raise CannotCheck("this cannot be read here", where=str(source), got=error.strerror or str(error)) from error


def judge(
    source: Source, name: str, trust: Trust, limits: Limits, beside: Path | None = None, clone: Clone | None = None
) -> Report:
    """The report on any source; `beside` is where packages of earlier attempts may lie, None for nowhere.

    Raises `OSError` when the source itself cannot be read.
    """
    reading = Reading(source.kind, limits, trust, beside)
    try:
        reading.read(source)
        return _judged(reading, name, compare_clone(clone, reading) if clone is not None else None)
    finally:
        reading.spool.close()


def _all(stream: BinaryIO) -> bytes:
    """What is left of a proof; one byte more than the limit of a larger one."""
    pieces, left = [], LARGEST_PROOF_BYTES
    while left > 0 and (piece := stream.read(min(left, 1 << 20))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _judged(reading: Reading, name: str, clone: CloneCompared | None) -> Report:
    trust = reading.trust
    journal, plan = reading.journal, reading.plan
    started = journal.started if journal else None
    seal = seal_of(reading)
    return Report(
        source=name,
        kind=reading.kind,
        run_id=started.run_id if started else "",
        outcome=seal.outcome if seal else journal.finished.outcome if journal and journal.finished else "",
        is_sealed=reading.has_seal,
        trust=trust.name if trust.signers is not None else "",
        counts={
            "files": reading.files,
            "bytes": reading.total_bytes,
            "events": journal.tree.size if journal else 0,
            "steps": len(plan.steps) if plan else 0,
            "responses": journal.answered if journal else 0,
            "exchanges": journal.exchanges if journal else 0,
            "gates": len(journal.gates) if journal else 0,
            "decisions": sum(len(gate.decisions) for gate in journal.gates) if journal else 0,
        },
        checks=tuple(_result(check, reading) for check in CHECKS),
        redaction=seen(reading.withheld),
        clone=clone,
    )


def _result(check: Check, reading: Reading) -> CheckResult:
    """One check. After a broken container only the container is judged: what was not read is not known."""
    answer = Answer()
    if reading.broken is None or check.id in ("EP-1.1", "EP-1.2", *NOT_BUILT):
        check.judge(reading, answer)
    else:
        answer.cannot("", "the container could not be read to its end")
    return CheckResult.of(check, answer)
