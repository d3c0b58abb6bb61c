"""The packages of a run that fans out: exchanges, retries, a reused response, a budget; and what can be wrong there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace
from tests.vectors.builder import SOFTWARE, Package, step
from tests.vectors.record import PARAMS, sha256
from tests.vectors.stories import NOT_FOLLOWED, Vector

from awo.canon.json import encode_sorted
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.exchanges import Body
from awo.evidence.records import (
    CellsRecord,
    DataRecord,
    InputFile,
    ItemLine,
    LimitsRecord,
    ModelRecord,
    OverRecord,
    PriceRecord,
    StepRecord,
)

GREET = "greet"
PETS = b'{"name":"Ada"}\n{"name":"Bo"}\n'
NAMES, TONES = ("Ada", "Bo"), ("calm", "loud")
WORST, COST = "0.0002", "0.00005"
LOUD_FOR_BO = 3
"""The cell that gets no answer."""

ITEMS = layout.items_path(GREET)
RAW = layout.raw_path(1)


def prompt(cell: int) -> str:
    """What is asked in a cell: two rows, and for each two tones."""
    return f"greet {NAMES[cell // 2]}, {TONES[cell % 2]}"


def item(cell: int, calls: list[str], **changes: Any) -> ItemLine:
    """The result of a cell that was answered by these calls."""
    done = ItemLine(
        cell=cell,
        item=sha256(b'{"name":"%s"}' % NAMES[cell // 2].encode())[:16],
        matrix={"tone": TONES[cell % 2]},
        repeat=0,
        row={"name": NAMES[cell // 2]},
        status="done",
        reason=None,
        value={"text": prompt(cell), "model": "small", "call": calls[0], "stop_reason": "stop"} if calls else None,
        calls=calls,
    )
    return replace(done, **changes)


def begun(*, budget_usd: str = "0.0004", then: Sequence[StepRecord] = (), **cells: Any) -> Package:
    """A run that is about to ask in each of four cells, with further steps."""
    fan_out = CellsRecord(
        over=OverRecord(kind="data", name="pets"), matrix={"tone": list(TONES)}, repeats=1, max_failed=1
    )
    greet = replace(
        step(GREET, "llm_map", prompt="greet {{ item.name }}, {{ matrix.tone }}"), cells=replace(fan_out, **cells)
    )
    pets = InputFile(
        path="pets.jsonl", sha256=sha256(PETS), size_bytes=len(PETS), encoding="utf-8", content=PETS.decode()
    )
    small = ModelRecord(
        backend="openai",
        model="small-1",
        params=PARAMS,
        seed=7,
        on_unknown="",
        price=PriceRecord(input_usd_per_mtok="1", output_usd_per_mtok="2.5", source="workflow"),
        limits=LimitsRecord(in_flight=2, requests_per_minute=60, tokens_per_minute=0, tries=3, timeout_s=30.0),
    )
    package = Package(
        [greet, *then],
        files=[pets],
        models={"small": small},
        default_model="small",
        budget_usd=budget_usd,
        cache=True,
        data={"pets": DataRecord(path="pets.jsonl", format="jsonl", id_column="", rows=2, columns=["name"])},
    )
    package.event(ev.ModelRecorded, model="small", facts={"backend": "openai", "answered": "small-1"})
    return package


def intend(package: Package, cell: int, **fields: Any) -> ev.CallIntended:
    """A request of a cell will be sent."""
    return package.intend(GREET, prompt(cell), cell=cell, model="small", **({"worst_price": WORST} | fields))


def fan_out(package: Package, attempt: int = 1, cells: int = 4) -> None:
    """An attempt begins."""
    package.start(GREET, attempt)
    package.event(ev.FannedOut, step=GREET, attempt=attempt, cells=cells, asks=cells)


def stopped(package: Package, *, stranger: bool = False) -> Package:
    """The first process: an answer, a retry, a reused response, a timeout, and then the budget is used up.

    With `stranger` the exchange of the first call is that of another.
    """
    fan_out(package)
    first = intend(package, 0)
    package.answer(first, cost=COST, exchange=package.exchange(first, call="7" if stranger else first.call))
    limited = intend(package, 1)
    package.no_answer(limited, "rate_limited", exchange=package.exchange(limited, 429))
    slower = ev.Reason(code="rate_limited", message="the provider asks for fewer calls")
    package.event(ev.LimitChanged, model="small", in_flight=1, reason=slower)
    again = intend(package, 1, tries=2, because="rate_limited")
    package.answer(again, cost=COST, exchange=package.exchange(again))
    package.reuse(GREET, prompt(2), cell=2, model="small")
    slow = intend(package, LOUD_FOR_BO)
    package.no_answer(slow, "timeout", may_have_cost=True, exchange=package.exchange(slow, 0))
    package.event(ev.BudgetReached, step=GREET, budget="0.0004", spent="0.0001", unknown=WORST, worst=WORST)
    return package


def resumed(package: Package) -> Package:
    """The second process: more money, a call that was killed, and an answer that is no text; in a second segment."""
    package.event(ev.RunResumed, software=SOFTWARE)
    package.event(ev.BudgetSet, usd="0.01")
    package.segment = 2
    fan_out(package, 2)
    killed = intend(package, LOUD_FOR_BO, attempt=2)
    package.event(ev.RunResumed, software=SOFTWARE)
    package.event(ev.CallUnknown, step=GREET, call=killed.call, policy="retry", exchange=None)
    fan_out(package, 3)
    last = intend(package, LOUD_FOR_BO, attempt=3)
    picture = Body(headers=[("content-type", "image/png")], encoding="base64", content="iVBORw==")
    package.no_answer(last, "bad_answer", exchange=package.exchange(last, response=picture))
    return package


def written(package: Package, items: list[ItemLine], **value: Any) -> Package:
    """The step is done with these items, and the run with it."""
    package.put(ITEMS, b"".join(encode_sorted(one) + b"\n" for one in items))
    usual = {"cells": len(items), "done": 3, "failed": 1, "path": ITEMS}
    package.finish(GREET, usual | value, attempt=3)
    package.end("completed")
    return package


def again(items: list[ItemLine], cells: int) -> Package:
    """The run with a second step that goes over the cells of the first and says that it has so many."""
    over = CellsRecord(over=OverRecord(kind="step", name=GREET), matrix={}, repeats=1, max_failed=0)
    package = resumed(stopped(begun(then=[replace(step("again", "command", GREET), cells=over)])))
    package.put(ITEMS, b"".join(encode_sorted(one) + b"\n" for one in results()))
    package.finish(GREET, {"cells": 4, "done": 3, "failed": 1, "path": ITEMS}, attempt=3)
    path = layout.items_path("again")
    package.start("again")
    package.event(ev.FannedOut, step="again", attempt=1, cells=cells, asks=0)
    package.put(path, b"".join(encode_sorted(one) + b"\n" for one in items))
    package.finish("again", {"cells": len(items), "done": len(items), "failed": 0, "path": path})
    package.end("completed")
    return package


def over_items() -> list[ItemLine]:
    """What the second step has for each cell of the first that is done."""
    done = [one for one in results() if one.status == "done"]
    return [
        replace(
            one,
            cell=cell,
            matrix={},
            row={"id": one.item, "row": one.row, "matrix": one.matrix, "repeat": one.repeat, "value": one.value},
            calls=[],
        )
        for cell, one in enumerate(done)
    ]


def results() -> list[ItemLine]:
    """What the four cells came to."""
    reason = ev.Reason(code="bad_answer", message="the model gave no answer")
    failed = item(LOUD_FOR_BO, [], status="failed", reason=reason, value=None)
    return [item(0, ["0"]), item(1, ["2"]), item(2, ["r2"]), failed]


def greeted(*, stranger: bool = False) -> Package:
    """The whole run, not yet sealed."""
    return written(resumed(stopped(begun(), stranger=stranger)), results())


def waiting_for_money() -> Package:
    """The run after its first process, with the tail of a frame that was cut off."""
    package = stopped(begun())
    package.write_views()
    package.files[RAW] += b"\x1f\x8b\x08"
    return package


NO_SEAL = ("EP-1.3", "EP-2.1", "EP-2.2", "EP-2.3", "EP-2.4", "EP-2.11", "EP-3.2", "EP-4.1", "EP-4.2", "EP-4.7")


def good() -> dict[str, Vector]:
    """The vectors that verify."""
    return {
        "fan-out": Vector(greeted().freeze(), 0),
        "over-budget": Vector(waiting_for_money(), 7, not_checked=NO_SEAL, where=layout.SEAL),
    }


def bad() -> dict[str, Vector]:
    """The vectors that fail, by the id of their check, with a word after it where there are several."""
    return {name: make() for name, make in _BAD.items()}


def _exchange_of_another_call() -> Vector:
    return Vector(greeted(stranger=True).freeze(), 3, ("EP-1.7",), where=f"{RAW}, byte 0")


def _items_out_of_order() -> Vector:
    first, second, *rest = results()
    package = written(resumed(stopped(begun())), [second, first, *rest])
    return Vector(package.freeze(), 3, ("EP-1.8",), ("EP-5.1",), f"{ITEMS}:1")


def _altered_exchange() -> Vector:
    package = greeted()
    package.put(RAW, package.files[RAW].replace(b'"elapsed_ms":12', b'"elapsed_ms":21', 1))
    return Vector(package.freeze(), 3, ("EP-2.9",), where=f"{RAW}, byte 0")


def _missing_exchange() -> Vector:
    package = greeted()
    path = layout.raw_path(2)
    del package.files[path]
    return Vector(package.freeze(), 3, ("EP-2.9",), where=path)


def _cut_segment() -> Vector:
    package = greeted()
    package.put(RAW, package.files[RAW][:-1])
    return Vector(package.freeze(), 3, ("EP-2.9",), where=RAW)


def _unnamed_exchange() -> Vector:
    package = greeted()
    frames = package.files[RAW]
    package.put(RAW, frames + frames[:100])
    return Vector(package.freeze(), 3, ("EP-2.9",), where=RAW)


def _unnamed_segment() -> Vector:
    package = greeted()
    path = layout.raw_path(3)
    package.put(path, package.files[RAW])
    return Vector(package.freeze(), 3, ("EP-2.9",), where=path)


def _too_few_items() -> Vector:
    package = written(resumed(stopped(begun())), results()[:3], done=3, failed=0)
    return Vector(package.freeze(), 3, ("EP-2.10",), where=ITEMS)


def _value_counts_otherwise() -> Vector:
    package = written(resumed(stopped(begun())), results(), done=4, failed=0)
    return Vector(package.freeze(), 3, ("EP-2.10",), where=layout.value_path(GREET))


def _response_to_another_request() -> Vector:
    package = begun()
    fan_out(package)
    package.answer(intend(package, 0, request_sha256=sha256(b"something else")), cost=COST)
    package.event(ev.RunResumed, software=SOFTWARE)
    package.end("abandoned")
    return Vector(package.freeze(), 3, ("EP-1.6",), where=f"{layout.responses_path(GREET)}:1")


def _over_budget() -> Vector:
    package = begun(budget_usd="0.0003")
    fan_out(package)
    intend(package, 0)
    broken = len(package.lines) + 1
    intend(package, 1)
    package.event(ev.RunResumed, software=SOFTWARE)
    package.end("abandoned")
    return Vector(package.freeze(), 3, ("EP-3.1",), ("EP-3.3", *NOT_FOLLOWED), where=f"{layout.JOURNAL}:{broken}")


_BAD: dict[str, Callable[[], Vector]] = {
    "EP-1.6-request": _response_to_another_request,
    "EP-1.7": _exchange_of_another_call,
    "EP-1.8": _items_out_of_order,
    "EP-2.9": _altered_exchange,
    "EP-2.9-missing": _missing_exchange,
    "EP-2.9-cut": _cut_segment,
    "EP-2.9-unnamed": _unnamed_exchange,
    "EP-2.9-segment": _unnamed_segment,
    "EP-2.10": _too_few_items,
    "EP-2.10-value": _value_counts_otherwise,
    "EP-3.1-budget": _over_budget,
}
