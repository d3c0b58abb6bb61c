"""Chapter 3, life cycle: the run went the way that a run may go, and everything that restates it agrees."""

from __future__ import annotations

import re

from awo.canon.json import parse
from awo.canon.usd import for_people
from awo.derive.views import status_view
from awo.errors import EvidenceError
from awo.evidence.layout import INPUT, JOURNAL, RUN_ID_PATTERN, SEAL, STATUS
from awo.evidence.records import StatusView
from awo.lifecycle.chronicle import Chronicle
from awo.lifecycle.rules import RunState
from awo.lifecycle.steps import Status
from awo.verify.findings import Answer
from awo.verify.journal import JournalReader
from awo.verify.reading import Reading
from awo.verify.structure import NOT_SEALED, seal_of

_run_id = re.compile(RUN_ID_PATTERN)


def ep_3_1(reading: Reading, answer: Answer) -> None:
    """Every event may follow the ones before it, by the rule book."""
    journal = reading.journal
    if reading.plan is None and reading.hidden.anything:
        answer.withhold(INPUT, "the rules need the steps of input.json, and they are withheld")
        return
    if journal is None or journal.state is None or not journal.tree.size:
        answer.cannot(JOURNAL, "the rules need input.json and the journal, and one of them cannot be read")
        return
    if journal.broken_rule is not None:
        answer.add(journal.broken_rule)
    elif journal.bad_line is not None:
        answer.cannot(journal.bad_line.where, "what follows the damaged line cannot be judged")
    _skipped_unseen(reading, journal.state, answer)
    money = journal.state.money
    if money.budget is not None and money.committed > money.budget:
        answer.note(
            f"the calls of the run may have cost {for_people(money.committed)}, above its budget of "
            f"{for_people(money.budget)}: an answer cost more than its worst price, or the budget was lowered"
        )
    if journal.clock_steps_back:
        answer.note(f"the clock of the machine stepped back {journal.clock_steps_back} times between events")


def _skipped_unseen(reading: Reading, state: RunState, answer: Answer) -> None:
    """Says which steps were skipped of which nobody sees here whether they have a condition."""
    steps = reading.plan.steps if reading.plan is not None else []
    for number, record in enumerate(steps):
        step = state.steps[record.id]
        is_hidden = number in reading.hidden.conditions
        if is_hidden and step.status is Status.SKIPPED and not state.is_held_by_skip(step):
            answer.withhold(f"{INPUT}: step {record.id}", "it was skipped, and whether it has a condition is withheld")


def ep_3_2(reading: Reading, answer: Answer) -> None:
    """The journal ends with the run's outcome; the seal and the bundle say the same of the run as it does."""
    journal = reading.journal
    if journal is None or journal.bad_line is not None or journal.started is None:
        answer.cannot(JOURNAL, "the journal cannot be read to its end")
        return
    run_id = journal.started.run_id
    if not _run_id.fullmatch(run_id):
        answer.fail(f"{JOURNAL}:1", "the run's id has not the form of one", "run_YYYY-MM-DDTHH-MM-SSZ", run_id)
    if reading.top != run_id:
        if reading.kind == "bundle":
            answer.fail("the archive", "its top folder is not called as the run is", run_id, reading.top)
        else:
            answer.note(f"the folder is called {reading.top}, the run {run_id}")
    seal = seal_of(reading)
    if seal is None:
        answer.cannot(SEAL, NOT_SEALED if not reading.has_seal else "the seal cannot be read")
        return
    if journal.finished is None or journal.finished.seq != journal.tree.size - 1:
        answer.fail(
            f"{JOURNAL}:{journal.tree.size}", "the run was sealed before it finished", "run_finished as the last event"
        )
    facts = (
        ("run id", run_id, seal.run_id),
        ("outcome", journal.finished.outcome if journal.finished else "", seal.outcome),
        ("superseded run", journal.started.supersedes, seal.supersedes),
    )
    for name, said, sealed in facts:
        if said != sealed:
            answer.fail(SEAL, f"the seal has another {name} than the journal", said, sealed)
    if seal.sealer != journal.started.starter:
        answer.note(f"the run was started by {journal.started.starter.id} and sealed by {seal.sealer.id}")


def ep_3_3(reading: Reading, answer: Answer) -> None:
    """audit/status.json says of the run and its gates what the journal says."""
    journal, data = reading.journal, reading.kept.get(STATUS)
    if reading.withheld.is_away(STATUS) or (reading.plan is None and reading.hidden.anything):
        answer.withhold(STATUS if reading.withheld.is_away(STATUS) else INPUT)
        return
    if data is None:
        if reading.has_seal:
            answer.cannot(STATUS, "the view cannot be read")
        return
    expected = _status(reading, journal) if journal is not None else None
    if expected is None:
        answer.cannot(JOURNAL, "the journal cannot be followed to its end")
        return
    try:
        got = parse(data, StatusView, where=STATUS)
    except EvidenceError as error:
        answer.cannot(STATUS, error.what, got=error.got)
        return
    if got == expected:
        return
    differ = [name for name in StatusView.__struct_fields__ if getattr(got, name) != getattr(expected, name)]
    said = [ascii(getattr(expected, name)) for name in differ]
    shown = [ascii(getattr(got, name)) for name in differ]
    if reading.has_seal:
        answer.fail(
            STATUS,
            f"the view does not say what the journal says: {', '.join(differ)}",
            "; ".join(said),
            "; ".join(shown),
        )
    else:
        answer.note("audit/status.json is older than the journal; `awo render` rebuilds it")


def _status(reading: Reading, journal: JournalReader) -> StatusView | None:
    """The view as the journal's gates make it; None when the journal cannot be followed."""
    if reading.plan is None or journal.started is None or journal.bad_line or journal.broken_rule:
        return None
    chronicle = Chronicle(reading.plan)
    for event in journal.gate_events:  # all that this view depends on
        chronicle.add(event)
    return status_view(chronicle.facts())
