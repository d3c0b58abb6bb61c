"""`--as sbom`: the software bill of materials of a run as a file of its own."""

from __future__ import annotations

from awo.publish.forms.sbom import SPEC_VERSION, sbom_bytes
from awo.publish.forms.sealed import intact_seal
from awo.publish.forms.seam import Wanted, Written
from awo.publish.placing import new_file, refuse_place


class SbomFile:
    """Implements `awo.publish.forms.seam.Form`."""

    ending = ".cdx.json"
    holds = "facts"
    is_signed = False
    of_sealed = True

    def write(self, wanted: Wanted) -> Written:
        """As `Form.write`: the same bytes as sbom.cdx.json in the bundle."""
        out = wanted.place(self.ending)
        refuse_place(wanted.folder, out, "--output")
        seal = intact_seal(wanted.folder, wanted.described)
        data = sbom_bytes(wanted.described.facts, seal.at)
        with new_file(out, "--output") as stream:
            stream.write(data)
        return Written(out, {"spec_version": SPEC_VERSION, "size_bytes": len(data)}, (f"CycloneDX: {SPEC_VERSION}",))
