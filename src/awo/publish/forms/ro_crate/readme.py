"""README.md beside a run: a word to whoever unpacks the archive. The Workflow RO-Crate profile asks for one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from awo.derive.markdown import code, inline
from awo.evidence.layout import CITATION, CRATE, SBOM, VERIFIERS
from awo.evidence.received import RECEIVE
from awo.publish.about.shapes import About
from awo.publish.described.shapes import Described

_WHAT: Final = {
    VERIFIERS[0]: "a verifier: one Python file that needs nothing installed",
    VERIFIERS[1]: "the same as a page: open it in a browser and give it this archive",
    CITATION: "how to cite this",
    CRATE: "what this is in the words of RO-Crate, for programs",
    SBOM: "software and models in the words of CycloneDX, for programs",
}


def readme_bytes(described: Described, about: About, beside: Collection[str]) -> bytes:
    """The text for a run with these files beside it, as UTF-8. Nothing in it is signed, and it says so."""
    facts, run_id = described.facts, described.run_id
    told = (
        f"{code(f'{run_id}/')} is a run of {inline(facts.software.name)} as sealed evidence. "
        f"It began at {facts.started_at} and ended at {facts.ended_at or 'a time that is not recorded'}: "
        f"{facts.outcome or 'not ended'}. Begin with {code(f'{run_id}/report.md')}."
    )
    check = (
        f"Check it before you rely on it: {code('sha256sum --strict --quiet -c SHA256SUMS')} inside "
        f"{code(f'{run_id}/')}, or {code(f'awo verify {run_id}')}."
    )
    parts = [f"* {code(name)}: {what}" for name, what in _WHAT.items() if name in beside]
    if any(step.record.op == RECEIVE and step.value is not None for step in facts.steps):
        check += " Some of it was received, not witnessed: those results are somebody else's word."
    last = "These files were made from the run and are no part of it: the seal covers the folder alone."
    lines = [f"# {inline(about.title or facts.input.name)}", "", told, "", check, "", *parts, "", last, ""]
    return "\n".join(lines).encode(errors="replace")
