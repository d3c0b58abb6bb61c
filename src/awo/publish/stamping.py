"""Asks an authority for a time stamp over bytes, and takes nothing from it but a stamp over exactly these bytes."""

from __future__ import annotations

from typing import Final, NamedTuple

from awo.errors import CannotCheck, EvidenceError
from awo.publish.post import post, shown
from awo.sign.timestamp import (
    LARGEST_STAMP_BYTES,
    REPLY_TYPE,
    REQUEST_TYPE,
    Stamp,
    new_request,
    read_stamp,
)

TIMEOUT_S: Final = 30.0


class Stamped(NamedTuple):
    """The response of an authority as it came, and what it says."""

    data: bytes
    stamp: Stamp


def ask(url: str, data: bytes, *, timeout_s: float = TIMEOUT_S) -> Stamped:
    """A time stamp over `data` by the authority at `url`; only the SHA-256 of `data` leaves this machine.

    Raises `UsageError` for an address that cannot be used, `CannotCheck` where no whole answer comes in time or the
    extra `time` is not installed, and `EvidenceError` for an answer that is no granted stamp to this very request.
    """
    request = new_request(data)
    reply = post(url, request.data, REQUEST_TYPE, timeout_s=timeout_s, most_bytes=LARGEST_STAMP_BYTES)
    where = shown(url)
    if reply.status != 200:
        raise CannotCheck(
            "the authority gives no time stamp", where=where, expected="status 200", got=f"status {reply.status}"
        )
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != REPLY_TYPE:
        raise CannotCheck(
            "what answers is no authority for time stamps", where=where, expected=REPLY_TYPE, got=kind[:80] or "nothing"
        )
    stamp = read_stamp(reply.body, where)
    if not stamp.is_over(data):
        raise EvidenceError("the authority stamped something else", where=where, got=stamp.said)
    if stamp.nonce != request.nonce:
        raise EvidenceError("the authority gave an old stamp: its nonce is not that of the request", where=where)
    return Stamped(reply.body, stamp)
