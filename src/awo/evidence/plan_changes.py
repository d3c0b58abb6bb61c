"""What the plan of a run says otherwise than that of the run which it supersedes (spec section 3.1)."""

from __future__ import annotations

from typing import Literal

import msgspec

ChangedKind = Literal["step", "model", "input", "file", "data set", "claim", "setting"]
ChangedHow = Literal["added", "removed", "changed"]


class PlanChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that was added, removed or changed. `name` is a step's id, a model's name, a file's path, …

    `what` names the places that differ, such as `args.params.temperature: 0 before, 0.8 now`; '' for a
    thing that was added or removed as a whole.
    """

    kind: ChangedKind
    name: str
    how: ChangedHow
    what: str
