"""Libraries that only some kinds of score need: a missing one is told with the extra that brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from awo.derive.scores.seam import Spec
from awo.errors import CannotCheck
from awo.plugins import EXTRA_OF_MODULE


@contextmanager
def loaded(module: str, spec: Spec) -> Iterator[None]:
    """Around the import of a library. Raises `CannotCheck` with the `pip install` command where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise CannotCheck(
            f"scores of the kind {spec.__struct_config__.tag} need the package {missing}, which is not installed",
            hint=f"pip install 'awo[{EXTRA_OF_MODULE.get(module, 'text')}]'",
        ) from error
