"""The commands that run: `run`, `resume`, `retry`, `replay` and `rescore`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.ending import Ending, is_of_the_workflow, say_ending
from awo.cli.gate_words import rules_amiss
from awo.cli.places import budget_option, find, key_options, named, project, run_argument, runs_option, who
from awo.cli.printing import in_dollars, json_option, note, print_json
from awo.cli.progress import progress
from awo.cli.results import in_lines
from awo.cli.stamping import stamp_if_asked
from awo.cli.telling import tell_opened
from awo.derive.phrases import count
from awo.engine.folder import read_input
from awo.engine.reruns import Rerun
from awo.engine.run import Again, Ended
from awo.evidence.records import InputRecord
from awo.plugins import GATE_OPERATION

ask_again_option = click.option(
    "--ask-again", is_flag=True, help="Repeat calls whose outcome is unknown, even where they cost money."
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--supersedes", metavar="RUN", default="", help="The run that this one corrects.")
@budget_option
@click.option("--cache", is_flag=True, help="Use responses of the project's other runs again for equal requests.")
@runs_option
@key_options
@json_option
def run(
    file: Path,
    supersedes: str,
    budget: str,
    cache: bool,
    runs: Path | None,
    key: Path | None,
    signer_id: str,
    *,
    as_json: bool,
) -> int:
    """Run the workflow in FILE until it is sealed or waits for a person.

    Ends with 0 when the run is sealed, 78 when it waits at a gate, 9 when its budget is used up, 6 when a step failed.
    """
    here = project(runs)
    if not as_json:
        _note_other_project(here, file)
    identity = who(here, key, signer_id)
    older = api.find_run(here, supersedes).name if supersedes else ""

    def told_plan(plan: InputRecord) -> None:
        gates = [step.id for step in plan.steps if step.op == GATE_OPERATION]
        for said in () if as_json else rules_amiss(here.policy, gates, surely=True):
            note(said)

    with progress(quiet=as_json) as shown:
        ended = api.run(
            here,
            file,
            identity,
            supersedes=older,
            budget_usd=budget,
            cache=cache,
            watch=shown.tell,
            told_plan=told_plan,
            told_folder=shown.begin,
        )
    return report_end(ended, named(here, ended.folder), who_again(key, signer_id), as_json=as_json)


@click.command()
@run_argument
@ask_again_option
@budget_option
@runs_option
@key_options
@json_option
def resume(
    run_name: str,
    ask_again: bool,
    budget: str,
    runs: Path | None,
    key: Path | None,
    signer_id: str,
    *,
    as_json: bool,
) -> int:
    """Take RUN up again where its journal ends: after a gate, a failure, a Ctrl-C, a crash, or a used-up budget."""
    again = Again(ask_again=ask_again, budget_usd=budget)
    return _take_up(run_name, again, runs, key, signer_id, as_json=as_json)


@click.command()
@run_argument
@ask_again_option
@budget_option
@runs_option
@key_options
@json_option
def retry(
    run_name: str,
    ask_again: bool,
    budget: str,
    runs: Path | None,
    key: Path | None,
    signer_id: str,
    *,
    as_json: bool,
) -> int:
    """Do again only what failed in RUN: failed steps, and of a fan-out only the cells without an answer.

    A sealed run never changes: for its failed cells, `awo run FILE --cache --supersedes RUN` makes a new
    run that asks only for them.
    """
    again = Again(ask_again=ask_again, budget_usd=budget, only_failed=True)
    return _take_up(run_name, again, runs, key, signer_id, as_json=as_json)


@click.command()
@run_argument
@runs_option
@key_options
@json_option
def replay(run_name: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> int:
    """Run what RUN ran, as a new run whose models are answered from RUN's responses. Nothing is asked of a model."""
    here, origin = find(run_name, runs)
    identity = who(here, key, signer_id)
    with progress(quiet=as_json) as shown:
        ended = api.replay(here, origin, identity, watch=shown.tell, told_folder=shown.begin)
    return report_end(ended, named(here, ended.folder), who_again(key, signer_id), as_json=as_json)


