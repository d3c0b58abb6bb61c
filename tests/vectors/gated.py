"""The packages behind the good vectors of gates: runs with people, panels, deadlines and lapses as they should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace as with_fields
from tests.vectors.builder import Package
from tests.vectors.people import (
    DECIDER_LINE,
    LEAD,
    LEAD_ID,
    LEAD_LINE,
    SEALER_LINE,
)
from tests.vectors.record import BEGUN_AT, SEED, sha256
from tests.vectors.stories import GATE, Vector, at_gate, save

from awo.canon import time
from awo.evidence import layout
from awo.evidence.gates import Need, Panel

ALL_LINES = (SEALER_LINE, DECIDER_LINE, LEAD_LINE)
LENA = f'[people."{LEAD_ID}"]\nname = "Lena L."\nroles = ["lead"]\n'
BOTH = (Need(role="reviewer", count=1), Need(role="lead", count=1))
TWO: Mapping[str, Any] = {"needs": BOTH}
OF_LEAD: Mapping[str, Any] = {"who": LEAD_ID, "key": LEAD, "role": "lead"}
HOUR_S = 3600
FIRST, SECOND = layout.decision_path(1, GATE), layout.decision_path(2, GATE)
VOTE = layout.vote_path(1, GATE)
PANEL_SEED = int(sha256(f"awo/panel/v1:{SEED}:{GATE}".encode())[:13], 16)
PANEL: Mapping[str, Any] = {"needs": BOTH, "panel": Panel(seed=PANEL_SEED, of=[], path="")}


def at(second: int) -> str:
    """The time that many seconds after the run began."""
    return time.spell(BEGUN_AT + second * 1_000_000)


def sealed(package: Package, exit_code: int = 0, *verdicts: Any, policy: str = "", **more: Any) -> Vector:
    """The vector of a package on which up to three people decided; readers know all of them."""
    package.signers = list(ALL_LINES)
    package.write_views()
    lines = "".join(f"{line}\n" for line in ALL_LINES)
    return Vector(package.freeze(), exit_code, *verdicts, **({"trust": lines, "policy": policy} | more))


def closed(package: Package) -> Package:
    """The gate is approved, and the run goes on to its end."""
    package.close_gate(GATE, "approved")
    save(package)
    return package


# --- good ----------------------------------------------------------------------------------------------------------


def quorum() -> Package:
    """Two people in two roles, each with a meaning of their own; not yet closed."""
    package = at_gate(asks={"needs": [BOTH[0], with_fields(BOTH[1], meaning="responsibility")]})
    package.decide(GATE, **OF_LEAD, meaning="responsibility")
    package.decide(GATE, meaning="review")
    return package


def panel() -> Package:
    """A blind gate at which both have voted, opened in the other order; not yet closed."""
    package = at_gate(asks=PANEL)
    first, second = package.vote(GATE), package.vote(GATE, **OF_LEAD)
    package.open_vote(second)
    package.open_vote(first)
    return package


def escalated() -> Package:
    """The deadline passed with one approval of two, and the lead decided; not yet closed."""
    asks = {"count": 2, "deadline_s": HOUR_S, "then": "escalate", "escalate": [BOTH[1]]}
    package = at_gate(asks=asks)
    package.decide(GATE)
    package.waited_s += HOUR_S
    package.pass_deadline(GATE, "escalate")
    package.decide(GATE, **OF_LEAD)
    return package


def withdrawn() -> Package:
    """Somebody took their approval back and then decided again; not yet closed."""
    package = at_gate(asks=TWO)
    package.decide(GATE)
    package.decide(GATE, "withdraw", answers=[])
    package.decide(GATE, **OF_LEAD)
    package.decide(GATE)
    return package


def revised() -> Package:
    """A run that was sent back."""
    package = at_gate()
    changes: Mapping[str, Any] = {"required_changes": ["Greet the reader by name"], "from_step": "greet"}
    package.decide(GATE, "revise", answers=[("polite", "no")], **changes)
    package.close_gate(GATE, "revised")
    package.end("rejected")
    return package


def lapsed(*, again: bool = True) -> Package:
    """An approval expired before the run went on, and was given `again`; not yet closed."""
    package = at_gate(asks={"lasts_s": HOUR_S})
    package.decide(GATE, expires_at=later(package, HOUR_S))
    package.close_gate(GATE, "approved", goes_on=False)
    package.waited_s += HOUR_S
    package.lapse(GATE)
    if again:
        package.decide(GATE, expires_at=later(package, HOUR_S))
    return package


def too_late() -> Package:
    """A run that nobody decided on in time."""
    package = at_gate(asks={"deadline_s": HOUR_S, "then": "reject"})
    package.waited_s += HOUR_S
    package.pass_deadline(GATE, "reject")
    package.close_gate(GATE, "rejected")
    package.end("rejected")
    return package


def later(package: Package, seconds: int) -> str:
    return time.later(package.now, seconds)


def good() -> dict[str, Vector]:
    """The vectors that verify."""
    both = f"[gates]\nneeds = {{ reviewer = 1, lead = {{ count = 1, meaning = 'responsibility' }} }}\n{LENA}"
    up = '[gates]\nneeds = { reviewer = 2 }\ndeadline = "60m"\nthen = "escalate"\nescalate = { lead = 1 }\n'
    return {
        "quorum": sealed(closed(quorum()), policy=both),
        "panel": sealed(closed(panel()), policy=LENA),
        "escalated": sealed(closed(escalated()), policy=f"{up}{LENA}"),
        "withdrawn": sealed(closed(withdrawn()), policy=LENA),
        "revised": Vector(revised().freeze(), 0),
        "lapsed": Vector(closed(lapsed()).freeze(), 0),
        "too-late": Vector(too_late().freeze(), 0),
    }
