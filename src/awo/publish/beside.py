"""What stands beside a run that leaves the machine: a citation, a crate, a list of parts, a word to the reader."""

from __future__ import annotations

from awo.errors import UsageError
from awo.evidence.layout import BESIDE, CITATION, CRATE, README, SBOM, VERIFIERS
from awo.publish.about.shapes import About
from awo.publish.described.shapes import Described
from awo.publish.forms.ro_crate.crate import crate_bytes
from awo.publish.forms.ro_crate.readme import readme_bytes
from awo.publish.forms.sbom import sbom_bytes
from awo.publish.words.cff import citation_cff
from awo.verify.verifiers import verifier


def describe_beside(described: Described, about: About, doi: str = "") -> dict[str, bytes]:
    """The files about a sealed run by their names, in the order of `BESIDE`, without the verifiers, which a bundle
    brings itself.

    Derived from the run and from what its authors say; the same of both gives the same bytes. `doi` is the run's own,
    bare, '' without one. Raises `UsageError` for a run that is not sealed.
    """
    seal = described.seal
    if seal is None:
        raise UsageError("only a sealed run is described for others", where=described.run_id)
    found = {CITATION: citation_cff(described, about, doi), SBOM: sbom_bytes(described.facts, seal.at)}
    found[README] = readme_bytes(described, about, [*VERIFIERS, *found, CRATE])
    verifiers = {name: verifier(name) for name in VERIFIERS}
    found[CRATE] = crate_bytes(described, about, verifiers | found, doi)
    return {name: found[name] for name in BESIDE if name in found}
