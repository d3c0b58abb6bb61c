"""A statement on the use of AI for a journal, from the evidence of a run alone."""

from __future__ import annotations

from awo.derive.facts import StepStatus
from awo.derive.phrases import count, moment
from awo.evidence.received import RECEIVE
from awo.publish.about.reference import NOT_PUBLISHED, Publication
from awo.publish.about.values import doi_address
from awo.publish.described.shapes import Described
from awo.publish.words.asked import ModelUse, models_used, not_asked, sent
from awo.publish.words.people import people
from awo.publish.words.phrases import (
    NAMED,
    NOT_ENDED,
    OUTCOMES,
    UNKNOWN,
    cost,
    listed,
    outcomes,
    period,
    quoted,
    sentence,
    settings,
    shown,
)
from awo.workflow.definition import STAND_INS

HEADING = "Use of AI models"
NOT_COVERED = (
    "This statement covers this run alone. Whether AI was used elsewhere, for example to write the paper, the workflow "
    "or the code, is not on record here, and has to be said by the authors."
)


def ai_use(described: Described, publication: Publication = NOT_PUBLISHED) -> str:
    """The statement as plain text: a paragraph on the run, a line for each model, then on people, money and evidence.

    Every number is one of the run's facts; what is not on record is called unknown. The text is still to be escaped.
    """
    used = models_used(described)
    parts = [
        [HEADING],
        [_run(described), _total(described, used)],
        [f"- {_model(one)}" for one in used],
        [*_own_settings(described), *_unused(described), *received(described), *withheld(described)],
        people(described),
        [_money(described), evidence(described, publication), NOT_COVERED],
    ]
    return "\n\n".join("\n".join(line for line in part if line) for part in parts if part) + "\n"


def evidence(described: Described, publication: Publication) -> str:
    """By what everybody can check the statement."""
    if described.seal is None:
        return "The run is not sealed: it can still change, and this statement with it."
    where = f" It is published as {doi_address(publication.doi)}." if publication.doi else ""
    return (
        f"The evidence was sealed on {moment(described.seal.at)}; the SHA-256 of audit/seal.json is "
        f"{described.seal_sha256}.{where}"
    )


def received(described: Described) -> list[str]:
    """What came from elsewhere, and that nobody saw it made."""
    steps = [step for step in described.facts.steps if step.record.op == RECEIVE and step.status is StepStatus.DONE]
    if not steps:
        return []
    names = listed((quoted(step.record.id) for step in steps), "steps")
    said = (
        f"{count(len(steps), 'step')} of this run ({names}) kept "
        "results that were received from elsewhere. How they were made was not witnessed: models, versions, parameters "
        f"and numbers of requests behind them are {UNKNOWN} here, whatever the received files say of themselves."
    )
    return [said]


def withheld(described: Described) -> list[str]:
    """That texts are missing, where they are."""
    if not described.withheld:
        return []
    said = (
        "Texts of this run were withheld or erased after the seal. What this statement would have taken from them is "
        f"{UNKNOWN} in this copy."
    )
    return [said]


def _run(described: Described) -> str:
    facts = described.facts
    outcome = OUTCOMES.get(facts.outcome, NOT_ENDED)
    when = period(facts.started_at, facts.ended_at)
    return (
        f"The workflow {quoted(facts.input.name)} was run {when} with {shown(facts.software.name)} "
        f"{shown(facts.software.version)} ({facts.run_id}; {outcome})."
    )


def _total(described: Described, used: tuple[ModelUse, ...]) -> str:
    calls = described.facts.calls
    if not used:
        return "No model was asked in this run."
    real, who = sum(one.was_asked for one in used), _who(used)
    went = f"{'was' if sent(calls) == 1 else 'were'} sent" if real else "went"
    asked = f"{count(sent(calls), 'request')} {went} to {who}: {outcomes(calls)}."
    said = asked if sent(calls) else f"No request was sent in this run; its answers are those of {who}."
    if not real:
        said = f"No AI model was asked in this run. {said}"
    if calls.retried:
        said += f" {count(calls.retried, 'request')} of these repeated a failed one."
    if calls.reused:
        more = " more" if sent(calls) else ""
        said += f" {count(calls.reused, 'answer')}{more} {'was' if calls.reused == 1 else 'were'} taken over from "
        said += "earlier runs, without a new request."
    return said


