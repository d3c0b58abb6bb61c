"""Reads a step as AWO 1.x wrote it: arguments beside the step or in `args`, ids and operations that may be missing.

The rules, which hold for every workflow file:
- A step without `id` is called `step_001`, `step_002`, … by its place in the list, counted from 1.
- A step without `op` that has `name` and `prompt` is an `llm_map` whose id is its name; where the name is
  no id, every run of other characters becomes one hyphen (`Ask the model` is `Ask-the-model`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from awo.workflow.definition import STEP_ID_PATTERN, STEP_KEYS

NAMED_PROMPT_OPERATION: Final = "llm_map"

NOTHING: Final[frozenset[str]] = frozenset()

_is_id = re.compile(STEP_ID_PATTERN)


@dataclass(frozen=True, slots=True)
class SplitStep:
    """A step taken apart: what every step may say, and the arguments of its operation from both places.

    `in_args` names the arguments that stood in `args`, `twice` those that stood in both places.
    """

    envelope: dict[str, Any]
    args: dict[str, Any]
    in_args: frozenset[str]
    twice: tuple[str, ...]


def split(step: dict[str, Any], number: int) -> SplitStep:
    """Takes step `number` (from 1) of the file apart. Nothing is checked here."""
    envelope = {key: step[key] for key in STEP_KEYS if key in step}
    beside = {key: value for key, value in step.items() if key not in envelope}
    inside = envelope.get("args")
    if isinstance(inside, dict):
        del envelope["args"]
    else:
        inside = {}
    name = beside.get("name")
    if "op" not in envelope and isinstance(name, str) and ("prompt" in beside or "prompt" in inside):
        del beside["name"]
        envelope["op"] = NAMED_PROMPT_OPERATION
        envelope.setdefault("id", id_from_name(name, number))
    envelope.setdefault("id", _id_by_place(number))
    in_args = frozenset(inside) if inside else NOTHING
    return SplitStep(envelope, {**beside, **inside}, in_args, tuple(k for k in beside if k in inside))


def id_from_name(name: str, number: int) -> str:
    """The id that stands for a step's `name`."""
    if _is_id.search(name):
        return name
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-_")[:64].rstrip("-_") or _id_by_place(number)


def _id_by_place(number: int) -> str:
    return f"step_{number:03d}"
