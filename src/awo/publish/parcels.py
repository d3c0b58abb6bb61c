"""What is sent of a run: its bundle, its report and its list of digests, each as a file with digests (ADR 0023)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from awo.canon.digest import sha256_and_md5_file, sha256_hex
from awo.canon.json import parse_canonical
from awo.errors import DiskTrouble, UsageError
from awo.evidence.layout import REPORT, SEAL, SEAL_SIGNATURE, SUMS
from awo.evidence.records import Seal
from awo.publish.bundle import export_bundle
from awo.publish.targets.seam import Parcel
from awo.verify.limits import Limits
from awo.withhold.sources import files_of, opener

SENDING = ".sending"
BUNDLE_ENDING = ".tar.gz"
BESIDES = (REPORT, SUMS)
"""What is sent beside the bundle, so that it can be read without unpacking it: as far as the package has it."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Package:
    """A sealed run as it will be sent: its folder, or an existing bundle of it, which is sent as it is."""

    path: Path
    run_id: str
    seal_sha256: str
    sealed_at: str = ""
    sealer_key: str = ""
    """The fingerprint of the key that sealed the run."""

    @property
    def is_bundle(self) -> bool:
        return self.path.is_file()

    @property
    def bundle_name(self) -> str:
        """What the bundle is called at a place."""
        return self.path.name if self.is_bundle else f"{self.run_id}{BUNDLE_ENDING}"


def package_at(path: Path) -> Package:
    """The sealed run in a folder or a bundle. Raises `UsageError` for one that is not sealed, `EvidenceError` and
    `CannotCheck`."""
    found = _members(path, (SEAL, SEAL_SIGNATURE))
    if len(found) < 2:
        raise UsageError(
            "only a sealed run is published",
            where=str(path),
            hint=f"bring it to its end with `awo resume {path.name}`, or freeze it with `awo seal {path.name}`",
        )
    seal = parse_canonical(found[SEAL], Seal, where=SEAL)
    if not path.is_dir() and not (path.name.endswith(BUNDLE_ENDING) and _PLAIN.fullmatch(path.name)):
        raise UsageError(
            "a bundle with this name is not published: places and addresses would spell it differently",
            where=path.name,
            expected="a name like run_2026-11-23T06-09-00Z.redacted.tar.gz of letters, digits, dots, - and _",
            hint="copy it to another name",
        )
    return Package(path, seal.run_id, sha256_hex(found[SEAL]), seal.at, seal.sealer.key)


def digest_of(package: Package) -> str:
    """SHA-256 (hex) of an existing bundle. Raises `DiskTrouble`."""
    return _parcel(package.bundle_name, package.path).sha256


@contextmanager
def workshop(folder: Path, name: str) -> Iterator[Path]:
    """An empty folder in `folder` for what is made to be sent; what an earlier command left in it is thrown away, and
    so is what this one leaves. Raises `DiskTrouble`."""
    place = folder / f".{name}{SENDING}"
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    except OSError as error:
        got = error.strerror or str(error)
        raise DiskTrouble("there is no room to prepare what is sent", where=str(place), got=got) from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def pack(
    package: Package, place: Path, beside: Mapping[str, bytes], progress: Callable[[int], None]
) -> tuple[Parcel, ...]:
    """What is sent, the bundle first; what has to be made is made in `place`. The same package and the same files
    beside it give the same bytes. Raises as `export_bundle`."""
    if package.is_bundle:
        bundle = package.path
    else:
        bundle = export_bundle(package.path, place / package.bundle_name, progress, beside=beside).path
    parcels = [_parcel(package.bundle_name, bundle)]
    for name, data in _members(package.path, BESIDES).items():
        try:
            (place / name).write_bytes(data)
        except OSError as error:
            raise DiskTrouble("there is no room to prepare what is sent", where=str(place), got=str(error)) from error
        parcels.append(_parcel(name, place / name))
    return tuple(parcels)


def _members(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """The bytes of some files of a package, as far as it has them, in the order of `names`."""
    if path.is_dir():
        return {name: data for name in names if (data := _plain(path / name)) is not None}
    found: dict[str, bytes] = {}
    with opener(path, Limits())() as source:
        for item in files_of(source):
            if item.path in names:
                found[item.path] = b"".join(bytes(chunk) for chunk in item.chunks)
    return {name: found[name] for name in names if name in found}


def _plain(path: Path) -> bytes | None:
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise DiskTrouble("a file of the run cannot be read", where=str(path), got=error.strerror or "") from error


def _parcel(name: str, path: Path) -> Parcel:
    try:
        sha256, md5, size_bytes = sha256_and_md5_file(path)
    except OSError as error:
        raise DiskTrouble("a file cannot be read", where=str(path), got=error.strerror or "") from error
    return Parcel(name, path, size_bytes, sha256, md5)
