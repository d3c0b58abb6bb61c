"""A paragraph for the methods section, from the evidence of a run alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.numbers import percent
from awo.derive.phrases import count, moment, times
from awo.evidence.records import CellsRecord
from awo.publish.about.reference import NOT_PUBLISHED, Publication
from awo.publish.described.shapes import Described
from awo.publish.words.ai_use import evidence, received, withheld
from awo.publish.words.asked import REPLAY, models_used, sent
from awo.publish.words.people import deciders_named, decisions_taken, relayed_decisions
from awo.publish.words.phrases import ENDED, NOT_ENDED, UNKNOWN, listed, outcomes, period, quoted, sentence, shown

HEADING: Final = "Methods"
SCORING: Final = ("score", "assert", "python_score")
JUDGING: Final = ("grade", "prefer", "refute")
COMPUTING: Final = frozenset((*SCORING, *JUDGING, "consensus_vote", "statistics"))
STEPS_TOLD: Final = 20

STATUS: Final = {
    StepStatus.DONE: "done",
    StepStatus.FAILED: "failed",
    StepStatus.SKIPPED: "skipped",
    StepStatus.WAITING: "waiting for a person",
    StepStatus.RUNNING: "begun and not finished",
    StepStatus.NOT_RUN: "not run",
}


def methods(described: Described, publication: Publication = NOT_PUBLISHED) -> str:
    """The paragraph as plain text, under a heading.

    What was planned is taken from the recorded workflow, what was done from the journal. Every number is one of the
    run's facts; what is not on record is called unknown. The text is still to be escaped.
    """
    facts = described.facts
    said = [
        _run(facts),
        _steps(facts),
        *_data(facts),
        *_asking(described),
        _seeds(described),
        *_computed(facts),
        *_claims(described),
        *received(described),
        _gates(described),
        _software(facts),
        *withheld(described),
        evidence(described, publication),
        "`awo verify` checks the evidence, and computes votes, scores and statistics again from the recorded answers.",
    ]
    return f"{HEADING}\n\n{' '.join(part for part in said if part)}\n"


def _run(facts: RunFacts) -> str:
    source = facts.input.source
    said = (
        f"The workflow {quoted(facts.input.name)} ({shown(source.path)}, SHA-256 {source.sha256}) was run "
        f"{period(facts.started_at, facts.ended_at)} as {facts.run_id}, and "
        f"{ENDED.get(facts.outcome, NOT_ENDED)}."
    )
    if facts.input.rescores:
        said += f" It scored the answers of {shown(facts.input.rescores)} again and asked no model."
    elif facts.supersedes:
        said += f" It takes the place of {shown(facts.supersedes)}."
    return said


def _steps(facts: RunFacts) -> str:
    ops = Counter(step.record.op for step in facts.steps)
    rejected = {gate.gate for gate in facts.gates if gate.verdict == "rejected"}
    tally = Counter(step.status for step in facts.steps if step.record.id not in rejected)
    kinds = listed((f"{shown(op)} ({times:,})" if times > 1 else shown(op) for op, times in ops.items()), "operations")
    stood = [f"{tally[status]:,} {words}" for status, words in STATUS.items() if tally[status]]
    closed = sum(step.record.id in rejected for step in facts.steps)
    stands = listed([*stood, f"{closed:,} rejected by people"] if closed else stood)
    return f"It has {count(len(facts.steps), 'step')} ({kinds}): {stands}."


def _data(facts: RunFacts) -> Iterator[str]:
    files = {file.path: file.sha256 for file in facts.input.files}
    told = [
        f"{quoted(name)} ({shown(data.path)}, {count(data.rows, 'row')}, SHA-256 {files.get(data.path, UNKNOWN)})"
        for name, data in facts.input.data.items()
    ]
    if told:
        yield f"The data {'set was' if len(told) == 1 else 'sets were'} {listed(told, 'data sets')}."


def _asking(described: Described) -> Iterator[str]:
    """A sentence for each step that asked models, in the order of the workflow."""
    told = 0
    asking = {group.step for group in described.groups}
    for step in described.facts.steps:
        if step.record.id not in asking:
            continue
        told += 1
        if told <= STEPS_TOLD:
            yield _asked(described, step)
    if told > STEPS_TOLD:
        yield f"{count(told - STEPS_TOLD, 'more step')} asked models, too."


def _asked(described: Described, step: StepFacts) -> str:
    groups, calls, record = described.groups_of(step.record.id), step.calls, step.record
    models = listed((quoted(group.model) for group in groups), "models")
    known = described.facts.input.models
    is_replayed = all(group.model in known and known[group.model].backend == REPLAY for group in groups)
    did = "took over answers of" if not sent(calls) else "replayed answers of" if is_replayed else "asked"
    said = f"Step {quoted(record.id)} ({shown(record.op)}) {did} {models}"
    said += f" {_design(record.cells)}" if record.cells is not None else ""
    if step.cells is not None:
        said += f", {count(step.cells.planned, 'cell')} with {count(step.cells.asks, 'planned request')}"
    ends = f"{count(sent(calls), 'request')}: {outcomes(calls)}" if sent(calls) else "no request was sent"
    reused = f"{count(calls.reused, 'answer')} taken over from earlier runs" if calls.reused else ""
    kind = "the template of its prompt is on record" if _has_prompt(step) else f"its prompt is {UNKNOWN} here"
    return sentence(said, kind, ends, reused)


def _has_prompt(step: StepFacts) -> bool:
    arguments = step.record.arguments()
    return any(arguments.get(key) for key in ("prompt", "messages", "rubric", "question", "criteria"))


def _design(cells: CellsRecord) -> str:
    parts = []
    if cells.over is not None:
        what = "each row of the data set" if cells.over.kind == "data" else "each cell of the step"
        parts.append(f"for {what} {quoted(cells.over.name)}")
    if cells.matrix:
        factors = (f"{count(len(values), 'value')} of {quoted(name)}" for name, values in cells.matrix.items())
        parts.append(f"with {listed(factors, 'factors')}")
    if cells.repeats > 1:
        parts.append(f"{times(cells.repeats)} each")
    return ", ".join(parts) or "once"


def _seeds(described: Described) -> str:
    used = [one for one in models_used(described) if one.was_asked]
    if not used:
        return f"The seed of the run was {described.facts.input.seed}."
    seeds = listed(
        (f"{one.seed} for {quoted(one.name)}" if one.took_seed else f"none for {quoted(one.name)}" for one in used),
        "models",
    )
    verb = "seed of the model was" if len(used) == 1 else "seeds of the models were"
    return f"The seed of the run was {described.facts.input.seed}; the {verb} {seeds}."


def _computed(facts: RunFacts) -> Iterator[str]:
    """Scores, votes and statistics, as far as their steps are done."""
    found = [step.record for step in facts.with_status(StepStatus.DONE) if step.record.op in COMPUTING]
    for record in found[:STEPS_TOLD]:
        arguments, op, name = record.arguments(), record.op, quoted(record.id)
        if op == "consensus_vote":
            method = arguments.get("method")
            how = f" by the method {quoted(method)}" if isinstance(method, str) else " by the default method"
            yield f"Step {name} took a vote among the answers of {_of(arguments, 'inputs_from')}{how}."
        elif op == "statistics":
            yield _statistics(name, arguments)
        elif op in JUDGING:
            yield f"Step {name} ({op}) had models judge the answers of {_of(arguments, 'of')}."
        else:
            yield f"Step {name} ({op}) scored the answers of {_of(arguments, 'of')}{_kinds(arguments)}."
    if len(found) > STEPS_TOLD:
        yield f"{count(len(found) - STEPS_TOLD, 'more step')} scored, judged, voted or computed statistics."


def _of(arguments: Mapping[str, Any], key: str) -> str:
    found = arguments.get(key)
    names = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return listed((quoted(one) for one in names if isinstance(one, str)), "steps") or UNKNOWN


def _kinds(arguments: Mapping[str, Any]) -> str:
    scores = arguments.get("scores")
    if not isinstance(scores, dict):
        return ""
    kinds = [
        f"{quoted(name)} ({shown(spec['kind'])})" if isinstance(spec, dict) and isinstance(spec.get("kind"), str)
        else quoted(name)
        for name, spec in scores.items()
    ]  # fmt: skip
    return f" with {count(len(kinds), 'score')}: {listed(kinds, 'scores')}"


def _statistics(name: str, arguments: Mapping[str, Any]) -> str:
    parts = [
        count(len(found), noun)
        for key, noun in (("metrics", "metric"), ("comparisons", "comparison"), ("agreement", "measure of agreement"))
        if isinstance(found := arguments.get(key), dict) and found
    ]
    said = f"Step {name} computed {listed(parts) or 'statistics'} over {_of(arguments, 'of')}"
    confidence, resamples = arguments.get("confidence"), arguments.get("resamples")
    if isinstance(confidence, int | float):
        said += f", with intervals of {percent(confidence)} confidence"
    if isinstance(resamples, int):
        said += f", over {count(resamples, 'resample')}"
    return f"{said}."


def _claims(described: Described) -> Iterator[str]:
    registered = len(described.facts.input.claims)
    if registered:
        yield f"{count(registered, 'claim was', 'claims were')} registered before the first request."
    verdicts = Counter(one.verdict.replace("_", " ") for judged in described.claims for one in judged.verdicts)
    if verdicts:
        told = listed(f"{times:,} {verdict}" for verdict, times in sorted(verdicts.items()))
        yield f"Of the claims that were tested, by verdict: {told}."


def _gates(described: Described) -> str:
    gates = described.facts.gates
    if not gates:
        return "No decision by a person is on record."
    ends = Counter(gate.verdict or "waiting" for gate in gates)
    told = listed(f"{times:,} {verdict}" for verdict, times in ends.items())
    opened = f"{count(len(gates), 'gate')} for people opened ({told})"
    taken, relayed = decisions_taken(described), relayed_decisions(described)
    who, signed = deciders_named(described), taken - relayed
    said = [f"{count(signed, 'decision was', 'decisions were')} signed by {who}"] if signed else []
    if relayed:
        said.append(f"{count(relayed, 'approval was', 'approvals were')} relayed, which is no signature of a person")
    return f"{opened}; {'; '.join(said) or 'no decision was signed'}."


def _software(facts: RunFacts) -> str:
    environment = facts.environments[0].environment if facts.environments else {}
    python, platform, git = (environment.get(name) for name in ("python", "platform", "git"))
    parts = [f"{shown(facts.software.name)} {shown(facts.software.version)}"]
    if isinstance(python, dict):
        parts.append(f"Python {shown(str(python.get('version', '')))}")
    if isinstance(platform, dict):
        parts.append(
            " ".join(shown(str(platform[key])) for key in ("system", "release", "machine") if platform.get(key))
        )
    said = f"The software was {listed(parts)}"
    packages = environment.get("packages")
    if isinstance(packages, list):
        said += f", with {count(len(packages), 'Python package')} listed in metadata.json"
    if isinstance(git, dict) and git.get("commit", "none") != "none":
        state = ", with changes that no commit has" if git.get("is_dirty") else ""
        state = f", whether with other changes is {UNKNOWN}" if git.get("dirty_unknown") else state
        said += f"; the project stood at the git commit {shown(str(git['commit']))}{state}"
    elif isinstance(git, dict) and git.get("why"):
        said += f"; no git commit is on record ({shown(str(git['why']))})"
    else:
        said += f"; the git commit is {UNKNOWN}"
    said += f". On {moment(facts.environments[-1].at)} another environment was recorded" if _moved(facts) else ""
    return f"{said}."


def _moved(facts: RunFacts) -> bool:
    """Whether the run went on elsewhere, or on a changed machine."""
    return any(one.environment != facts.environments[0].environment for one in facts.environments[1:])
