"""Keeps what was read of the installed packages in the user's cache folder, for as long as the same are installed."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from awo.canon.json import encode_sorted
from awo.engine.machine.distributions import Distribution, elsewhere, listing_sha256, places, read_distributions

MOST_KEPT: Final = 16
"""Files in the cache: one for each set of packages that AWO was run with lately."""
LARGEST_BYTES: Final = 64 << 20
FORMAT: Final = "awo/distributions/v1"


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the cache. `listing_sha256` names the state of the installed packages that it tells of."""

    format: Literal["awo/distributions/v1"]
    listing_sha256: str
    found: list[Distribution]


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Where what is kept lies; None for a user who has no home. A relative path in the variable does not count, as its
    specification says (XDG Base Directory): it would lie in the project."""
    if os.path.isabs(given := environment.get("XDG_CACHE_HOME", "")):
        return Path(given) / "awo" / "distributions"
    try:
        return Path.home() / ".cache" / "awo" / "distributions"
    except RuntimeError:
        return None


def distributions(cache: Path | None) -> list[Distribution]:
    """The installed packages, from `cache` where it has them.

    Whatever is wrong with the cache, the packages are read anew; nothing of it stops a run.
    """
    found, others = places(), elsewhere()
    name = listing_sha256(found, others)
    if cache is None:
        return read_distributions(found, others)
    kept = _kept(cache / f"{name}.json", name)
    if kept is None:
        kept = read_distributions(found, others)
        _keep(cache, Kept(format=FORMAT, listing_sha256=name, found=kept))
    return kept


def _kept(path: Path, name: str) -> list[Distribution] | None:
    """What a file of the cache tells: a plain file of this user's, that nobody else may write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            is_own = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if not stat.S_ISREG(status.st_mode) or not is_own or status.st_size > LARGEST_BYTES:
                return None
            kept = msgspec.json.decode(stream.read(LARGEST_BYTES), type=Kept)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return kept.found if kept.listing_sha256 == name else None


def _keep(cache: Path, kept: Kept) -> None:
    """Writes one file whole, under a name of its own first, and takes away the oldest where there are too many."""
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, half = tempfile.mkstemp(prefix=".", suffix=".new", dir=cache)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(encode_sorted(kept))
            os.replace(half, cache / f"{kept.listing_sha256}.json")
        except OSError:
            os.unlink(half)
            raise
        by_age = sorted(cache.glob("*.json"), key=lambda one: one.stat().st_mtime_ns)
        for old in by_age[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
