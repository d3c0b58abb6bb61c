"""Reads one answer of an exchange: an objection, a reply, a verdict.

A reply or a verdict that cannot be read is taken against the statement (spec section 3.14).
"""

from __future__ import annotations

from typing import Final

import msgspec

from awo.derive.judging.framing import Said
from awo.derive.judging.verdict_words import bare, cut_short, opened_by
from awo.evidence.judgements import Objection

LONGEST_TEXT_BYTES: Final = 4_000
"""What one model may say that another is shown: with it a bound of every request is known before the first."""

_CUT: Final = " … [cut]"


def objection_of(id_: str, number: int, said: Said) -> Objection | None:
    """What a refuter's answer is; None when it says that it has no objection."""
    raised = opened_by(said, "OBJECTION")
    has_none = bare(said, ["NO OBJECTION"]).word is not None
    if has_none and not raised:
        return None
    is_clear = bool(raised) and not has_none
    why = "" if is_clear else "it is not one of `OBJECTION: …` and `NO OBJECTION`" + cut_short(said)
    return Objection(
        id=id_,
        round=number,
        refuter=said.model,
        text=capped(raised if is_clear else said.text.strip()),
        reply=None,
        replied_by="",
        status="standing" if is_clear else "unclear",
        calls=[said.call],
        why=why,
    )


def with_reply(objection: Objection, said: Said) -> Objection:
    """The objection with the proposer's answer to it: a reply, a concession, or neither and why."""
    reply = opened_by(said, "REPLY")
    concedes = bare(said, ["CONCEDE"]).word is not None
    calls = [*objection.calls, said.call]
    if concedes and not reply:
        return msgspec.structs.replace(objection, status="conceded", replied_by=said.model, calls=calls)
    if concedes or not reply:
        why = "the reply is not one of `REPLY: …` and `CONCEDE`, so there is none" + cut_short(said)
        return msgspec.structs.replace(objection, replied_by=said.model, calls=calls, why=why)
    return msgspec.structs.replace(objection, reply=capped(reply), replied_by=said.model, calls=calls)


def with_verdict(objection: Objection, said: Said) -> Objection:
    """The objection as its refuter judges the reply; it stands unless that says clearly that it is answered."""
    choice = bare(said, ["ANSWERED", "STANDS"])
    return msgspec.structs.replace(
        objection,
        status="answered" if choice.word == "ANSWERED" else "standing",
        calls=[*objection.calls, said.call],
        why=f"{choice.why}, so the objection stands" if choice.word is None else "",
    )


def capped(text: str) -> str:
    """At most 4,000 bytes of `text`, said where it was cut."""
    raw = text.encode(errors="replace")
    if len(raw) <= LONGEST_TEXT_BYTES:
        return text
    return raw[: LONGEST_TEXT_BYTES - len(_CUT.encode())].decode(errors="ignore") + _CUT
