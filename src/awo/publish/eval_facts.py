"""What a run knows of a model and of its data, in the words of Every Eval Ever. What it does not know is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from awo.canon.json import encode_sorted
from awo.evidence.records import ModelRecord, StepRecord
from awo.inference.providers import PROVIDERS
from awo.publish.run_reader import RunReader

IN_THIS_PROCESS: Final = frozenset({"llama", "echo", "upper", "reverse"})
LONGEST_FACT: Final = 300
_NOT_PORTABLE = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(data|con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def portable(name: str) -> str:
    """`name` as a part of a path that every system takes; `unknown` where nothing is left of it."""
    kept = _NOT_PORTABLE.sub("-", name).strip("-. ")[:100].rstrip("-. ")
    return f"{kept}-" if _RESERVED.fullmatch(kept) else kept or "unknown"


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Every value as text, as the format wants its additional details: JSON, and texts as they are."""
    return {
        name: value if isinstance(value, str) else encode_sorted(value).decode()
        for name, value in values.items()
        if value is not None
    }


def model_info(reader: RunReader, name: str) -> dict[str, Any]:
    """The model that the workflow calls `name`. Who developed it is said where its name is `developer/model`."""
    record = reader.plan.models.get(name) or ModelRecord(backend=name, model=name, params={}, seed=0, on_unknown="")
    known = reader.facts.models.get(name)
    facts = dict(known.facts) if known is not None else {}
    asked = record.model
    if record.backend in IN_THIS_PROCESS:
        asked = str(facts.get("answered", asked)).replace("\\", "/").rpartition("/")[2] or name
    developer, slash, _ = asked.partition("/")
    short = {key: value for key, value in facts.items() if len(str(value)) <= LONGEST_FACT}
    info: dict[str, Any] = {
        "name": asked,
        "id": asked,
        "additional_details": texts(short)
        | {"deployment_type": _deployment(record, facts), "model_availability": "unknown"},
    }
    if slash and developer:
        info["developer"] = developer
    provider = PROVIDERS.get(record.backend)
    if record.backend == "llama":
        info["inference_engine"] = {"name": "llama.cpp"} | _version(facts.get("llama_cpp_build"))
    elif provider is not None and provider.is_local:
        info["inference_engine"] = {"name": record.backend} | _version(facts.get(record.backend))
    elif provider is not None and facts.get("endpoint") == provider.address:
        info["inference_platform"] = record.backend
    return info


def _version(told: Any) -> dict[str, str]:
    return {"version": told} if isinstance(told, str) and told else {}


def _deployment(record: ModelRecord, facts: Mapping[str, Any]) -> str:
    """Who controls the machine: known of a model in this process, and of a provider's own address."""
    if record.backend in IN_THIS_PROCESS:
        return "self_deployed"
    provider = PROVIDERS.get(record.backend)
    is_their_own = provider is not None and provider.address and facts.get("endpoint") == provider.address
    return "externally_managed" if is_their_own and provider is not None and not provider.is_local else "unknown"


def source_data(reader: RunReader, asked: StepRecord) -> dict[str, Any]:
    """The data set that a step goes over, directly or by the steps before it; without one, the workflow's name."""
    record = asked
    while record.cells is not None and record.cells.over is not None and record.cells.over.kind == "step":
        record = reader.record_of(record.cells.over.name)
    over = record.cells.over if record.cells is not None else None
    if over is None:
        return {"dataset_name": reader.plan.name, "source_type": "other"}
    data = reader.plan.data[over.name]
    sha256 = next((file.sha256 for file in reader.plan.files if file.path == data.path), None)
    details = {"path": data.path, "format": data.format, "rows": data.rows, "sha256": sha256}
    return {"dataset_name": over.name, "source_type": "other", "additional_details": texts(details)}
