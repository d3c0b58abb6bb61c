"""Makes an operation of a derivation: its value and files follow from arguments and earlier outputs alone."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec

from awo.derive.seam import Derivation
from awo.ops.seam import Desk, Operation
from awo.workflow.words import Args

A = TypeVar("A", bound=Args)


def operation_of(derivation: Derivation[A]) -> Operation[A]:
    """The operation that computes with `derivation` at its desk, and keeps what comes out."""

    async def perform(args: A, desk: Desk) -> Any:
        if derivation.is_heavy:
            derived = await asyncio.to_thread(derivation.compute, args, desk.sources)
        else:
            derived = derivation.compute(args, desk.sources)
        for name, lines in derived.files.items():
            await desk.keep_lines(name, lines)
        if derived.failure is not None:
            raise derived.failure
        return msgspec.to_builtins(derived.value)

    return Operation(
        name=derivation.name,
        summary=derivation.summary,
        args=derivation.args,
        purity="derived",
        perform=perform,
        reads_lines=derivation.reads_lines,
    )
