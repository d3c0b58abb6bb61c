"""What the models of a workflow cost, and whether a budget can bound it: settled before anything is asked."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from awo.engine.ahead import Ahead, asks_ahead, cells_record, first_cells, operation_of
from awo.evidence.records import InputRecord, ModelRecord, PriceRecord
from awo.lifecycle.worst_price import max_tokens_of, worst_price
from awo.workflow.definition import Model, Step
from awo.workflow.fan_out import Counted
from awo.workflow.faults import Fault

FREE: Final = PriceRecord(input_usd_per_mtok="0", output_usd_per_mtok="0", source="free")
MOST_CELLS_TRIED: Final = 1000


def price_of(model: Model, *, is_free: bool) -> PriceRecord | None:
    """The author's own price, nothing for a model that is free, else the list price; None when nobody says."""
    if model.price is not None:
        return PriceRecord(
            input_usd_per_mtok=model.price.input, output_usd_per_mtok=model.price.output, source="workflow"
        )
    if is_free:
        return FREE
    from awo.inference import prices

    listed = prices.price_of(model.backend, model.model)
    if listed is None:
        return None
    return PriceRecord(
        input_usd_per_mtok=listed.input_usd_per_mtok,
        output_usd_per_mtok=listed.output_usd_per_mtok,
        source=listed.source,
    )


def faults_of_prices(models: Mapping[str, Model], records: Mapping[str, ModelRecord]) -> Iterator[Fault]:
    """Each model of which nobody says what it costs: under a budget it cannot be asked."""
    hint = "write `price: {input: …, output: …}` in US dollars per million tokens, or `price: free`"
    if importlib.util.find_spec("genai_prices") is None:
        hint += "; a list of prices comes with pip install 'awo[http]'"
    for name, model in models.items():
        if records[name].price is None:
            what = f"nobody says what the model {name!r} costs, and the workflow has a budget"
            yield Fault(model.place, what, hint=hint)


def faults_of_bounds(steps: Iterable[Step], counted: Counted, record: InputRecord, root: Path) -> Iterator[Fault]:
    """Each step and model whose answers have no bound, as far as its first cells show; `record` is without steps."""
    for step in steps:
        operation = operation_of(step.op)
        if operation.requests is None:
            continue
        over = step.fan_out.over if step.fan_out else None
        ahead = Ahead(record, item_waits=over is not None and over.kind == "step")
        unbounded: dict[str, None] = {}
        for cell in first_cells(record, root, cells_record(step, counted), MOST_CELLS_TRIED):
            for ask in asks_ahead(operation, step.args, ahead, cell):
                model = record.models[ask.model]
                limit = max_tokens_of({**model.params, **ask.params})
                if worst_price(model.price, prompt_bytes=0, turns=0, images=0, max_tokens=limit) is None:
                    unbounded[ask.model] = None
        for name in unbounded:
            what = f"the answer of {name!r} has no bound, and the workflow has a budget"
            yield Fault(step.place, what, "`max_tokens`", hint="say `params: {max_tokens: N}` in the step or the model")
