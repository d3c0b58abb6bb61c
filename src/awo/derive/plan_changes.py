"""Compares two plans: what the second says otherwise than the first, place by place. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from awo.evidence.plan_changes import ChangedKind, PlanChange
from awo.evidence.records import InputRecord
from awo.plugins import GATE_OPERATION

MOST_CHANGES: Final = 200
MOST_PLACES: Final = 10
LONGEST_VALUE: Final = 40

ORDER_OF_INPUTS: Final = "order of inputs"
PACE_OF_STEP: Final = ("retries", "timeout_s")
PACE_OF_MODEL: Final = ("price", "limits")
"""What of a step and of a model says nothing of the answers: how often, how fast and for how much."""

_ABSENT: Final = object()


def plan_changes(plan: InputRecord, earlier: InputRecord) -> list[PlanChange]:
    """The first 200 things that `plan` says otherwise than `earlier`, in the order of `_parts`.

    What follows from the time of planning (attempts of claims) is no change, nor is what a step needs of gates: they
    order and compute nothing. What says only how often, how fast and for how much is a setting, `pace of step ID` or
    `pace of model NAME`. A value stands in `what` only where both are short and neither is a list or a mapping.
    """
    found: list[PlanChange] = []
    for kind, now, then in _parts(plan, earlier):
        found += _changes(kind, now, then)
    return found[:MOST_CHANGES]


def _parts(
    plan: InputRecord, earlier: InputRecord
) -> Iterator[tuple[ChangedKind, Mapping[str, Any], Mapping[str, Any]]]:
    steps, steps_then = _steps(plan), _steps(earlier)
    models, models_then = _plain(plan.models), _plain(earlier.models)
    yield "step", _without(steps, PACE_OF_STEP), _without(steps_then, PACE_OF_STEP)
    yield "model", _without(models, PACE_OF_MODEL), _without(models_then, PACE_OF_MODEL)
    yield "input", plan.inputs, earlier.inputs
    yield "file", {file.path: file.sha256 for file in plan.files}, {file.path: file.sha256 for file in earlier.files}
    yield "data set", _plain(plan.data), _plain(earlier.data)
    yield "claim", _claims(plan), _claims(earlier)
    yield "setting", _settings(plan), _settings(earlier)
    yield "setting", _order_of_inputs(plan, earlier), _order_of_inputs(earlier, plan)
    for kind, now, then, names in (
        ("step", steps, steps_then, PACE_OF_STEP),
        ("model", models, models_then, PACE_OF_MODEL),
    ):
        both = now.keys() & then.keys()
        yield "setting", _pace(kind, now, names, both), _pace(kind, then, names, both)


def _steps(plan: InputRecord) -> dict[str, Any]:
    gates = {step.id for step in plan.steps if step.op == GATE_OPERATION}
    return {
        step.id: _plain(step)
        | {"args": step.arguments()}
        | ({} if step.op == GATE_OPERATION else {"needs": [need for need in step.needs if need not in gates]})
        for step in plan.steps
    }


def _without(things: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {id_: {key: part for key, part in one.items() if key not in names} for id_, one in things.items()}


def _pace(kind: str, things: Mapping[str, Any], names: Collection[str], both: Collection[str]) -> dict[str, Any]:
    """How often, how fast and for how much, of the things that both plans have."""
    return {
        f"pace of {kind} {id_}": {key: part for key, part in one.items() if key in names}
        for id_, one in things.items()
        if id_ in both
    }


def _claims(plan: InputRecord) -> dict[str, Any]:
    return {f"{claim.id} ({claim.step})": claim.sha256 for claim in plan.claims}


def _settings(plan: InputRecord) -> dict[str, Any]:
    return {"seed": plan.seed, "default_model": plan.default_model, "budget_usd": plan.budget_usd, "cache": plan.cache}


def _order_of_inputs(plan: InputRecord, other: InputRecord) -> dict[str, Any]:
    """A template that goes through all inputs sees their order."""
    return {ORDER_OF_INPUTS: [name for name in plan.inputs if name in other.inputs]}


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _changes(kind: ChangedKind, now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[PlanChange]:
    for name in [*then, *(name for name in now if name not in then)]:
        if name not in now:
            yield PlanChange(kind=kind, name=name, how="removed", what="")
        elif name not in then:
            yield PlanChange(kind=kind, name=name, how="added", what="")
        elif not _is_same(now[name], then[name]) or _ordered(kind, now[name]) != _ordered(kind, then[name]):
            places = list(_places(now[name], then[name], "")) or ["in another order"]
            more = f"; and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
            yield PlanChange(kind=kind, name=name, how="changed", what="; ".join(places[:MOST_PLACES]) + more)


def _is_same(now: Any, then: Any) -> bool:
    """Whether both are the same JSON, in whatever order: 1, 1.0 and true are three things in a template."""
    if now is _ABSENT or then is _ABSENT:
        return now is then
    return msgspec.json.encode(now, order="sorted") == msgspec.json.encode(then, order="sorted")


def _ordered(kind: ChangedKind, thing: Any) -> bytes:
    """That of a thing whose order counts: all of an input, the matrix of a step, and the schema that is sent."""
    match kind:
        case "input":
            return msgspec.json.encode(thing)
        case "step":
            cells = thing.get("cells") or {}
            return msgspec.json.encode([cells.get("matrix"), thing["args"].get("schema")])
        case _:
            return b""


def _places(now: Any, then: Any, path: str) -> Iterator[str]:
    """The places below `path` that differ, each in words."""
    if isinstance(now, dict) and isinstance(then, dict):
        for key in [*then, *(key for key in now if key not in then)]:
            mine, theirs = now.get(key, _ABSENT), then.get(key, _ABSENT)
            if not _is_same(mine, theirs):
                yield from _places(mine, theirs, f"{path}.{key}" if path else str(key))
        return
    yield f"{path}: {_told(now, then)}" if path else _told(now, then)


def _told(now: Any, then: Any) -> str:
    if _is_short(now) and _is_short(then):
        return f"{_said(then)} before, {_said(now)} now"
    if then is _ABSENT:
        return "added"
    return "removed" if now is _ABSENT else "differs"


def _is_short(value: Any) -> bool:
    return value is _ABSENT or (not isinstance(value, (dict, list)) and len(str(value)) <= LONGEST_VALUE)


def _said(value: Any) -> str:
    return "nothing" if value is _ABSENT else msgspec.json.encode(value).decode()
