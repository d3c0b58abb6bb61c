"""The commands on workflow files: `validate`, `schema`."""

from __future__ import annotations

from pathlib import Path

import click

from awo import api
from awo.cli.gate_words import rules_amiss
from awo.cli.places import project
from awo.cli.printing import json_option, note, print_json, say
from awo.derive.phrases import count
from awo.evidence.schemas import SHAPES, schema_of
from awo.plugins import GATE_OPERATION


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def validate(file: Path, *, as_json: bool) -> None:
    """Check the workflow in FILE and list every problem with its line and column.

    Ends with 0 when it is valid and 8 when it is not. What this machine lacks to run it is told beside.
    """
    here = project()
    plan = api.promise(here, file)
    lacking = api.lacking(plan, file)
    gates = [step.id for step in plan.steps if step.op == GATE_OPERATION]
    if as_json:
        said = {"file": str(file), "name": plan.name, "steps": len(plan.steps), "gates": gates, "valid": True}
        print_json({**said, "lacking": lacking.what if lacking else ""})
    else:
        stops = f", stops at {', '.join(gates)}" if gates else ""
        say(f"{file} is valid: {plan.name}, {count(len(plan.steps), 'step')}{stops}")
        for amiss in rules_amiss(here.policy, gates):
            note(amiss)
        if lacking:
            note(f"this machine cannot run it yet: {lacking}")


@click.command()
@click.argument("name", type=click.Choice(["workflow", *SHAPES]), default="workflow")
@json_option
def schema(name: str, *, as_json: bool) -> None:
    """Print a JSON Schema: of workflow files, for editors, or of a shape of the evidence package."""
    print_json(api.workflow_schema() if name == "workflow" else schema_of(name))
