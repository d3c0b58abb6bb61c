"""JSON Schemas of workflow files, made from the types: one for editors, and the pieces that find faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from awo.workflow.definition import (
    FAN_OUT_KEYS,
    STEP_KEYS,
    DataShape,
    LimitsShape,
    ModelShape,
    OverShape,
    PriceShape,
    RetryShape,
    StepShape,
    WorkflowShape,
)
from awo.workflow.one_x import NAMED_PROMPT_OPERATION
from awo.workflow.words import StepKind

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
WORKFLOW_ID: Final = "urn:awo:schema:workflow:v2"

Schema = dict[str, Any]

_INPUT: Final[Schema] = {
    "title": "Input",
    "description": "A plain value, {value: anything}, {file: path} for the text of a file, or {data: path}.",
    "anyOf": [
        {"type": ["string", "number", "boolean", "null", "array"]},
        {
            "type": "object",
            "properties": {
                "file": {"type": "string", "description": "Relative to the workflow file.", "x-awo": "read"}
            },
            "required": ["file"],
            "additionalProperties": False,
        },
        {"type": "object", "properties": {"value": {}}, "required": ["value"], "additionalProperties": False},
        {"$ref": "#/$defs/DataShape"},
    ],
}


def workflow_schema(operations: Mapping[str, StepKind]) -> Schema:
    """The published schema (draft 2020-12) of a workflow file whose steps may use `operations`.

    It says what one file's shape must be. That steps, models, inputs and files exist, and that
    steps form no circle, is for `awo validate`. JSON Schema counts 1.0 as an integer; AWO does not.
    """
    definitions, places = pieces_of(operations)
    workflow = definitions.pop(places[WorkflowShape])
    step_properties = definitions.pop(places[StepShape])["properties"]
    step_properties = {key: value for key, value in step_properties.items() if key not in ("op", "args")}
    arguments = {name: definitions[places[kind.args]] for name, kind in operations.items()}
    for kind in operations.values():
        definitions.pop(places[kind.args], None)
    workflow["properties"]["inputs"]["additionalProperties"] = {"$ref": "#/$defs/Input"}
    workflow["properties"]["steps"]["items"] = {"$ref": "#/$defs/Step"}
    definitions |= {"Input": _INPUT, "Step": _any_step(operations)}
    once = {key: value for key, value in step_properties.items() if key not in FAN_OUT_KEYS}
    for name, schema in arguments.items():
        definitions[f"step:{name}"] = _step_of(schema, step_properties if operations[name].can_fan_out else once, name)
    named_prompt = operations.get(NAMED_PROMPT_OPERATION)
    properties = step_properties if named_prompt and named_prompt.can_fan_out else once
    definitions["step:named-prompt"] = _named_prompt(arguments.get(NAMED_PROMPT_OPERATION), properties)
    published = {
        "$schema": DIALECT,
        "$id": WORKFLOW_ID,
        "title": "AWO workflow",
        "description": "A workflow file of AWO 2, in YAML or JSON. Files of AWO 1.x fit it too.",
        **{key: value for key, value in workflow.items() if key not in ("title", "description")},
        "$defs": dict(sorted(definitions.items())),
    }
    return _without_the_word_shape(published)


class Pieces(NamedTuple):
    """Schemas by name, and the name of each type's schema among them."""

    definitions: dict[str, Schema]
    places: dict[type, str]


def pieces_of(operations: Mapping[str, StepKind]) -> Pieces:
    """The schemas of the file, of a step's own keys, and of every operation's arguments, with all they refer to."""
    kinds: list[type] = [WorkflowShape, StepShape, DataShape, *(kind.args for kind in operations.values())]
    references, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    definitions: dict[str, Schema] = json.loads(msgspec.json.encode(components))
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = " ".join(definition["description"].split())
    names = [reference["$ref"].removeprefix("#/$defs/") for reference in references]
    return Pieces(definitions, dict(zip(kinds, names, strict=True)))


def _without_the_word_shape(schema: Schema) -> Schema:
    """The names of our types end in Shape; the names of a published schema need not."""
    text = json.dumps(schema)
    for kind in (ModelShape, RetryShape, DataShape, PriceShape, LimitsShape, OverShape):
        text = text.replace(kind.__name__, kind.__name__.removesuffix("Shape"))
    renamed: Schema = json.loads(text)
    return renamed


def _any_step(operations: Mapping[str, StepKind]) -> Schema:
    branches = [
        {
            "if": {"properties": {"op": {"const": name}}, "required": ["op"]},
            "then": {"$ref": f"#/$defs/step:{name}"},
        }
        for name in operations
    ]
    return {
        "title": "Step",
        "description": "One thing that is done: an operation, and its arguments beside it or in `args`.",
        "type": "object",
        "properties": {"op": {"enum": list(operations)}},
        "if": {"required": ["op"]},
        "then": {"allOf": branches},
        "else": {"$ref": "#/$defs/step:named-prompt"},
    }


def _step_of(args: Schema, step_properties: Schema, operation: str) -> Schema:
    """A step of one operation: each argument beside the step or in `args`, required ones in one of the two."""
    properties: Schema = args["properties"]
    beside = {name: schema for name, schema in properties.items() if name not in STEP_KEYS}
    only_inside = [name for name in properties if name in STEP_KEYS]
    inside = {"type": "object", "properties": properties, "additionalProperties": False}
    rules: list[Schema] = []
    for name in args.get("required", ()):
        in_args = {"properties": {"args": {"required": [name]}}, "required": ["args"]}
        rules.append(in_args if name in only_inside else {"anyOf": [{"required": [name]}, in_args]})
    rules += [{"not": {"properties": {"args": {"required": [name]}}, "required": ["args", name]}} for name in beside]
    return {
        "title": operation,
        **({"description": args["description"]} if "description" in args else {}),
        "type": "object",
        "properties": {**step_properties, "op": {"const": operation}, "args": inside, **beside},
        "additionalProperties": False,
        **({"allOf": rules} if rules else {}),
    }


def _named_prompt(args: Schema | None, step_properties: Schema) -> Schema:
    """A step of AWO 1.x that has a name and a prompt, and no operation. `args` is None when nothing can run it."""
    if args is None:
        return {"title": "Step without an operation", "required": ["op"]}
    schema = _step_of(args, step_properties, NAMED_PROMPT_OPERATION)
    del schema["properties"]["op"]
    schema["properties"]["name"] = {"type": "string", "description": "Stands for `id` in files of AWO 1.x."}
    schema["title"] = "Named prompt (AWO 1.x)"
    schema["required"] = ["name"]
    in_args = {"properties": {"args": {"required": ["prompt"]}}, "required": ["args"]}
    schema.setdefault("allOf", []).append({"anyOf": [{"required": ["prompt"]}, in_args]})
    return schema
