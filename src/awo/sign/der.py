"""A little of DER: one element after another, in definite lengths, read strictly (X.690 sections 8 and 10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from awo.errors import EvidenceError

SEQUENCE: Final = 0x30
SET: Final = 0x31
INTEGER: Final = 0x02
OCTETS: Final = 0x04
OID: Final = 0x06
FIRST: Final = 0xA0
"""The context tag [0], constructed."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, all its bytes, and its contents."""

    tag: int
    whole: bytes
    contents: bytes

    def inside(self) -> list[Element]:
        """The elements that the contents are made of. Raises `EvidenceError`."""
        found, rest = [], self.contents
        while rest:
            element = read(rest)
            found.append(element)
            rest = rest[len(element.whole) :]
        return found


def read(data: bytes) -> Element:
    """The element at the start of `data`. Raises `EvidenceError` for bytes that are none."""
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise _damaged()
    size, start = data[1], 2
    if size >= 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[2 : 2 + count], "big")
        start = 2 + count
        if not 1 <= count <= 4 or size < 0x80 or data[2] == 0:
            raise _damaged()
    end = start + size
    if end > len(data):
        raise _damaged()
    return Element(data[0], data[:end], data[start:end])


def only(data: bytes, tag: int) -> Element:
    """The one element that `data` is, which has this tag. Raises `EvidenceError`."""
    element = read(data)
    if element.tag != tag or len(element.whole) != len(data):
        raise _damaged()
    return element


def oid(dotted: str) -> bytes:
    """The contents of an object identifier that is written with dots."""
    first, second, *rest = map(int, dotted.split("."))
    spelled = bytearray([first * 40 + second])
    for number in rest:
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        spelled += bytes(reversed(septets))
    return bytes(spelled)


def _damaged() -> EvidenceError:
    return EvidenceError("this is not DER")
