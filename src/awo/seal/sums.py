"""Takes the digest of every file of a run and refuses what may not be in a package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from awo.canon.digest import sha256_running
from awo.errors import DiskTrouble, UsageError
from awo.evidence.layout import NOT_IN_SUMS
from awo.verify.folder import FolderSource
from awo.verify.limits import Limits
from awo.verify.source import Found, Refused, Unreadable


def digests_of(folder: Path, known: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 (64 hex digits) of every file but those of the seal itself, by path from `folder`.

    A path in `known` is not read again: the caller must have made that digest from the bytes that
    this very process wrote. Raises `UsageError` for a link, a device or a name that may not be in
    a package, and `DiskTrouble` for a file that cannot be read.
    """
    digests: dict[str, str] = {}
    for item in FolderSource(str(folder), Limits()).items():
        match item:
            case Refused():
                raise UsageError(
                    f"this may not be in a sealed run: {item.what}",
                    where=item.path,
                    expected="plain files with portable names",
                    hint="remove it, then seal again",
                )
            case Unreadable():
                raise DiskTrouble("a file cannot be read, so it cannot be sealed", where=item.path, got=item.why)
            case Found() if item.path not in NOT_IN_SUMS:
                digests[item.path] = known.get(item.path) or _digest(item)
            case Found():
                pass
    return digests


def _digest(file: Found) -> str:
    hasher = sha256_running()
    try:
        for chunk in file.chunks:
            hasher.update(chunk)
    except OSError as error:
        raise DiskTrouble(
            "a file cannot be read, so it cannot be sealed", where=file.path, got=error.strerror or str(error)
        ) from error
    return hasher.hexdigest()
