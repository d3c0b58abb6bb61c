"""The text of a log's checkpoint: origin, size and root of its tree (C2SP tlog-checkpoint)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from awo.errors import EvidenceError
from awo.sign.sshkeys import from_base64
from awo.sign.wire import WireError

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
LARGEST_SIZE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class TreeState:
    """What a log says of its tree: `size` leaves with this 32-byte `root` (RFC 6962). `extensions` sign nothing."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the note, which ends with a newline."""
        root = base64.b64encode(self.root).decode("ascii")
        return "\n".join((self.origin, str(self.size), root, *self.extensions)) + "\n"


def parse_checkpoint(text: str, where: str) -> TreeState:
    """The tree state in the text of a note. Raises `EvidenceError`, naming `where`, for any other text."""
    try:
        return read_checkpoint(text)
    except WireError as problem:
        raise EvidenceError(
            "this is not a checkpoint",
            where=where,
            expected="origin, tree size and root hash, a line each (C2SP tlog-checkpoint)",
            got=str(problem),
        ) from problem


def read_checkpoint(text: str) -> TreeState:
    """As `parse_checkpoint`, but raises `WireError`."""
    if not text.endswith("\n"):
        raise WireError("no newline at the end")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise WireError("fewer than three lines, or an empty one")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > LARGEST_SIZE:
        raise WireError("the second line is not a tree size")
    digest = from_base64(root)
    if len(digest) != 32:
        raise WireError("the third line is not a root hash of 32 bytes")
    return TreeState(origin, int(size), digest, tuple(extensions))
