"""The record of a redaction or an erasure: what is left, what is withheld and why, signed (spec section 9.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical
from awo.errors import UsageError
from awo.evidence.events import Starter
from awo.evidence.layout import redaction_path, signature_path
from awo.evidence.redaction import Redaction, Waiver
from awo.sign.namespaces import REDACTION
from awo.sign.seam import Signer
from awo.withhold.cutting import CutPackage
from awo.withhold.policy_file import fault_of_reason

MOST_RECORDS = 9999


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why texts are withheld, by whose policy (the digest of its file, or ''), and what was searched before.

    `scanned_by` is '' where nothing was searched for secrets and personal data.
    """

    reason: str
    policy_sha256: str = ""
    scanned_by: str = ""
    waivers: Sequence[Waiver] = ()


def make_record(
    cut: CutPackage,
    act: Literal["redaction", "erasure"],
    grounds: Grounds,
    *,
    who: Starter,
    signer: Signer,
    at: str,
) -> tuple[Redaction, dict[str, bytes]]:
    """The record of what `cut` leaves, and its two files by path: the record, and its signature.

    Its number is the next behind those that the package has. Raises `UsageError` for a reason that cannot be recorded,
    or where there is none, and what the signer raises.
    """
    if not grounds.reason.strip():
        raise UsageError(
            "nobody says why", where="--reason", expected="why the texts are withheld", hint="--reason TEXT"
        )
    if why := fault_of_reason(grounds.reason):
        raise UsageError("this reason cannot be recorded", where="--reason", expected="plain text", got=why)
    number = len(cut.records) + 1
    if number > MOST_RECORDS:
        raise UsageError("this package has too many records", expected=f"at most {MOST_RECORDS}")
    record = Redaction(
        format="awo/redaction/v1",
        run_id=cut.seal.run_id,
        number=number,
        act=act,
        seal_sha256=cut.seal_sha256,
        previous_sha256=sha256_hex(cut.records[-1]) if cut.records else "",
        at=at,
        signer=who,
        reason=grounds.reason,
        policy_sha256=grounds.policy_sha256,
        files=list(cut.files),
        scanned_by=grounds.scanned_by,
        waivers=list(grounds.waivers),
    )
    data = canonical(record)
    path = redaction_path(number)
    return record, {path: data, signature_path(path): signer.sign(data, REDACTION)}
