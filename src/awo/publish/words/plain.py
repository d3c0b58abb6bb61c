"""A reference as one line of plain text, for people."""

from __future__ import annotations

from typing import Final

from awo.publish.about.reference import MEDIUM, NO_AUTHORS, Reference

AUTHORS_NAMED: Final = 20


def reference_line(reference: Reference) -> str:
    """Authors, year, title, publisher, DOI and the digest of the seal. The text is still to be escaped."""
    names = [f"{one.family}, {one.given}" if one.given else one.name for one in reference.creators]
    who = "; ".join(names[:AUTHORS_NAMED]) + (" et al." if len(names) > AUTHORS_NAMED else "")
    version = f", version {reference.version}" if reference.version else ""
    parts = [
        f"{who or f'[{NO_AUTHORS}]'} ({reference.year}). {reference.title}{version} [{MEDIUM}].",
        f"{reference.publisher}." if reference.publisher else "",
        reference.address,
        f"SHA-256 of audit/seal.json: {reference.seal_sha256}.",
    ]
    return " ".join(part for part in parts if part)
