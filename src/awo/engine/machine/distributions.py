"""The Python packages that this interpreter can import: name, version, licence, and the digest of what is installed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.engine.machine.addresses import public_address
from awo.evidence.events import MaybeSha256

LONGEST_WORD: Final = 200
LARGEST_FILE_BYTES: Final = 64 << 20
_ENDINGS: Final = (".dist-info", ".egg-info")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

Word = Annotated[str, Meta(max_length=LONGEST_WORD)]


class Distribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One installed package. What is not known is left out.

    `record_sha256` is over its RECORD as the installer wrote it: the list of every file of the package with the
    digest of each, compiled files and RECORD itself aside. `licence` is what the package declares as an SPDX
    expression. `address`, `commit` and `archive_sha256` are from direct_url.json (PEP 610), for a package that came
    from a repository or a file; `editable` for one that is used from its source folder.
    """

    name: Word
    version: Word
    record_sha256: MaybeSha256 = ""
    licence: Word = ""
    address: str = ""
    commit: Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$(?!\n)")] = ""
    archive_sha256: MaybeSha256 = ""
    editable: bool = False


class _VcsInfo(msgspec.Struct, frozen=True):
    commit_id: str = ""


class _ArchiveInfo(msgspec.Struct, frozen=True):
    hashes: dict[str, str] = {}
    hash: str = ""


class _DirInfo(msgspec.Struct, frozen=True):
    editable: bool = False


class _DirectUrl(msgspec.Struct, frozen=True):
    url: str = ""
    vcs_info: _VcsInfo = _VcsInfo()
    archive_info: _ArchiveInfo = _ArchiveInfo()
    dir_info: _DirInfo = _DirInfo()


class Place(msgspec.Struct, frozen=True):
    """A folder that says what is installed. `stamp` changes when its package is installed anew."""

    path: str
    stamp: tuple[int, int, int]


def places(path: Iterable[str] = ()) -> list[Place]:
    """Every such folder (or file, of very old packages) on `sys.path`, or on `path`, in that order."""
    found = []
    for folder in dict.fromkeys(path or sys.path):
        try:
            with os.scandir(folder or ".") as entries:
                named = sorted(entry.path for entry in entries if entry.name.endswith(_ENDINGS))
        except OSError:
            continue  # as the import system does: what cannot be listed has nothing to import
        found += [Place(one, _stamp(one)) for one in named]
    return found


def listing_sha256(found: Iterable[Place], others: Iterable[str]) -> str:
    """What names this state of the installed packages: equal only where the same are there, each as it was."""
    return sha256_hex(encode_sorted([[(one.path, one.stamp) for one in found], list(others)]))


def elsewhere(path: Iterable[str] = ()) -> list[str]:
    """Places on `sys.path` that are no plain folders (archives, eggs), with their times; Python's own reader reads
    them."""
    named = (one for one in dict.fromkeys(path or sys.path) if one.endswith(".egg") or os.path.isfile(one))
    return [f"{one} {_stamp(one)}" for one in named]


def read_distributions(found: Iterable[Place], others: Iterable[str]) -> list[Distribution]:
    """What is installed there, sorted by name, each name and version once: the first on the path."""
    known: dict[tuple[str, str], Distribution] = {}
    for one in (*_in_folders(found), *_in_archives(others)):
        known.setdefault((one.name, one.version), one)
    return sorted(known.values(), key=lambda one: (one.name.lower(), one.name, one.version))


def _in_folders(found: Iterable[Place]) -> Iterator[Distribution]:
    for place in found:
        data = _read(place.path, "METADATA") or _read(place.path, "PKG-INFO") or _read(place.path, "")
        said = _headers(data or b"")
        if not said.get("name"):
            continue
        record, origin = _read(place.path, "RECORD"), _origin(_read(place.path, "direct_url.json"))
        yield Distribution(
            name=said["name"],
            version=said.get("version", "unknown"),
            licence=said.get("license-expression", ""),
            record_sha256=sha256_hex(record) if record is not None else "",
            address=origin.address,
            commit=origin.commit,
            archive_sha256=origin.archive_sha256,
            editable=origin.editable,
        )


def _in_archives(others: Iterable[str]) -> Iterator[Distribution]:
    paths = [one.rpartition(" (")[0] for one in others]
    if not paths:
        return
    import importlib.metadata

    for one in importlib.metadata.distributions(path=paths):
        said = _headers((one.read_text("METADATA") or one.read_text("PKG-INFO") or "").encode())
        if said.get("name"):
            licence = said.get("license-expression", "")
            yield Distribution(name=said["name"], version=said.get("version", "unknown"), licence=licence)


def _headers(data: bytes) -> dict[str, str]:
    """The first of each of the fields that are looked at, by its name in lower case."""
    found: dict[str, str] = {}
    for line in data.splitlines():
        if not line.strip():
            break
        name, colon, value = line.partition(b":")
        key = name.decode(errors="replace").lower()
        if colon and key in ("name", "version", "license-expression"):
            found.setdefault(key, _word(value.decode(errors="replace")))
    return found


def _word(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.strip())[:LONGEST_WORD]


class _Origin(NamedTuple):
    """The fields of `Distribution` that say where a package came from."""

    address: str = ""
    commit: str = ""
    archive_sha256: str = ""
    editable: bool = False


def _origin(data: bytes | None) -> _Origin:
    if data is None:
        return _Origin()
    try:
        said = msgspec.json.decode(data, type=_DirectUrl)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Origin()
    hashes = said.archive_info.hashes
    archive = hashes.get("sha256") or said.archive_info.hash.removeprefix("sha256=")
    return _Origin(
        address=public_address(said.url),
        commit=said.vcs_info.commit_id if _COMMIT.fullmatch(said.vcs_info.commit_id) else "",
        archive_sha256=archive if re.fullmatch(r"[0-9a-f]{64}", archive) else "",
        editable=said.dir_info.editable,
    )


def _read(folder: str, name: str) -> bytes | None:
    path = os.path.join(folder, name) if name else folder
    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError:
        return None
    return data if len(data) <= LARGEST_FILE_BYTES else None


def _stamp(path: str) -> tuple[int, int, int]:
    """When the folder and the list of files in it changed last, and how long that list is; 0 for what is not there."""
    try:
        own = os.stat(path).st_mtime_ns
    except OSError:
        return 0, 0, 0
    try:
        record = os.stat(os.path.join(path, "RECORD"))
    except OSError:
        return own, 0, 0
    return own, record.st_mtime_ns, record.st_size
