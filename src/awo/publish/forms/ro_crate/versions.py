"""Which RO-Crate and which of its profiles AWO writes: the one place that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RO_CRATE: Final = "https://w3id.org/ro/crate/1.1"
RO_CRATE_CONTEXT: Final = f"{RO_CRATE}/context"


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile by its permanent address."""

    address: str
    name: str
    version: str


WORKFLOW_RO_CRATE: Final = Profile(
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate Profile", "1.0"
)
RUN_PROFILES: Final = (
    Profile("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    Profile("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    Profile("https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"),
    WORKFLOW_RO_CRATE,
)
"""What the root says that it conforms to."""

COMPUTATIONAL_WORKFLOW: Final = Profile(
    "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE",
    "Bioschemas ComputationalWorkflow Profile",
    "1.0-RELEASE",
)

_RUN_TERMS = "https://w3id.org/ro/terms/workflow-run#"
CONTEXT: Final = (
    RO_CRATE_CONTEXT,
    {"sha256": f"{_RUN_TERMS}sha256", "environment": f"{_RUN_TERMS}environment"},
)
"""The terms of the run profiles that AWO uses stand here, so that a reader needs one context and no second address."""
