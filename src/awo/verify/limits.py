"""How much of a stranger's package the judge is willing to read."""

from __future__ import annotations

from dataclasses import dataclass

RATIO = 500
RATIO_FREE_BYTES = 64 << 20


def is_bomb(unpacked_bytes: int, packed_bytes: int) -> bool:
    """Whether a bundle of `packed_bytes` that has given `unpacked_bytes` so far is refused as a bomb."""
    return unpacked_bytes > RATIO_FREE_BYTES and unpacked_bytes > RATIO * packed_bytes


EXCHANGES_FREE_BYTES = 4 << 30


def is_bomb_of_exchanges(unpacked_bytes: int, packed_bytes: int) -> bool:
    """Whether the frames of audit/raw/ have given so much that no more of them are unpacked.

    They have more room than a bundle: a server that answers with a gigabyte of zeros is a fact to keep.
    """
    return unpacked_bytes > EXCHANGES_FREE_BYTES and unpacked_bytes > RATIO * packed_bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. `kept_bytes` is for all records together that are held in memory.

    `spool_bytes` is for all outputs together that are kept on disk to be read again. Recomputing stops after
    `recompute_s` seconds, and does not begin a step whose `resamples` times the bytes that it reads times the
    results that it resamples are more than `resampled_bytes`: a plan is a stranger's text.
    """

    files: int = 5_000_000
    total_bytes: int = 1 << 40
    line_bytes: int = 64 << 20
    record_bytes: int = 64 << 20
    kept_bytes: int = 256 << 20
    sums_bytes: int = 1 << 30
    spool_bytes: int = 1 << 38
    recompute_s: float = 1800.0
    resampled_bytes: int = 10**13
