"""Chapter 6, trusted time: what time stamps over the seal and over the ledger's checkpoint say (spec section 12)."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from awo.errors import CannotCheck, EvidenceError
from awo.evidence.layout import REGISTRATION, SEAL, TIME_STAMP
from awo.verify.findings import Answer
from awo.verify.reading import Reading
from awo.verify.registered import Registered, registered
from awo.verify.structure import NOT_SEALED, moment, seal_of

TOLERANCE: Final = timedelta(seconds=60)
"""By how much an authority's clock may be behind that of the machine which sealed."""

NO_STAMP: Final = "nobody has put a time stamp on the seal"
GIVE_ROOTS: Final = "give the certificates of authorities that you trust: --tsa-roots FILE, or --tsa-roots system"


class _Stamped(NamedTuple):
    """A time stamp, what it must be over, the place of both, and when that was made by its own word."""

    where: str
    stamp: bytes
    what: str
    data: bytes
    made_at: datetime | None


def ep_6_3(reading: Reading, answer: Answer) -> None:
    """Each time stamp is over the seal or the checkpoint, no earlier than it, and by an authority that the reader
    trusts."""
    if not reading.has_seal:
        answer.cannot(SEAL, NOT_SEALED)
        return
    found = [one for one in (_of_seal(reading, answer), _of_checkpoint(reading, answer)) if one is not None]
    if not found and answer.verdict == "passed":
        is_asked_for = reading.trust.roots is not None  # otherwise it has no place: no gap in what was checked
        answer.cannot(TIME_STAMP if is_asked_for else "", NO_STAMP)
    for stamped in found:
        _judge(stamped, reading, answer)


def _judge(stamped: _Stamped, reading: Reading, answer: Answer) -> None:
    from awo.sign.timestamp import read_stamp, why_untrusted

    where, roots = stamped.where, reading.trust.roots
    try:
        stamp = read_stamp(stamped.stamp, where)
        if not stamp.is_over(stamped.data):
            answer.fail(where, f"the time stamp is over something else than {stamped.what}", got=stamp.said)
            return
        if stamped.made_at is not None and stamp.at < stamped.made_at - TOLERANCE:
            answer.fail(
                where,
                f"the time stamp is earlier than {stamped.what} says of itself",
                f"{stamped.made_at:%Y-%m-%dT%H:%M:%SZ} or later",
                stamp.said,
            )
            return
        if roots is None:
            answer.cannot(where, "whether you trust the authority is not known", "its root", stamp.said, GIVE_ROOTS)
            return
        why = why_untrusted(stamped.stamp, stamped.data, roots)
    except EvidenceError as error:
        answer.fail(where, error.what, error.expected, error.got)
        return
    except CannotCheck as error:
        answer.cannot(where, error.what, error.expected, error.got, error.hint)
        return
    if why:
        answer.cannot(where, f"{reading.trust.roots_name} does not vouch for the authority: {why}", got=stamp.said)
    else:
        answer.note(f"{stamped.what} was there by {stamp.said}")


def _of_seal(reading: Reading, answer: Answer) -> _Stamped | None:
    if TIME_STAMP not in reading.present:
        return None
    data, seal, sealed = reading.kept.get(TIME_STAMP), reading.kept.get(SEAL), seal_of(reading)
    if data is None or seal is None:
        answer.cannot(TIME_STAMP, "the time stamp or the seal cannot be read")
        return None
    made_at = moment(sealed.at) if sealed is not None else None
    return _Stamped(TIME_STAMP, data, "the seal", seal, made_at)


def _of_checkpoint(reading: Reading, answer: Answer) -> _Stamped | None:
    """The stamp in registration.json, whose own shape is another check's."""
    found = registered(reading)
    if not isinstance(found, Registered) or not found.record.stamp:
        return None
    where, text = f"{REGISTRATION}: stamp", found.record.stamp
    try:
        stamp = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        stamp = b""
    if base64.b64encode(stamp).decode() != text:
        answer.fail(where, "the time stamp is not base64 in its one spelling")
        return None
    made_at = moment(found.entries[-1].at) if found.entries else None
    return _Stamped(where, stamp, "the checkpoint of the ledger", found.signed.note.text.encode(), made_at)