@click.command()
@run_argument
@click.option(
    "--workflow",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="The workflow of the new run: what RUN asked, with other scores, votes or tests behind it.",
)
@runs_option
@key_options
@json_option
def rescore(run_name: str, file: Path, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> int:
    """Run another workflow over the responses of RUN, as a new run that names RUN. Nothing is asked of a model."""
    here, origin = find(run_name, runs)
    identity = who(here, key, signer_id)
    with progress(quiet=as_json) as shown:
        ended = api.rescore(here, origin, file, identity, watch=shown.tell, told_folder=shown.begin)
    return report_end(ended, named(here, ended.folder), who_again(key, signer_id), as_json=as_json)


def _take_up(run_name: str, again: Again, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> int:
    here, folder = find(run_name, runs)
    identity = who(here, key, signer_id)
    reruns: list[Rerun] = []
    with progress(quiet=as_json) as shown:
        shown.begin(folder)

        def tell(rerun: Rerun) -> None:
            reruns.append(rerun)
            shown.say(f"  {_in_words(rerun)}")

        ended = api.resume(here, folder, identity, replace(again, tell=tell), watch=shown.tell)
    starter = ended.facts.starter.id
    if ended.facts.outcome and identity.id != starter and not as_json:
        note(f"note: {starter} started this run, and the key of {identity.id} sealed it; --key and --as choose it")
    return report_end(ended, named(here, folder), who_again(key, signer_id), as_json=as_json, reruns=reruns)


def _in_words(rerun: Rerun) -> str:
    """Why a step runs again, and what of it is not asked for again."""
    how = "failed" if rerun.why == "failed" else "did not come to its end"
    said = [f"{rerun.step}: attempt {rerun.attempt} {how}"]
    if rerun.reused:
        said.append(f"{count(rerun.reused, 'answer')} {'is' if rerun.reused == 1 else 'are'} kept")
    if rerun.unknown:
        verb = "has" if rerun.unknown == 1 else "have"
        said.append(
            f"{count(rerun.unknown, 'call')} {verb} no known outcome and may have been paid for: "
            + ("asked again" if rerun.asks else "not asked again unless you say --ask-again")
        )
    return "; ".join(said)


def _note_other_project(here: api.Project, file: Path) -> None:
    """Says so when the file lies in a project whose settings and reviewers do not count here."""
    theirs = api.find_project(file.parent).root
    if theirs != here.root and (theirs / api.PROJECT_FILE).is_file():
        note(
            f"note: {file} lies in the project {theirs}, whose settings and reviewers count only for "
            f"commands that are typed inside it; this run goes to {here.runs}"
        )


def who_again(key: Path | None, signer_id: str) -> str:
    """The options that make the next command act as the same person."""
    words = [*(("--key", str(key)) if key else ()), *(("--as", signer_id) if signer_id else ())]
    return "".join(f" {shlex.quote(word)}" for word in words)


def report_end(
    ended: Ended,
    name: str,
    who_again: str,
    *,
    as_json: bool,
    reruns: Sequence[Rerun] = (),
    more: Mapping[str, Any] | None = None,
) -> int:
    """Says how a run ended, and gives the exit code. `name` is what to type for it, `more` goes into the JSON."""
    is_final = ended.outcome in ("completed", "approved", "rejected", "abandoned")
    end = Ending(
        outcome=ended.outcome,
        folder=ended.folder,
        name=name,
        is_sealed=is_final,
        gate=ended.gate,
        failed=tuple(ended.failures),
        signal=ended.signal,
        over_budget=ended.over_budget,
        who_again=who_again,
        can_rescore=ended.outcome == "failed" and _can_rescore(ended),
        results=() if as_json else in_lines(api.outcomes(ended.folder, ended.facts), ended.folder),
    )
    if ended.outcome == "waiting":
        tell_opened(project(), ended.folder)
    stamp_if_asked(project(), ended.folder)
    if as_json:
        print_json(_as_json(ended, end.exit_code, reruns) | dict(more or {}))
        return end.exit_code
    for step, error in ended.failures.items():
        note(f"step {step} failed: {error}")
    say_ending(end)
    return end.exit_code


def _can_rescore(ended: Ended) -> bool:
    """Whether answers are there, and every step that failed did so by what the workflow says of them."""
    calls = ended.facts.calls
    if not ended.failures or not (calls.answered or calls.reused):
        return False
    plan, _ = read_input(ended.folder)
    steps = {step.id: step for step in plan.steps if step.id in ended.failures}
    return all(is_of_the_workflow(steps[id_], error) for id_, error in ended.failures.items())


def _as_json(ended: Ended, code: int, reruns: Sequence[Rerun]) -> dict[str, Any]:
    return {
        "run": ended.folder.name,
        "folder": str(ended.folder),
        "outcome": ended.outcome,
        "gate": ended.gate,
        "failures": {step: error.as_dict() for step, error in ended.failures.items()},
        "money": in_dollars(ended.facts.money, ended.facts.budget_usd),
        "worst_next_usd": ended.over_budget.worst if ended.over_budget else "",
        "reruns": [asdict(rerun) for rerun in reruns],
        "exit_code": code,
    }
