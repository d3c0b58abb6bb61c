"""Publishes a sealed run by allow-list: a bundle in which everything else is withheld and nothing is absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from awo.canon.digest import sha256_hex
from awo.evidence.events import Starter
from awo.evidence.redaction import Redaction, Waiver
from awo.evidence.redaction_policy import RedactionPolicy
from awo.publish.bundle import Bundle, write_bundle
from awo.publish.placing import refuse_place
from awo.sign.seam import Signer
from awo.verify.source import Found
from awo.withhold.cutting import CutPackage, cut_package
from awo.withhold.policy import PolicyChoice
from awo.withhold.policy_file import read_policy_file
from awo.withhold.record import Grounds, make_record
from awo.withhold.summary import Summary, summary_of

Scan = Callable[[Iterable[Found]], tuple[str, Sequence[Waiver]]]
"""Looks for secrets and personal data in what would be published: who looked, and what was let pass. Raises
`ScanFindings` for what nobody let pass."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """What a redaction shows and withholds. `bundle` and `record` are None where nothing was written.

    `missing` are files that the policy names and the package does not have, `idle` its patterns that fit nothing.
    """

    run_id: str
    summary: Summary
    missing: Sequence[str]
    idle: Sequence[str]
    bundle: Bundle | None = None
    record: Redaction | None = None


def read_policy(data: bytes, name: str, reason: str) -> tuple[RedactionPolicy, Grounds]:
    """A policy with the grounds of a redaction by it; `reason` goes over that of the file. Raises `UsageError`."""
    policy = read_policy_file(data, name)
    return policy, Grounds(reason=reason or policy.reason, policy_sha256=sha256_hex(data))


def look_at(source: Path, policy: RedactionPolicy) -> Redacted:
    """What a redaction of the package at `source` by this policy would leave. Raises as `cut_package`."""
    choice = PolicyChoice(policy)
    with cut_package(source, choice) as cut:
        return _redacted(cut, choice)


def export_redacted(
    source: Path,
    policy: RedactionPolicy,
    grounds: Grounds,
    out: Path,
    *,
    who: Starter,
    signer: Signer,
    at: str,
    scan: Scan | None = None,
) -> Redacted:
    """The bundle at `out` of the package at `source`, a folder or a bundle, as far as the policy shows it.

    Raises as `cut_package`, `make_record` and `write_bundle`, and what `scan` raises.
    """
    refuse_place(source, out, "--output")
    choice = PolicyChoice(policy)
    with cut_package(source, choice) as cut:
        if scan is not None:
            scanned_by, waivers = scan(cut.left({}))
            grounds = Grounds(grounds.reason, grounds.policy_sha256, scanned_by, waivers)
        record, added = make_record(cut, "redaction", grounds, who=who, signer=signer, at=at)
        bundle = write_bundle(cut.left(added), cut.seal, out, source)
        return _redacted(cut, choice, bundle, record)


def _redacted(
    cut: CutPackage, choice: PolicyChoice, bundle: Bundle | None = None, record: Redaction | None = None
) -> Redacted:
    summary = summary_of(cut.files)
    return Redacted(cut.seal.run_id, summary, choice.missing_files(), choice.idle_patterns(), bundle, record)
