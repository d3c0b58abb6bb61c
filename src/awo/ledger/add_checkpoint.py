"""The request by which a log asks a witness for its cosignature, written and read (C2SP tlog-witness)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from awo.errors import EvidenceError
from awo.sign.sshkeys import from_base64
from awo.sign.wire import WireError

MOST_HASHES = 63
"""A proof has no more of them than the size of a tree has bits."""

SIZE_TYPE = "text/x.tlog.size"
"""The media type of the answer 409, which is the size that the witness knows."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of a POST to `<witness>/add-checkpoint`.

    `old_size` is the size of the tree that the witness is thought to know, `proof` the consistency proof from there
    (32 bytes each), `note` the bytes of the signed checkpoint.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The bytes of the request."""
        hashes = b"".join(base64.b64encode(step) + b"\n" for step in self.proof)
        return b"old %d\n%b\n%b" % (self.old_size, hashes, self.note)

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """The request in `body`, the one spelling of it; its note is not read. Raises `EvidenceError`."""
        head, gap, note = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
            if not gap:
                raise WireError("no empty line after the proof")
            if len(lines) > MOST_HASHES:
                raise WireError(f"more than {MOST_HASHES} hashes")
            if not first.startswith("old "):
                raise WireError("the first line does not say the old size")
            return cls(read_size(first.removeprefix("old ")), tuple(_hash(line) for line in lines), note)
        except (WireError, UnicodeDecodeError) as problem:
            got = "bytes that are not ASCII" if isinstance(problem, UnicodeDecodeError) else str(problem)
            raise EvidenceError("this is not a request for a cosignature", got=got) from problem


def read_size(text: str) -> int:
    """The size of a tree, as it is written in a line. Raises `WireError`."""
    if not _SIZE.fullmatch(text) or int(text) >= 1 << 63:
        raise WireError("the size of the tree is not a number")
    return int(text)


def _hash(line: str) -> bytes:
    step = from_base64(line)
    if len(step) != 32:
        raise WireError("a hash of the proof has not 32 bytes")
    return step
