"""The operation `write_text`: a text becomes a file among the step's outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from awo.derive.texts import DERIVATION, WriteTextArgs
from awo.ops.derived import operation_of
from awo.ops.seam import Desk


async def perform(args: WriteTextArgs, desk: Desk) -> Any:
    """As `awo.derive.texts.written`. A text that holds a secret is refused whole (`secret_in_output`).

    Lines of a derivation are kept with secrets cut out; here the digest in the value names the text as it is.
    """
    derived = DERIVATION.compute(args, desk.sources)
    for name, pieces in derived.files.items():
        await desk.keep_file(name, b"".join(pieces))
    return derived.value


OPERATION = replace(operation_of(DERIVATION), perform=perform)
