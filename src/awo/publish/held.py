"""Files of a sealed run on their way out: each is held against the digest that was sealed while it goes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from awo.canon.digest import sha256_running
from awo.engine.folder import RESTORE
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence.events import FileRef
from awo.verify.folder import FolderSource
from awo.verify.limits import Limits
from awo.verify.source import Found, Refused, Unreadable


def files_in(folder: Path, into: str) -> Iterator[Found]:
    """The files of a run in the order of a bundle, for a bundle or the like, which `into` calls by its name.

    Raises `EvidenceError` for what may not be in a package, and `DiskTrouble`.
    """
    for item in FolderSource(str(folder), Limits()).items():
        match item:
            case Refused():
                raise EvidenceError(f"this may not be in {into}: {item.what}", where=item.path)
            case Unreadable():
                raise DiskTrouble("a file of the run cannot be read", where=item.path, got=item.why)
            case Found():
                yield item


def held_files_in(folder: Path, into: str, files: Iterable[FileRef]) -> Iterator[Found]:
    """As `files_in`, with every file held against what is recorded of it in `files` once its chunks are read.

    Raises `EvidenceError` for a file that is another one, one too many, or missing.
    """
    expected = {file.path: file.sha256 for file in files}
    for found in files_in(folder, into):
        digest = expected.pop(found.path, "")
        if not digest:
            raise EvidenceError("this is no file of the sealed run", where=str(folder / found.path), hint=RESTORE)
        yield Found(found.path, found.size_bytes, _held(folder, found, digest))
    if expected:
        raise EvidenceError("a file of a sealed run is missing", where=str(folder / min(expected)), hint=RESTORE)


def _held(folder: Path, found: Found, digest: str) -> Iterator[bytes | memoryview]:
    hasher = sha256_running()
    for chunk in found.chunks:
        hasher.update(chunk)
        yield chunk
    if (got := hasher.hexdigest()) != digest:
        raise EvidenceError(
            "a file is not the one that was sealed",
            where=str(folder / found.path),
            expected=f"SHA-256 {digest}",
            got=got,
            hint=RESTORE,
        )
