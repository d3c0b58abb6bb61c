"""The plan of a run that is replayed: the same steps, with every model answered from what it answered then."""

from __future__ import annotations

from msgspec.structs import replace

from awo.evidence.records import NO_LIMITS, InputRecord, ModelRecord, PriceRecord

FREE = PriceRecord(input_usd_per_mtok="0", output_usd_per_mtok="0", source="free")


def replayed(plan: InputRecord, origin: str) -> InputRecord:
    """`plan` with its models, but for stand-ins, replaced; `origin` is the run's folder from the workflow's."""
    models = {name: _replayed(name, model, origin) for name, model in plan.models.items()}
    return replace(plan, models=models, budget_usd="", cache=False)


def _replayed(name: str, model: ModelRecord, origin: str) -> ModelRecord:
    if model.backend in ("echo", "upper", "reverse"):
        return model
    return ModelRecord(
        backend="replay",
        model=origin,
        params={**model.params, "of": name},
        seed=model.seed,
        on_unknown="",
        price=FREE,
        limits=NO_LIMITS,
    )
