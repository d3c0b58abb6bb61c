"""What a resampling begins with: a number that follows from the workflow's seed, the step and a place in the result."""

from __future__ import annotations

from dataclasses import dataclass

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for every number of one step."""

    step: str
    seed: int
    confidence: float
    resamples: int

    def seed_at(self, *place: str) -> int:
        """The first 52 bits of the SHA-256 of sorted compact JSON `[seed, step, ...place]` (spec section 3.16)."""
        return int(sha256_hex(encode_sorted([self.seed, self.step, *place]))[:13], 16)
