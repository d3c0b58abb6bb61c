"""What acted: AWO, Python, the operations, the models with what was asked of them and what answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from awo.evidence.layout import INPUT, METADATA
from awo.evidence.records import ModelRecord
from awo.publish.described.shapes import Described
from awo.publish.forms.ro_crate import not_stated
from awo.publish.forms.ro_crate.graph import Graph, Ref, local_id, plain, ref_to

AWO: Final = "#awo"
LANGUAGE: Final = "#awo-workflow-language"
MOST_FACTS: Final = 200
"""Facts of one machine or one model that stand in a crate; metadata.json has all of them."""


def add_awo(graph: Graph, described: Described) -> Ref:
    """The engine as the journal names it, with the Python that it ran on where that is on record."""
    facts = described.facts
    python = _environment(described).get("python", {})
    version = python.get("version", "") if isinstance(python, Mapping) else ""
    needs = (
        graph.add(
            "https://www.python.org/",
            "SoftwareApplication",
            name=str(python.get("implementation", "Python")),
            softwareVersion=str(version),
            url="https://www.python.org/",
        )
        if version
        else None
    )
    return graph.add(
        AWO,
        "SoftwareApplication",
        name=facts.software.name,
        softwareVersion=facts.software.version,
        url=not_stated.address(graph),
        softwareRequirements=needs,
    )


def add_language(graph: Graph) -> Ref:
    """The language of workflow files."""
    return graph.add(LANGUAGE, "ComputerLanguage", name="AWO workflow", alternateName="AWO")


def add_operation(graph: Graph, described: Described, op: str) -> Ref:
    """What a step can do is part of AWO and has its version."""
    return graph.add(
        local_id("operation", op),
        "SoftwareApplication",
        name=f"{described.facts.software.name} operation {op}",
        softwareVersion=described.facts.software.version,
        url=not_stated.address(graph),
        isPartOf=ref_to(AWO),
    )


def model_id(name: str) -> str:
    """The entity of a model, by its name in the workflow."""
    return local_id("model", name)


def add_model(graph: Graph, described: Described, name: str, run_id: str) -> Ref:
    """A model as it was asked for and as it answered.

    Its version is the name, or names, under which its answers came; where none did, the one that was asked for.
    """
    asked = described.facts.input.models.get(name)
    opened = described.facts.models.get(name)
    said: Mapping[str, Any] = opened.facts if opened is not None else {}
    answered = described.answered.get(name, ())
    asked_for = asked.model if asked is not None else name
    about = dict(_flat(said))
    weights = about.get("weights_sha256")
    where = f"{run_id}/{METADATA}"
    return graph.add(
        model_id(name),
        "SoftwareApplication",
        name=asked_for,
        alternateName=name if name != asked_for else "",
        description="A model that the run asked. What it said of itself when it was opened is listed as recorded.",
        softwareVersion=list(answered) or asked_for,
        sha256=weights if isinstance(weights, str) else "",
        url=not_stated.address(graph),
        input=_parameters(graph, name, asked, run_id),
        additionalProperty=[
            *graph.values("model-name", [name], {"asked for": asked_for, "answered as": ", ".join(answered)}, where),
            *graph.values("model-backend", [name], {"backend": asked.backend if asked is not None else ""}, where),
            *graph.values("model-fact", [name], about, where),
        ],
    )


def _parameters(graph: Graph, name: str, asked: ModelRecord | None, run_id: str) -> list[Ref]:
    """A FormalParameter for each parameter that the workflow sets; its value names it as its example."""
    return [
        graph.add(
            local_id("parameter", name, key),
            "FormalParameter",
            name=key,
            additionalType=type_of(value),
            workExample=ref_to(_value_id(name, key)),
        )
        for key, value in parameters_of(asked).items()
    ]


def add_parameter_values(graph: Graph, described: Described, name: str, run_id: str) -> list[Ref]:
    """The parameters of a model as every call of the run had them."""
    return [
        graph.add(
            _value_id(name, key),
            "PropertyValue",
            name=key,
            value=plain(value, f"{run_id}/{INPUT}"),
            exampleOfWork=ref_to(local_id("parameter", name, key)),
        )
        for key, value in parameters_of(described.facts.input.models.get(name)).items()
    ]


def parameters_of(asked: ModelRecord | None) -> dict[str, Any]:
    """What the workflow asks of a model: its parameters and its seed. None where it says nothing of it."""
    return {**asked.params, "seed": asked.seed} if asked is not None else {}


def _value_id(name: str, key: str) -> str:
    return local_id("parameter-value", name, key)


def type_of(value: Any) -> str:
    """The data type of schema.org that the profiles know for a value."""
    match value:
        case bool():
            return "Boolean"
        case int():
            return "Integer"
        case float():
            return "Float"
        case _:
            return "Text"


def add_environment(graph: Graph, described: Described, run_id: str) -> list[Ref]:
    """The machine as it was recorded at the start, fact by fact; lists of packages are the SBOM's."""
    return graph.values("environment", (), dict(_flat(_environment(described))), f"{run_id}/{METADATA}")


def _environment(described: Described) -> Mapping[str, Any]:
    environments = described.facts.environments
    return environments[0].environment if environments else {}


def _flat(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """`{"cpu": {"model": "x"}}` as `cpu.model`; lists of scalars as text, what is longer is left to metadata.json."""
    left = MOST_FACTS
    waiting: list[tuple[str, Any]] = list(facts.items())[::-1]
    while waiting and left:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend((f"{name}.{key}", inner) for key, inner in list(value.items())[::-1])
        elif not isinstance(value, (list, tuple)) and value not in ("", None):
            left -= 1
            yield name, value
