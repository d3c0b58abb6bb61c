"""Opens a package to be read from the start, a folder or a bundle, as often as it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from awo.errors import CannotCheck, DiskTrouble, EvidenceError, UsageError
from awo.verify.bundle import BundleSource
from awo.verify.folder import FolderSource
from awo.verify.limits import Limits
from awo.verify.source import Found, Refused, Source, Unreadable

Opener = Callable[[], AbstractContextManager[Source]]


def opener(path: Path, limits: Limits) -> Opener:
    """Opens the run's folder or bundle at `path`; raises `UsageError` where neither is there, `CannotCheck`."""

    @contextmanager
    def opened() -> Iterator[Source]:
        try:
            if path.is_dir():
                yield FolderSource(str(path), limits)
                return
            if not path.is_file():
                raise UsageError("there is no package", where=str(path), expected="a run's folder or its .tar.gz")
            with path.open("rb", buffering=0) as stream:
                yield BundleSource(stream, path.stat().st_size, path.name, limits)
        except OSError as error:
            raise CannotCheck("this cannot be read here", where=str(path), got=error.strerror or str(error)) from error

    return opened


def files_of(source: Source) -> Generator[Found]:
    """The plain files of a package. Raises `EvidenceError` for what may not be in one, `DiskTrouble` for unreadable."""
    for item in source.items():
        match item:
            case Refused():
                raise EvidenceError(f"this may not be in a package: {item.what}", where=item.path)
            case Unreadable():
                raise DiskTrouble("a file cannot be read", where=item.path, got=item.why)
            case Found():
                yield item
