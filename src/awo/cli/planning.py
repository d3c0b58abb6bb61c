"""The command `plan`: what a workflow will ask, what is left of a run, and what it can cost at most."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from awo import api
from awo.canon.usd import for_people, usd
from awo.cli.places import budget_option, project, runs_option
from awo.cli.printing import json_option, print_json, say, table
from awo.derive.phrases import count
from awo.engine.planning import Plan, StepPlan, Sum

HEADINGS: Final[tuple[str, ...]] = ("STEP", "DOES", "CELLS", "CALLS", "LEFT", "MODELS", "COSTS AT MOST")
MODELS_NAMED: Final = 4


@click.command()
@click.argument("target", metavar="FILE|RUN")
@budget_option
@runs_option
@json_option
def plan(target: str, budget: str, runs: Path | None, *, as_json: bool) -> None:
    """Say what the workflow in FILE will ask and cost at most; or what is left of RUN. Asks nobody.

    A call costs at most what its prompt and its max_tokens can cost. Sendings that fail and are repeated
    come on top.
    """
    here = project(runs)
    is_file, committed = Path(target).is_file(), 0
    if not is_file:
        so_far = api.facts(api.find_run(here, target))
        budget = budget or so_far.budget_usd
        committed = so_far.money.spent + so_far.money.unknown + so_far.money.reserved
    planned = api.plan(here, target, budget_usd=budget)
    if as_json:
        print_json(_as_json(planned, committed))
        return
    rows = [_row(step) for step in planned.steps]
    rows.append(("total", "", "", f"{planned.all.calls:,}", f"{planned.left.calls:,}", "", _cost(planned.all)))
    headings = HEADINGS
    if is_file:  # all of it is left
        at = HEADINGS.index("LEFT")
        headings, *rows = [(*row[:at], *row[at + 1 :]) for row in (HEADINGS, *rows)]
    if sys.stdout.isatty():
        _draw(rows, headings)
    else:
        say(*table(rows, headings))
    say("", *_sums(planned, committed))


def _sums(planned: Plan, committed: int) -> list[str]:
    said = []
    if planned.answered:
        said.append(
            f"{count(planned.answered, 'answer')} {'is' if planned.answered == 1 else 'are'} there already; "
            f"left: {count(planned.left.calls, 'call')}, at most {_cost(planned.left)}"
        )
    if not planned.left.calls:
        return said
    if planned.budget is None:
        said.append("No budget is set: --budget USD, or `budget` in the workflow, stops a run before it costs more.")
        return said
    budget = for_people(planned.budget)
    if committed:
        said.append(f"Spent and possibly spent so far: {for_people(committed)}.")
    if planned.left.unknown:
        said.append(f"Whether the budget of {budget} is enough is not known before it runs; it is never exceeded.")
    elif committed + planned.left.worst <= planned.budget:
        said.append(f"The budget of {budget} is enough whatever the answers are.")
    else:
        said.append(
            f"The budget of {budget} may not be enough: then the run pauses (code 9) before it costs more, and "
            "`awo resume --budget` goes on."
        )
    return said


def _row(step: StepPlan) -> tuple[str, ...]:
    asks = bool(step.all.calls)
    return (
        step.id,
        step.op,
        _cells(step),
        f"{step.all.calls:,}" if asks else "",
        f"{step.left.calls:,}" if asks else "",
        _models(step),
        _cost(step.all) if asks else "",
    )


def _cells(step: StepPlan) -> str:
    """`1,200 = 200 of reviews × 2 tone × 3 repeats`; nothing for a step that does its work once."""
    factors = [f"{step.rows:,} of {step.over}"] if step.over else []
    factors += [f"{len(values):,} {name}" for name, values in step.matrix.items()]
    if step.repeats > 1:
        factors.append(f"{step.repeats:,} repeats")
    return f"{step.cells:,} = {' × '.join(factors)}" if factors else ""


def _models(step: StepPlan) -> str:
    names = list(step.models)
    return ", ".join(names[:MODELS_NAMED]) + (
        f" and {len(names) - MODELS_NAMED} more" if len(names) > MODELS_NAMED else ""
    )


def _cost(amount: Sum) -> str:
    if not amount.unknown:
        return for_people(amount.worst)
    if amount.unknown == amount.calls:
        return "not known before it runs"
    return f"{for_people(amount.worst)} and {count(amount.unknown, 'call')} of a cost not known before"


def _draw(rows: list[tuple[str, ...]], headings: tuple[str, ...]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from awo.cli.progress import plain

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        shown.add_column(heading, justify="right" if heading in ("CALLS", "LEFT") else "left")
    for number, row in enumerate(rows):
        shown.add_row(*(plain(cell) for cell in row), end_section=number == len(rows) - 2)
    Console().print(shown)


def _as_json(planned: Plan, committed: int) -> dict[str, Any]:
    is_known = planned.budget is not None and not planned.left.unknown
    is_enough = committed + planned.left.worst <= (planned.budget or 0)
    return {
        "steps": [
            {
                "id": step.id,
                "op": step.op,
                "over": step.over,
                "rows": step.rows,
                "matrix": {name: list(values) for name, values in step.matrix.items()},
                "repeats": step.repeats,
                "cells": step.cells,
                "models": {name: _amount(amount) for name, amount in step.models.items()},
                "all": _amount(step.all),
                "left": _amount(step.left),
                "answered": step.answered,
            }
            for step in planned.steps
        ],
        "all": _amount(planned.all),
        "left": _amount(planned.left),
        "answered": planned.answered,
        "budget_usd": usd(planned.budget) if planned.budget is not None else "",
        "committed_usd": usd(committed),
        "is_enough": is_enough if is_known else None,
    }


def _amount(amount: Sum) -> dict[str, Any]:
    return {"calls": amount.calls, "worst_usd": usd(amount.worst), "calls_of_unknown_cost": amount.unknown}
