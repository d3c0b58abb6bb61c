"""Writes the bundle of a sealed run: a `.tar.gz` whose tar bytes are the same everywhere (spec section 7.3)."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import IO, Any, Final

from awo.canon import time
from awo.canon.digest import sha256_running
from awo.canon.json import parse_canonical
from awo.canon.ustar import END, LARGEST_FILE_BYTES, Header, padding, write_header
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence.events import FileRef
from awo.evidence.layout import BESIDE, SEAL, SEAL_SIGNATURE, VERIFIERS
from awo.evidence.records import Seal
from awo.publish.held import files_in, held_files_in
from awo.publish.placing import put_in_place
from awo.verify.inflate import HEADER
from awo.verify.limits import RATIO, is_bomb
from awo.verify.source import Found
from awo.verify.verifiers import verifier

LEVEL = 3
"""Four times as fast as pigz still, and a few per cent smaller than level 2."""
BLOCK_BYTES = 1 << 20
"""Compressed one by one: the same blocks give the same bytes, however many threads there are."""
MOST_THREADS = 8
NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle on disk. `tar_sha256` is of the `tar_bytes` inside the compression, which are the same everywhere."""

    path: Path
    sha256: str
    size_bytes: int
    tar_sha256: str
    tar_bytes: int


def export_bundle(
    folder: Path,
    out: Path,
    progress: Callable[[int], None] = lambda done_bytes: None,
    *,
    threads: int = 0,
    beside: Mapping[str, bytes] = NOTHING,
    recorded: Iterable[FileRef] | None = None,
) -> Bundle:
    """The bundle of the sealed run in `folder`, at `out`.

    `beside` are files about it by their names in `BESIDE`, which stand behind the verifiers. Against what is `recorded`
    of its files each is held while it goes by; None holds them against nothing. `progress` is told how many bytes of
    files are done; `threads` 0 means as many as there are processors, up to 8. Writes beside `out` and renames; an
    existing `out` with the same bytes is kept, one with others is refused. Raises `UsageError`, `EvidenceError` for a
    run that holds what may not be in a package, is altered or changes meanwhile, and `DiskTrouble`.
    """
    seal = _seal_of(folder)
    _refuse_place(folder, out)
    files = files_in(folder, "a bundle") if recorded is None else held_files_in(folder, "a bundle", recorded)
    return write_bundle(files, seal, out, folder, progress, threads=threads, beside=beside)


