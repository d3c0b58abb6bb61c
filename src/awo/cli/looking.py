"""The commands that look at runs: `status`, `list`, `show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.importing_words import arrival_as_dict, arrival_in_words, received_in_words
from awo.cli.places import find, named, project, run_argument, runs_option
from awo.cli.printing import in_dollars, json_option, print_json, say, table
from awo.cli.results import for_programs, in_lines
from awo.derive.facts import RunFacts, StepStatus
from awo.derive.phrases import moment
from awo.derive.report.money import money_in_brief
from awo.errors import AwoError


@click.command()
@run_argument
@runs_option
@json_option
def status(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """Say how RUN stands, and what to do next."""
    here, folder = find(run_name, runs)
    facts = api.facts(folder)
    summary = _summary(here, folder, facts)
    if as_json:
        print_json(summary)
        return
    steps = ", ".join(f"{count} {_in_words(name)}" for name, count in summary["steps"].items())
    say(f"{summary['run']}: {summary['state']}", f"steps: {steps}", f"responses: {summary['responses']}")
    if money := money_in_brief(facts):
        say(f"money: {money}")
    if summary["is_immutable"]:
        say("its files have the immutable flag")
    if summary["gate"]:
        say(f"waits at the gate {summary['gate']}: awo gates {named(here, folder)}")
    say(f"next: {summary['next']}")


@click.command("list")
@runs_option
@json_option
def list_runs(runs: Path | None, *, as_json: bool) -> None:
    """List the runs of the project, oldest first."""
    here = project(runs)
    found = [_summary_or_problem(here, folder) for folder in api.run_folders(here)]
    if as_json:
        print_json({"runs": found})
        return
    if not found:
        say(f"no runs in {here.runs}")
        return
    rows = [
        (row["run"], row["state"], row.get("name", ""), str(row.get("responses", "")), _related(row)) for row in found
    ]
    headings = ("RUN", "STATE", "WORKFLOW", "RESPONSES", "OTHER RUN")
    shown = len(headings) if any(row[-1] for row in rows) else len(headings) - 1
    say(*table((row[:shown] for row in rows), headings[:shown]))


@click.command()
@run_argument
@runs_option
@json_option
def show(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """Show RUN: its steps, models, decisions and where its files are."""
    here, folder = find(run_name, runs)
    facts = api.facts(folder)
    found = api.outcomes(folder, facts)
    came, received = api.arrival(here, folder.name), api.received(folder, facts)
    if as_json:
        more = {"results": for_programs(found), "received": received}
        print_json(_details(here, folder, facts) | more | _flagged(folder))
        return
    say(f"{facts.run_id}: {_state(folder, facts)}", f"workflow: {facts.input.name}")
    say(f"started {moment(facts.started_at)} by {facts.starter.id}")
    if came is not None:
        say(f"imported: {arrival_in_words(came)}")
    for value in received:
        say("", *received_in_words(value))
    rows = [
        (s.record.id, s.record.op, _in_words(s.status.value), str(s.attempts), s.reason.message if s.reason else "")
        for s in facts.steps
    ]
    say("", *table(rows, ("STEP", "OPERATION", "STATUS", "ATTEMPTS", "REASON")))
    for name, model in facts.models.items():
        digest = str(model.facts.get("weights_sha256", ""))[:16]
        known = model.facts.get("answered") or model.facts.get("asked") or name
        say(f"model {name}: {known} {digest}".rstrip())
    if origin := _origin(facts):
        say(origin)
    say(*_chain(here, facts))
    if money := money_in_brief(facts):
        say(f"money: {money}")
    for gate in facts.gates:
        say(f"gate {gate.gate}: {gate.verdict or 'waits'}")
        for decision in gate.decisions:
            say(f"  {decision.verdict} by {decision.signer}: {decision.decision.path}")
            if told := api.relayed_in_words(folder, decision):
                say(f"    {told}")
    if results := in_lines(found, folder):
        say("", *results)
    if (flags := api.flagged(folder)).immutable:
        say("", flags.said())
    say("", f"report: {folder / 'report.md'}")


def _flagged(folder: Path) -> dict[str, Any]:
    flags = api.flagged(folder)
    return {"immutable": {"files": flags.files, "immutable": flags.immutable}}


def _chain(here: api.Project, facts: RunFacts) -> list[str]:
    """The attempts before a run and after it, one a line; nothing for a run that stands alone."""
    later = api.later_attempts(here, facts.run_id)
    if not facts.input.earlier and not later:
        return []
    said = ["attempts:"]
    for number, one in enumerate(facts.input.earlier, start=1):
        said.append(f"  {number}  {one.run_id}  {one.outcome or 'not finished'}")
        said += [f"       {taken.verdict} by {taken.signer} at {taken.gate}" for taken in one.decisions]
        said += [f"       reason: {one.reason}"] if one.reason else []
        said += [f"       asked for: {change}" for change in one.required_changes]
    here_number = len(facts.input.earlier) + 1
    taken_over = ", ".join(step.record.id for step in facts.steps if step.reused_from)
    said.append(f"  {here_number}  {facts.run_id}  this run")
    if facts.input.revises:
        said.append(f"       {facts.calls.reused} of {facts.calls.responses} responses taken over, or used again")
    said += [f"       copied: {taken_over}"] if taken_over else []
    return said + [f"  later  {run_id}" for run_id in later]


def _related(row: dict[str, Any]) -> str:
    """Which other run a run corrects, or whose answers it scores; the latter it supersedes anyway."""
    supersedes, rescores = row.get("supersedes"), row.get("rescores")
    revises = row.get("revises")
    said = [f"scores {rescores} again"] if rescores else [f"revises {revises}"] if revises else []
    if supersedes and supersedes not in (rescores, revises):
        said.append(f"supersedes {supersedes}")
    return ", ".join(["imported", *said] if row.get("imported") else said)


def _origin(facts: RunFacts) -> str:
    """Where the responses come from, if not all of them are answers to calls of this run."""
    if facts.input.rescores:
        return f"scores {facts.input.rescores} again: {facts.calls.reused} responses are from there, no model was asked"
    return f"responses: {facts.calls.reused} of {facts.calls.responses} from other runs" if facts.calls.reused else ""


def _in_words(status: str) -> str:
    """A step that is `running` may have lost its process."""
    return "begun" if status == StepStatus.RUNNING.value else status.replace("_", " ")


def _summary(here: api.Project, folder: Path, facts: RunFacts) -> dict[str, Any]:
    gate = facts.open_gate
    counts = {one.value: len(facts.with_status(one)) for one in StepStatus if facts.with_status(one)}
    return {
        "run": facts.run_id,
        "folder": str(folder),
        "name": facts.input.name,
        "state": _state(folder, facts),
        "outcome": facts.outcome,
        "is_sealed": api.is_sealed(folder),
        "is_immutable": api.is_marked_immutable(folder),
        "gate": gate.gate if gate else "",
        "steps": counts,
        "responses": facts.calls.responses,
        "money": in_dollars(facts.money, facts.budget_usd),
        "supersedes": facts.supersedes,
        "rescores": facts.input.rescores,
        "revises": facts.input.revises,
        "imported": arrival_as_dict(api.arrival(here, folder.name)),
        "next": _next(here, folder, facts),
    }


def _summary_or_problem(here: api.Project, folder: Path) -> dict[str, Any]:
    try:
        return _summary(here, folder, api.facts(folder))
    except AwoError as error:
        return {"run": folder.name, "folder": str(folder), "state": f"cannot be read: {error.what}"}


def _state(folder: Path, facts: RunFacts) -> str:
    if api.is_sealed(folder):
        return f"{facts.outcome}, sealed"
    if facts.outcome:
        return f"{facts.outcome}, not sealed"
    if facts.open_gate is not None:
        return "waits for a person"
    if any(gate.verdict == "approved" for gate in facts.gates[-1:]) and not facts.with_status(StepStatus.FAILED):
        return "approved at its gate, to be resumed"
    is_worked_on = api.is_worked_on(folder)
    if is_worked_on:
        return "running"
    if facts.budget_reached is not None:
        return "paused, its budget is used up"
    if facts.with_status(StepStatus.FAILED):
        return "has failed steps"
    return "interrupted, to be resumed" if is_worked_on is False else "running or interrupted"


def _next(here: api.Project, folder: Path, facts: RunFacts) -> str:
    name = named(here, folder)
    if api.is_sealed(folder):
        again = f"awo revise {name}, " if facts.outcome in ("rejected", "failed") else ""
        return f"{again}awo verify {name}, awo export {name}"
    if facts.open_gate is not None:
        return f"awo approve {name}, awo reject {name} or awo revise {name}; after approval awo resume {name}"
    if facts.budget_reached is not None:
        return f"awo resume {name} --budget USD"
    return f"awo resume {name}"


def _details(here: api.Project, folder: Path, facts: RunFacts) -> dict[str, Any]:
    return _summary(here, folder, facts) | {
        "earlier": facts.input.earlier,
        "later": api.later_attempts(here, facts.run_id),
        "started_at": facts.started_at,
        "ended_at": facts.ended_at,
        "starter": facts.starter,
        "solo": facts.is_solo,
        "reused": facts.calls.reused,
        "checkpoint": facts.checkpoint,
        "models": {name: dict(model.facts) for name, model in facts.models.items()},
        "step_list": [
            {
                "id": step.record.id,
                "op": step.record.op,
                "needs": step.record.needs,
                "status": step.status.value,
                "attempts": step.attempts,
                "reason": step.reason,
                "cells": step.cells,
                "calls": step.calls,
                "reused_from": step.reused_from,
                "value": step.value,
                "files": step.files,
            }
            for step in facts.steps
        ],
        "gates": [
            {
                "gate": gate.gate,
                "verdict": gate.verdict,
                "checkpoint": gate.checkpoint,
                "decisions": gate.decisions,
                "relayed": [one.decision.path for one in gate.decisions if api.relayed_in_words(folder, one)],
            }
            for gate in facts.gates
        ],
    }
