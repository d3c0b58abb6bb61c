"""What an AWO signature is for. A signature made for one purpose is refused for every other."""

from __future__ import annotations

SEAL = "awo-seal"
DECISION = "awo-decision"
REDACTION = "awo-redaction"
ADDENDUM = "awo-addendum"
