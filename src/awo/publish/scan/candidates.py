"""Finds fast, in raw bytes, where something may stand that the rules look for: most lines hold nothing.

Every alternative begins with a sign that is rare in prose. Each rule needs its mark here: tests/unit/test_scan.py holds
an example of every kind against this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_MARKS: Final = re.compile(
    rb"""
      _(?:(?<=gh[pousr]_)|(?<=[rs]k_live_)|(?<=hf_)|(?<=gsk_))
    | -(?:us[0-9]|(?<=xai-)|(?<=sk-ant-)|(?<=sk-proj-)|(?<=sk-admin-)|(?<=sk-svcacct-)|(?<=sq0csp-)
        |(?<=[Xx][Oo][Xx].-)|(?<=glpat-)|(?<=gl[dfr]t-)|(?<=glsoat-)|(?<=gl[cip][bmt]t-)|(?<=glagent-)|(?<=gloas-)
        |AgE|(?<=[0-9]{6}-)[0-9]{3}[0-9A-Y]|(?<=[0-9]{4}-)[0-9]{4}-[0-9]{4}-|(?<=[0-9]{4}-)[0-9]{6}-[0-9]{5}
        |(?<=[XYZ]-)[0-9]{7}|(?<=[0-9]{8}-)[A-Z])
    | @[\w\x80-\xff-]+\.
    | \+\(?[1-9]
    | :(?://[^/\s"@]*@|[\w-]{35})
    | J(?:(?<=eyJ)|(?<=T3BlbkFJ))
    | K(?<=PRIVATE\ K)EY
    | PuTTY-User
    | GR1348941
    | A(?:(?:KIA|SIA|BIA|CCA|3T[0-9A-Z])[0-9A-Z]|C[a-z0-9]{32}|Iza|(?<=[0-9]{6}A)[0-9]{3}[0-9A-Y])
    | S(?:G\.[\w-]{22}|K[a-z0-9]{32})
    | \\(?:u00[2-7]|/)
    | =(?:(?<=AccountKey=)|(?<=_authToken=))
    | \.(?:[\w-]{6}\.[\w-]{27}|(?<=[0-9]{3}\.)[0-9]{3,4}\.[0-9]{3,4}[.-][0-9]{2}|(?<=[0-9]{2}\.)[0-9]{2}\.[0-9]{2}-)
    """,
    re.VERBOSE,
)
_LOWERED: Final = re.compile(rb"aws.{0,20}?(?:key|pwd|pw|pass|token)|slack\.com/services|xox[abposr]-")
_LOWERED_BEGIN: Final = (b"aws", b"slack.com", b"xox")


def _kind_of(byte: int) -> str:
    char = chr(byte)
    if char.isascii() and char.isdigit():
        return "0"
    if char.isascii() and char.isupper():
        return "A"
    if char.islower() or byte > 127:
        return "a"
    return {" ": " ", ".": "."}.get(char, "/")


_KINDS: Final = "".join(map(_kind_of, range(256))).encode()
_RUNS: Final = (
    b"0000000000000",
    b"0000 0000 0000",
    b"0000 000000 0000",
    b"00000000A",
    b"A0000000A",
    b"AA00",
    b"AAAAAA00",
    b"AAAA000000",
)
"""How numbers of cards, accounts and people look once each byte is replaced by its kind."""
_NO_BEGINNING: Final = b"aA0."
"""What may not stand before: then it is a part of something longer, such as a digest."""


def candidates(block: bytes) -> Iterator[int]:
    """Where in `block` something may stand, as offsets in no order; at least one in every line that holds something."""
    for match in _MARKS.finditer(block):
        yield match.start()
    lowered = block.lower()
    if any(word in lowered for word in _LOWERED_BEGIN):
        for match in _LOWERED.finditer(lowered):
            yield match.start()
    kinds = block.translate(_KINDS)
    for run in _RUNS:
        place = kinds.find(run)
        while place >= 0:
            if not place or kinds[place - 1] not in _NO_BEGINNING or block[place - 2 : place - 1] == b"\\":
                yield place  # the letter before it is that of `\n` in JSON
            place = kinds.find(run, place + 1 if run[:1] == b"A" else place + len(run))