def write_bundle(
    files: Iterable[Found],
    seal: Seal,
    out: Path,
    source: Path,
    progress: Callable[[int], None] = lambda done_bytes: None,
    *,
    threads: int = 0,
    beside: Mapping[str, bytes] = NOTHING,
) -> Bundle:
    """The bundle of `files`, which come in the order of a bundle, of the run with this seal. As `export_bundle`.

    `source` is what an error about their size names.
    """
    half = out.with_name(f".{out.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as stream:
                threads = threads or min(os.cpu_count() or 1, MOST_THREADS)
                bundle = _write(files, seal, stream, out, progress, threads, _about(beside))
                os.fsync(stream.fileno())
            if is_bomb(bundle.tar_bytes, bundle.size_bytes):
                raise UsageError(
                    f"the run compresses more than {RATIO} times, and such a bundle would be refused as a bomb",
                    where=str(source),
                    hint="send the folder itself",
                )
            put_in_place(half, out, bundle.sha256, "--output")
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise DiskTrouble(
            "the bundle cannot be written",
            where=str(out),
            got=error.strerror or str(error),
            hint="choose another --output",
        ) from error
    return bundle


def _seal_of(folder: Path) -> Seal:
    try:
        if not (folder / SEAL_SIGNATURE).is_file():
            raise FileNotFoundError
        data = (folder / SEAL).read_bytes()
    except FileNotFoundError as error:
        raise UsageError(
            "only a sealed run is exported",
            where=str(folder),
            hint=f"bring it to its end with `awo resume {folder.name}`, or freeze it with `awo seal {folder.name}`",
        ) from error
    except OSError as error:
        raise DiskTrouble("the seal cannot be read", where=str(folder / SEAL), got=error.strerror or "") from error
    return parse_canonical(data, Seal, where=str(folder / SEAL))


def _refuse_place(folder: Path, out: Path) -> None:
    place = out.resolve()
    if place.is_relative_to(folder.resolve()):
        raise UsageError("a bundle cannot be written into the run that it holds", where=str(out))
    if place.is_dir():
        raise UsageError("there is a folder of this name", where=str(out), hint=f"--output {out / folder.name}.tar.gz")
    if not place.parent.is_dir():
        raise UsageError("the folder for the bundle is not there", where=str(place.parent))


def _write(
    files: Iterable[Found],
    seal: Seal,
    stream: IO[bytes],
    out: Path,
    progress: Callable[[int], None],
    threads: int,
    beside: Mapping[str, bytes],
) -> Bundle:
    from isal import igzip_threaded

    packed = _Packed(stream)
    compress: Any = igzip_threaded.open  # it has no types
    mtime = int(time.read(seal.at).timestamp())
    with compress(packed, "wb", compresslevel=LEVEL, threads=threads, block_size=BLOCK_BYTES) as compressor:
        tar = _Blocks(compressor)
        done_bytes = 0
        for file in files:
            _member(tar, f"{seal.run_id}/{file.path}", file, mtime)
            done_bytes += file.size_bytes
            progress(done_bytes)
        for name, data in beside.items():
            _member(tar, name, Found(name, len(data), (data,)), mtime)
        tar.write(END)
        tar.flush()
    return Bundle(out, packed.hasher.hexdigest(), packed.size_bytes, tar.hasher.hexdigest(), tar.size_bytes)


def _about(beside: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """All that stands behind the run's folder, in its order: the verifiers of this version, and what is given."""
    known = {name: verifier(name) for name in VERIFIERS} | dict(beside)
    return {name: known[name] for name in sorted(known, key=BESIDE.index)}


def _member(tar: _Blocks, path: str, file: Found, mtime: int) -> None:
    if file.size_bytes > LARGEST_FILE_BYTES:
        raise UsageError(
            "a file is too large for a bundle",
            where=file.path,
            expected=f"at most {LARGEST_FILE_BYTES} bytes",
            hint="send the folder itself",
        )
    tar.write(write_header(Header(path, file.size_bytes, mtime)))
    written = sum(tar.write(chunk) for chunk in file.chunks)
    if written != file.size_bytes:
        raise EvidenceError(
            "a file changed while it was read", where=file.path, expected=f"{file.size_bytes} bytes", got=str(written)
        )
    tar.write(bytes(padding(file.size_bytes)))


class _Packed:
    """Where the compressed bytes go, by the compressor's own thread: to the file, and into their digest.

    The compressor's header is replaced: versions of isal fill its last two bytes differently.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._header_left = len(HEADER)
        self.hasher = sha256_running()
        self.size_bytes = 0
        self._put(HEADER)

    def write(self, data: bytes) -> int:
        """Takes all of `data`; gives its length."""
        skipped = min(self._header_left, len(data))
        self._header_left -= skipped
        self._put(data[skipped:])
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def _put(self, data: bytes) -> None:
        self.hasher.update(data)
        self.size_bytes += len(data)
        view = memoryview(data)
        while view:
            view = view[self._stream.write(view) :]


class _Blocks:
    """Gathers what is written into blocks of one size, whatever the sizes of the pieces."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._block = bytearray(BLOCK_BYTES)
        self._view = memoryview(self._block)
        self._filled = 0
        self.hasher = sha256_running()
        self.size_bytes = 0

    def write(self, data: bytes | memoryview) -> int:
        """Takes all of `data`; gives its length."""
        size, start = len(data), 0
        while start < size:
            count = min(size - start, BLOCK_BYTES - self._filled)
            self._view[self._filled : self._filled + count] = data[start : start + count]
            self._filled += count
            start += count
            if self._filled == BLOCK_BYTES:
                self.flush()
        return size

    def flush(self) -> None:
        """Hands on what has gathered."""
        piece = self._view[: self._filled]
        self.hasher.update(piece)
        with _uninterrupted():
            self._target.write(piece)
        self.size_bytes += self._filled
        self._filled = 0


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Puts Ctrl-C off until a block is handed over.

    A compressor that counted a block and never got it waits for it for ever, and its closing with it (isal 1.8).
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])
