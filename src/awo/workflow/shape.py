"""Whether plain values have the shape of a workflow: one conversion, and a list of faults only when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from awo.workflow.faults import Fault, described_value, named
from awo.workflow.schema import DIALECT, Pieces, pieces_of
from awo.workflow.words import StepKind

if TYPE_CHECKING:
    import jsonschema_rs

T = TypeVar("T")

_PLACE = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]")


class Checker:
    """Converts values to types, and lists every fault of a value that does not fit."""

    def __init__(self, operations: Mapping[str, StepKind]) -> None:
        self._operations = operations
        self._pieces: Pieces | None = None
        self._validators: dict[type, jsonschema_rs.Draft202012Validator] = {}

    def convert(self, value: Any, kind: type[T], *, also_known: Iterable[str] = ()) -> T | list[Fault]:
        """`value` as `kind`, or its faults. `also_known` are further words that a key may have been meant for."""
        try:
            return msgspec.convert(value, kind, strict=True)
        except msgspec.ValidationError as error:
            return self.faults(value, kind, also_known=also_known) or [_as_said(value, str(error))]

    def faults(self, value: Any, kind: type, *, also_known: Iterable[str] = ()) -> list[Fault]:
        """What the JSON Schema of `kind`, a type of a workflow file, finds wrong with `value`."""
        import jsonschema_rs

        from awo.workflow.schema_faults import Lister

        if self._pieces is None:
            self._pieces = pieces_of(self._operations)
        root = {
            "$schema": DIALECT,
            "$defs": self._pieces.definitions,
            "$ref": f"#/$defs/{self._pieces.places[kind]}",
        }
        if kind not in self._validators:
            self._validators[kind] = jsonschema_rs.Draft202012Validator(root)
        return Lister(root, also_known).faults(self._validators[kind].iter_errors(value))


def _as_said(value: Any, message: str) -> Fault:
    """The fault that only the type itself can see: what its `__post_init__` said, or 1.0 for a whole number."""
    sentence, _, place = message.partition(" - at `$")
    place = place.partition("[...]")[0]  # msgspec does not say which key of a mapping
    path = tuple(int(index) if index else key for key, index in _PLACE.findall(place))
    if not sentence.startswith("Expected "):
        return Fault(path, sentence.rstrip("."))
    inner, known = value, 0
    for part in path:
        if not isinstance(inner, (dict, list)) or (isinstance(inner, list) != isinstance(part, int)):
            break
        inner, known = inner[part], known + 1
    expected = "a whole number, without a decimal point" if "`int" in sentence else ""
    return Fault(path[:known], f"{named(path[:known])} has the wrong type", expected, described_value(inner))
