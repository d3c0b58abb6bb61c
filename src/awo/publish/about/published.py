"""Whether a run has a DOI: what its signed addenda say, and which of them is believed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from awo.evidence.publication import Addendum
from awo.publish.about.reference import NOT_PUBLISHED, Publication
from awo.publish.addenda import ReadAddendum, read_addenda
from awo.publish.described.shapes import Described
from awo.sign.allowed_signers import AllowedSigners

ZENODO = "zenodo"
TEST_PREFIX = "10.5072/"
"""DOIs of sandboxes, which lead nowhere (DataCite's prefix for tests)."""


class Found(NamedTuple):
    """Where a run was published, as far as it is believed, and a sentence for each addendum that is not used."""

    publication: Publication
    notes: tuple[str, ...]


def publication_of(described: Described, folder: Path, trust: AllowedSigners | None) -> Found:
    """The newest publication with a DOI, from the addenda in `folder` (`runs/publications/<run id>`).

    An addendum is believed when it holds, is about this seal, and was signed with the key that sealed the run or by
    somebody whom `trust` lets sign addenda. Nothing is raised for one that does not hold: it is left, and said.
    """
    sealer = described.seal.sealer.key if described.seal is not None else ""
    used, notes = NOT_PUBLISHED, []
    for one in read_addenda(folder, described.seal_sha256, trust):
        said, why = one.addendum, _why_not(one, sealer)
        if why:
            notes.append(f"{one.path.name} is not used: {why}")
        elif said is not None and said.doi:
            used = Publication(said.doi, _publisher(said), said.at[:10])
    return Found(used, tuple(notes))


def _why_not(one: ReadAddendum, sealer: str) -> str:
    if one.addendum is None or one.faults:
        return one.faults[0].partition("\n")[0] if one.faults else "it cannot be read"
    said = one.addendum
    if not (one.is_trusted or said.signer.key == sealer):
        return (
            f"{said.signer.id} signed it, with a key that neither sealed the run nor may sign addenda "
            '(namespaces="awo-addendum") by reviewers/allowed_signers'
        )
    if said.doi.startswith(TEST_PREFIX) or "sandbox" in said.place:
        return f"its DOI {said.doi} is one for tests, and leads nowhere"
    return ""


def _publisher(said: Addendum) -> str:
    return "Zenodo" if said.kind == ZENODO else urlsplit(said.place).hostname or ""
