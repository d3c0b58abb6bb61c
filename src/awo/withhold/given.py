"""What an auditor is given later: single files, folders and bundles, each file to be read as often as is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from awo.canon.lines import Lines
from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.verify.inflate import HEADER
from awo.verify.limits import Limits
from awo.withhold.sources import files_of, opener

PIECE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Given:
    """One file that was given. `path` is where it stands in a package, or '' where only its name says so.

    `inside` is the folder or bundle in which it lies, or None for a file of its own.
    """

    name: str
    file: Path
    path: str = ""
    inside: Path | None = None

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The bytes in pieces, each valid until the next is asked for. Raises `CannotCheck`."""
        if self.inside is not None:
            yield from chunks_in(self.inside, self.path)
            return
        try:
            with self.file.open("rb", buffering=0) as stream:
                while piece := stream.read(PIECE_BYTES):
                    yield piece
        except OSError as error:
            got = error.strerror or str(error)
            raise CannotCheck("this cannot be read here", where=self.name, got=got) from error


def chunks_in(package: Path, path: str) -> Iterator[bytes | memoryview]:
    """The bytes of one file of a package; nothing where it is not there."""
    with opener(package, Limits())() as source, closing(files_of(source)) as files:
        for item in files:
            if item.path == path:
                yield from item.chunks
                return


def lines_in(chunks: Iterator[bytes | memoryview], where: str, limit_bytes: int) -> Iterator[bytes]:
    """The lines without their newlines. Raises `EvidenceError` for one above the limit."""
    lines = Lines(limit_bytes)
    for chunk in chunks:
        yield from lines.feed(chunk)
        if lines.is_too_long:
            raise EvidenceError("a line is longer than the limit", where=where)
    if lines.rest:
        yield lines.rest


def named(text: str) -> Iterator[Given | Path]:
    """What a word of the command line stands for: a file (`PATH=FILE` says where it stands in the package), or the
    folder or bundle whose files are given. Raises `UsageError` for what is not there."""
    file, path = Path(text), ""
    if not file.exists() and "=" in text:
        path, _, rest = text.partition("=")
        file = Path(rest)
    if file.is_dir() or (file.is_file() and not path and _is_bundle(file)):
        yield file
    elif file.is_file():
        yield Given(text, file, path)
    else:
        expected = "a file, a run's folder or its .tar.gz, or PATH=FILE"
        raise UsageError("there is no such original", where=text, expected=expected)


def _is_bundle(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(HEADER)) == HEADER
    except OSError:
        return False
