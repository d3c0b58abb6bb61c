"""`awo export --as crate.zip`: the run and what describes it as one RO-Crate in a zip archive."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO, Final

from awo.canon.time import read
from awo.evidence.layout import CRATE, VERIFIERS
from awo.publish.beside import describe_beside
from awo.publish.forms.sealed import intact_seal
from awo.publish.forms.seam import Wanted, Written
from awo.publish.held import held_files_in
from awo.publish.placing import new_file, refuse_place
from awo.verify.verifiers import verifier

LEVEL: Final = 3
EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name."""
PACKED: Final = (".gz", ".png", ".zip", ".parquet")
"""What is compressed already is stored as it is."""
_LEVEL_FIELD: Final = "compress_level" if hasattr(zipfile.ZipInfo("x"), "compress_level") else "_compresslevel"
"""Public from Python 3.13 on."""
LARGE_BYTES: Final = zipfile.ZIP64_LIMIT // 2
"""From this size on a member gets the fields of 64 bits: deflate can make it larger, and it goes by only once."""


class CrateZip:
    """Implements `awo.publish.forms.seam.Form`."""

    ending = ".crate.zip"
    holds = "package"
    is_signed = False
    of_sealed = True

    def write(self, wanted: Wanted) -> Written:
        """As `Form.write`. The archive has one time, that of the seal, and one order; every file of the run is held
        against the digest that describes it while it goes by.
        """
        out, described = wanted.place(self.ending), wanted.described
        refuse_place(wanted.folder, out, "--output")
        seal = intact_seal(wanted.folder, described)
        beside = {name: verifier(name) for name in VERIFIERS}
        beside |= wanted.beside if CRATE in wanted.beside else describe_beside(described, wanted.about)
        moment = max(EARLIEST, time.gmtime(read(seal.at).timestamp())[:6])
        with new_file(out, "--output") as stream:
            written = _write(stream, wanted, beside, moment)
        return Written(
            out,
            {"files": len(described.files), "bytes": written},
            (f"{len(described.files)} files of the run and {len(beside)} about it",),
        )


def _write(stream: IO[bytes], wanted: Wanted, beside: Mapping[str, bytes], moment: tuple[int, ...]) -> int:
    """Writes the archive; gives how many bytes went in."""
    run_id, total = wanted.described.run_id, 0
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL, allowZip64=True) as archive:
        _put(archive, CRATE, (beside[CRATE],), len(beside[CRATE]), moment)
        folders: set[str] = set()
        for found in held_files_in(wanted.folder, "a crate", wanted.described.files):
            _put_folders(archive, f"{run_id}/{found.path}", folders, moment)
            _put(archive, f"{run_id}/{found.path}", found.chunks, found.size_bytes, moment)
            total += found.size_bytes
        for name, data in beside.items():
            if name != CRATE:
                _put(archive, name, (data,), len(data), moment)
    return total


def _put(
    archive: zipfile.ZipFile,
    name: str,
    chunks: Iterable[bytes | memoryview],
    size_bytes: int,
    moment: tuple[int, ...],
) -> None:
    info = zipfile.ZipInfo(name, moment)  # type: ignore[arg-type]
    info.create_system, info.external_attr = 3, 0o100644 << 16
    info.compress_type = zipfile.ZIP_STORED if name.endswith(PACKED) else zipfile.ZIP_DEFLATED
    setattr(info, _LEVEL_FIELD, LEVEL)
    info.file_size = size_bytes
    with archive.open(info, "w", force_zip64=size_bytes > LARGE_BYTES) as member:
        for chunk in chunks:
            member.write(chunk)


def _put_folders(archive: zipfile.ZipFile, path: str, there: set[str], moment: tuple[int, ...]) -> None:
    """The folders that a file lies in, as far as they are not `there` yet: readers of crates look for them by name."""
    parts = path.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        name = "/".join(parts[:count]) + "/"
        if name not in there:
            there.add(name)
            info = zipfile.ZipInfo(name, moment)  # type: ignore[arg-type]
            info.create_system, info.external_attr = 3, (0o40755 << 16) | 0x10
            archive.writestr(info, b"")