def _who(used: tuple[ModelUse, ...]) -> str:
    """What requests went to, by kind, as far as there is one of it."""
    real, replayed = sum(one.was_asked for one in used), sum(one.is_replayed for one in used)
    stand_ins = len(used) - real - replayed
    kinds = (
        (real, count(real, "model")),
        (replayed, f"{count(replayed, 'model')} replayed from the answers of an earlier run"),
        (stand_ins, f"{count(stand_ins, 'stand-in')} of AWO, which {'is' if stand_ins == 1 else 'are'} no AI"),
    )
    return listed(words for number, words in kinds if number)


def _model(one: ModelUse) -> str:
    if one.is_stand_in:
        kind = f"a stand-in of AWO that gives back its prompt ({one.backend}); no AI model"
        identity = ""
    elif one.is_replayed:
        kind = f"replayed from the answers on record in {quoted(one.asked_as)}; nothing was asked of the model itself"
        names = listed((quoted(name) for name in one.answered_as), "names")
        identity = f"answered then as {names or UNKNOWN}"
    else:
        kind = f"asked for as {quoted(one.asked_as)}" if one.asked_as else f"asked for under {UNKNOWN} name"
        names = listed((quoted(name) for name in one.answered_as), "names")
        identity = f"answered as {names or UNKNOWN}"
        identity += f"; weights with SHA-256 {shown(one.weights_sha256)}" if one.weights_sha256 else ""
        identity += f"; engine: {shown(one.engine)}" if one.engine else ""
    steps = listed((quoted(step) for step in one.steps), "steps")
    asked_or_not = "asked" if one.requests and not one.is_replayed else "its answers stand"
    reused = f"{count(one.calls.reused, 'answer')} taken over from earlier runs" if one.calls.reused else ""
    asked = f"{count(one.requests, 'request')}, {outcomes(one.calls)}" if one.requests else "no request sent"
    return sentence(
        f"{quoted(one.name)}: {kind}",
        (one.where or f"run by {UNKNOWN}") if one.was_asked else "",
        identity,
        "its own account of itself changed during the run" if one.has_changed else "",
        f"parameters: {settings(one.params) or 'none set'}" if one.was_asked else "",
        (f"seed: {one.seed}" if one.took_seed else "the provider takes no seed") if one.was_asked else "",
        f"{asked_or_not} in {'step' if len(one.steps) == 1 else 'steps'} {steps}",
        asked,
        period(one.first_at, one.last_at) if one.requests else "",
        reused,
        cost(one.money, one.requests) if one.was_asked and one.requests else "",
    )


def _own_settings(described: Described) -> list[str]:
    """The parameters that single steps set over those of the models, as the workflow has them."""
    told = []
    asking = {group.step for group in described.groups}
    for step in described.facts.steps:
        params = step.record.arguments().get("params") if step.record.id in asking else None
        if isinstance(params, dict) and params:
            told.append(f"{quoted(step.record.id)}: {settings(params)}")
    if not told:
        return []
    return [f"Parameters that single steps set over these: {'; '.join(told[:NAMED])}{'; …' * (len(told) > NAMED)}."]


def _unused(described: Described) -> list[str]:
    models = described.facts.input.models
    names = [name for name in not_asked(described.facts) if models[name].backend not in STAND_INS]
    if not names:
        return []
    return [f"Named in the workflow and not asked: {listed((quoted(name) for name in names), 'models')}."]


def _money(described: Described) -> str:
    calls = sent(described.facts.calls)
    if not calls:
        return ""
    budget = described.facts.budget_usd
    return sentence(
        cost(described.facts.money, calls, "cost in all"), f"of a budget of {budget} US dollars" if budget else ""
    )
