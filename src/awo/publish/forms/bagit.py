"""`--as bagit`: a sealed run as a BagIt 1.0 bag, a folder with the package and what stands beside it under data/.

The same run and the same files beside it give the same bytes. Source: RFC 8493.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import awo
from awo.canon.digest import sha256_hex, sha256_running
from awo.derive.phrases import count
from awo.engine.folder import RESTORE, fsync_folder
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence.layout import VERIFIERS
from awo.evidence.records import Seal
from awo.publish.about.shapes import About
from awo.publish.described.shapes import Described
from awo.publish.forms.sealed import intact_seal
from awo.publish.forms.seam import Wanted, Written
from awo.publish.held import files_in
from awo.publish.placing import refuse_place
from awo.verify.source import Found
from awo.verify.verifiers import verifier

DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PAYLOAD: Final = "data"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
LONGEST_VALUE: Final = 500
"""Characters of one value in bag-info.txt; a description that is longer ends in an ellipsis."""


class BagIt:
    """Implements `awo.publish.forms.seam.Form`."""

    ending = ".bag"
    holds = "package"
    is_signed = False
    of_sealed = True

    def write(self, wanted: Wanted) -> Written:
        """As `Form.write`: a folder. Digests are taken of the bytes that are copied."""
        out, folder = wanted.place(self.ending), wanted.folder
        refuse_place(folder, out, "--output")
        if out.exists() or out.is_symlink():
            raise UsageError("there is a file of this name", where=str(out), hint="choose another --output")
        seal = intact_seal(folder, wanted.described)
        half = out.with_name(f".{out.name}.{secrets.token_hex(4)}.new")
        try:
            half.mkdir()
            bag = _Bag(half)
            for name, data in _beside(wanted.beside).items():
                bag.put(name, data)
            bag.copy_run(folder, wanted.described)
            bag.close(_told(wanted.described, wanted.about, seal))
            os.sync()  # once for all files: before the name says that they are there
            half.rename(out)
            fsync_folder(out.parent)
        except OSError as error:
            raise DiskTrouble(
                "the bag cannot be written",
                where=str(out),
                got=error.strerror or str(error),
                hint="choose another --output",
            ) from error
        finally:
            with suppress(OSError):
                shutil.rmtree(half, ignore_errors=True)
        facts = {"files": bag.files, "payload_bytes": bag.size_bytes, "manifest_sha256": bag.manifest_sha256}
        return Written(out, facts, (f"files: {bag.files}", *_warned(bag.encoded), f"next: bagit.py --validate {out}"))


class _Bag:
    """A bag that is being written in the folder `top`."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._digests: dict[str, str] = {}
        self.size_bytes = 0
        self.manifest_sha256 = ""

    @property
    def files(self) -> int:
        """How many files the payload has so far."""
        return len(self._digests)

    @property
    def encoded(self) -> int:
        """How many paths of the payload are spelled otherwise in the manifest."""
        return sum(_path(path) != path for path in self._digests)

    def put(self, name: str, data: bytes) -> None:
        """A small file of the payload."""
        self._copy(name, Found(name, len(data), (data,)))

    def copy_run(self, folder: Path, described: Described) -> None:
        """The package, each file held against its recorded digest. Raises `EvidenceError`."""
        expected = {file.path: file.sha256 for file in described.files}
        for found in files_in(folder, "a bag"):
            digest = self._copy(f"{described.run_id}/{found.path}", found)
            if digest != expected.pop(found.path, ""):
                raise EvidenceError(
                    "a file is not the one that was sealed", where=str(folder / found.path), got=digest, hint=RESTORE
                )
        if expected:
            raise EvidenceError("a file of a sealed run is missing", where=str(folder / min(expected)), hint=RESTORE)

    def close(self, info: Iterator[tuple[str, str]]) -> None:
        """Writes the tag files."""
        oxum = ("Payload-Oxum", f"{self.size_bytes}.{self.files}")
        tags = {
            "bag-info.txt": "".join(f"{label}: {value}\n" for label, value in (*info, oxum)).encode(),
            "bagit.txt": DECLARATION,
            MANIFEST: _manifest({f"{PAYLOAD}/{path}": digest for path, digest in self._digests.items()}),
        }
        self.manifest_sha256 = sha256_hex(tags[MANIFEST])
        tags[TAG_MANIFEST] = _manifest({name: sha256_hex(data) for name, data in tags.items()})
        for name, data in tags.items():
            (self._top / name).write_bytes(data)

    def _copy(self, path: str, found: Found) -> str:
        place = self._top / PAYLOAD / path
        place.parent.mkdir(parents=True, exist_ok=True)
        hasher, written = sha256_running(), 0
        with place.open("xb", buffering=0) as stream:
            for chunk in found.chunks:
                hasher.update(chunk)
                view = memoryview(chunk)
                while view:
                    taken = stream.write(view)
                    written += taken
                    view = view[taken:]
        self.size_bytes += written
        self._digests[path] = hasher.hexdigest()
        return self._digests[path]


def _warned(encoded: int) -> tuple[str, ...]:
    """bagit.py up to 1.9 decodes %0A and %0D, but not %25, in the paths of a manifest (RFC 8493 section 2.1.3)."""
    if not encoded:
        return ()
    return (f"note: {count(encoded, 'name')} with a per cent sign: bagit.py does not read that as RFC 8493 has it",)


def _manifest(digests: Mapping[str, str]) -> bytes:
    return b"".join(b"%b  %b\n" % (digests[path].encode(), _path(path).encode()) for path in sorted(digests))


def _path(path: str) -> str:
    """A path as a manifest spells it (RFC 8493 section 2.1.3)."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _beside(given: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: verifier(name) for name in VERIFIERS} | dict(given)


def _told(described: Described, about: About, seal: Seal) -> Iterator[tuple[str, str]]:
    """The lines of bag-info.txt, but Payload-Oxum. What nobody said is left out."""
    facts = described.facts
    for name in dict.fromkeys(one.name for one in about.creators if one.is_organization):
        yield "Source-Organization", _one_line(name)
    if words := about.description or about.title or facts.input.description or facts.input.name:
        yield "External-Description", _one_line(words)
    if about.doi:
        yield "External-Identifier", _one_line(f"doi:{about.doi}")
    yield "External-Identifier", described.run_id
    yield "Internal-Sender-Identifier", f"sha256:{described.seal_sha256}"
    yield "Internal-Sender-Description", "SHA-256 of the seal of this run"
    yield "Bagging-Date", seal.at[:10]
    yield "Bag-Software-Agent", f"awo {awo.__version__}"


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_VALUE else f"{line[: LONGEST_VALUE - 1]}…"
