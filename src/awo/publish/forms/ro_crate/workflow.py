"""The workflow as it ran: input.json with its steps, its inputs, and what it was to give."""

from __future__ import annotations

from typing import Any, Final

from awo.evidence.layout import INPUT, REPORT
from awo.publish.described.shapes import Described
from awo.publish.forms.ro_crate.files import PackageFiles
from awo.publish.forms.ro_crate.graph import Graph, Ref, local_id, path_id, plain, ref_to, time_of
from awo.publish.forms.ro_crate.parts import Part
from awo.publish.forms.ro_crate.software import LANGUAGE, add_language, add_operation, type_of
from awo.publish.forms.ro_crate.versions import COMPUTATIONAL_WORKFLOW

REPORT_OUTPUT: Final = "#output/report"
MOST_INPUTS: Final = 500


def workflow_id(run_id: str) -> str:
    """The workflow is the file input.json."""
    return path_id(f"{run_id}/{INPUT}")


def step_id(part: Part) -> str:
    """The entity of a step as the workflow has it."""
    return local_id("step", part.id)


def add_inputs(graph: Graph, described: Described) -> list[Ref]:
    """The inputs of the workflow: values as they stand in input.json, and the files that it read, by their digests.

    The files themselves are not in the package: input.json has the text of small ones.
    """
    record, where = described.facts.input, f"{described.run_id}/{INPUT}"
    found = [_input(graph, "input", name, type_of(value), plain(value, where)) for name, value in record.inputs.items()]
    found += [
        _input(graph, "input-file", file.path, "Text", f"sha256:{file.sha256} ({file.size_bytes} bytes)")
        for file in record.files
    ]
    return found[:MOST_INPUTS]


def _input(graph: Graph, kind: str, name: str, type_: str, value: Any) -> Ref:
    parameter = graph.add(
        local_id(kind, name),
        "FormalParameter",
        name=name,
        additionalType=type_,
        workExample=ref_to(local_id(f"{kind}-value", name)),
    )
    return graph.add(local_id(f"{kind}-value", name), "PropertyValue", name=name, value=value, exampleOfWork=parameter)


def add_workflow(
    graph: Graph,
    described: Described,
    files: PackageFiles,
    parts: tuple[Part, ...],
    tools: list[Ref],
    shared: dict[str, Any],
) -> Ref:
    """The workflow with its steps. `tools` are what its steps ran; `shared` are more of its properties."""
    add_language(graph)
    record, id_ = described.facts.input, workflow_id(described.run_id)
    inputs = [
        entity["exampleOfWork"] for entity in graph if entity["@id"].startswith(("#input-value/", "#input-file-value/"))
    ]
    if files.has(REPORT):
        graph.add(REPORT_OUTPUT, "FormalParameter", name="report", additionalType="File", workExample=files.ref(REPORT))
        graph.extend(files.ref(REPORT)["@id"], exampleOfWork=ref_to(REPORT_OUTPUT))
    profile = graph.add(
        COMPUTATIONAL_WORKFLOW.address,
        "CreativeWork",
        name=COMPUTATIONAL_WORKFLOW.name,
        version=COMPUTATIONAL_WORKFLOW.version,
    )
    graph.extend(
        id_,
        **{"@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]},
        name=record.name,
        description=record.description or "The workflow as it ran, with its inputs resolved.",
        version=f"sha256:{record.source.sha256}",
        alternateName=record.source.path,
        conformsTo=profile,
        dateCreated=time_of(described.facts.started_at),
        programmingLanguage=ref_to(LANGUAGE),
        input=inputs,
        output=ref_to(REPORT_OUTPUT) if files.has(REPORT) else None,
        step=[_step(graph, described, part, number) for number, part in enumerate(parts, 1)],
        hasPart=tools,
        **shared,
    )
    return ref_to(id_)


def _step(graph: Graph, described: Described, part: Part, position: int) -> Ref:
    record = part.step.record
    if not part.is_one:
        said = f"{len(part.steps)} steps of {part.op}; input.json has each of them"
    elif part.step.reason is not None and not part.has_run:
        said = f"Not run: {part.step.reason.message}"
    else:
        said = "" if part.has_run else "Not run: the run ended before it."
    return graph.add(
        step_id(part),
        "HowToStep",
        name=part.id,
        description=said,
        position=position,
        workExample=add_operation(graph, described, record.op),
    )
