"""The verifiers that need nothing of AWO, as files: what a bundle has beside the run, and `--standalone` prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from awo.canon.digest import sha256_hex
from awo.evidence.layout import VERIFIERS

_FOLDER: Final = Path(__file__).with_name("standalone")


def verifier(name: str) -> bytes:
    """The bytes of one of `VERIFIERS`, as this version has it. Raises `OSError` where the installation lacks it."""
    return (_FOLDER / name).read_bytes()


def notes_on(beside: Mapping[str, str]) -> list[str]:
    """What a reader should know of the verifiers among what a bundle has beside the run, by name with digests."""
    return [
        f"the bundle brings a {name} that is not the one of this version: do not run it; "
        "`awo verify --standalone` prints a verifier that comes from AWO"
        for name, sha256 in beside.items()
        if name in VERIFIERS and sha256 != sha256_hex(verifier(name))
    ]
