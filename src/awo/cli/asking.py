"""Asks a checklist one question after the other on a terminal, and shows what is about to be signed."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from awo import api
from awo.canon import time
from awo.cli.gate_words import question_in_words
from awo.cli.gates import print_changes
from awo.cli.printing import harmless, say
from awo.derive.phrases import count
from awo.engine.decide import Choice
from awo.engine.showing import GateShown
from awo.errors import EvidenceError, UsageError
from awo.evidence.events import Checkpoint
from awo.evidence.gates import Answer, ChecklistItem, Verdict
from awo.gate.answers import AnswerFault, fault_of_one, fault_of_text, spelled_answer

LINES_SHOWN = 20
LONGEST_LINE = 200
LONGEST_ANSWER = 10_000


class Asked(NamedTuple):
    """What a person answered, and the checkpoint of what they were shown."""

    answers: list[Answer]
    seen: Checkpoint


def ask(here: api.Project, folder: Path, name: str, choice: Choice, key: Path) -> Asked:
    """Names the files, asks the checklist of the open gate, and has what will be signed confirmed.

    Nothing is opened or written meanwhile. Nobody is asked who may not decide: they answer nothing, and deciding
    refuses them. Raises `UsageError` when no gate is open, `EvidenceError` when what would
    be signed has changed, and `click.Abort` when the person does not go on.
    """
    gate = api.shown_gate(folder)
    if gate is None:
        raise UsageError(
            "no gate of this run is open, so there is nothing to decide",
            where=folder.name,
            hint=f"`awo status {name}` says how it stands",
        )
    print_changes(gate.changed, name)
    if gate.changed:
        raise EvidenceError(
            "the decision would be stale: this is not what was shown when the gate opened",
            where=gate.changed[0].path,
            expected=gate.changed[0].expected,
            got=gate.changed[0].got,
            hint="restore it from a copy, then decide",
        )
    pending = gate.pending
    if _is_kept_out(here, gate, choice, key):
        return Asked([], pending.checkpoint)
    say(f"{pending.run_id}: gate {pending.gate}")
    for path in gate.read_first:
        _print_beginning(folder / path)
    say(f"{count(len(pending.shows), 'file')} are shown; `awo gates show {name} --all` names them.", "")
    shown = {ref.path for ref in pending.shows}
    answers = []
    for number, item in enumerate(pending.checklist, start=1):
        say(f"{number}/{len(pending.checklist)}  {item.text}", f"     {question_in_words(item)}")
        if (answer := _one(item, choice.verdict, shown)) is not None:
            answers.append(answer)
    _confirm(here, gate, choice, key, len(answers))
    return Asked(answers, pending.checkpoint)


def _is_kept_out(here: api.Project, gate: GateShown, choice: Choice, key: Path) -> bool:
    """Whether it is plain from the public half of the key that this person may not decide so, however they sign."""
    from awo.gate.policy import Denied, may_decide
    from awo.gate.votes import why_no_vote

    public = api.key_beside(key)
    if public is None:
        return False
    try:
        allowed = here.reviewers()
    except UsageError:
        return True
    judged = may_decide(
        here.policy,
        allowed,
        gate.facts,
        signer_id=choice.signer_id,
        key=public,
        verdict=choice.verdict,
        meaning=choice.meaning,
        presence=gate.pending.rules.presence[0],
        at=time.read(time.now()),
    )
    return isinstance(judged, Denied) or why_no_vote(gate.facts, choice.verdict, choice.signer_id) is not None


def _one(item: ChecklistItem, verdict: Verdict, shown: Collection[str]) -> Answer | None:
    """The answer to one item, asked for until it is one; None for an item that is left out."""
    while True:
        text = _line(f"     {item.id}")
        if not text.strip():
            if verdict != "approve" or not item.required:
                return None
            say("     an approval needs an answer; Ctrl-C leaves without deciding")
            continue
        given = spelled_answer(item, Answer(id=item.id, answer=text))
        if fault := fault_of_text(item, given.answer):
            _say_fault(fault)
            continue
        if verdict == "approve" and item.approve_with and given.answer != item.approve_with:
            say(
                f"     an approval goes only with {item.approve_with}; Ctrl-C leaves without deciding, and then: reject"
            )
            continue
        if item.evidence == "required":
            given = _with_evidence(item, given, shown)
        return given


def _with_evidence(item: ChecklistItem, given: Answer, shown: Collection[str]) -> Answer:
    while True:
        full = Answer(id=given.id, answer=given.answer, evidence=_line("     evidence").strip())
        fault = fault_of_one(item, full, shown)
        if fault is None:
            return full
        _say_fault(fault)


def _confirm(here: api.Project, gate: GateShown, choice: Choice, key: Path, answered: int) -> None:
    pending, signer_id = gate.pending, choice.signer_id
    person = here.policy.person(signer_id)
    solo = ", who started this run" if signer_id == gate.starter.id else ""
    role = _role(here, gate, choice)
    checkpoint = pending.checkpoint
    say(
        "",
        "You are about to sign:",
        f"  verdict     {choice.verdict}, as {choice.meaning}",
        f"  name        {person.name or signer_id} <{signer_id}>{solo}",
        f"  role        {role or 'none that this gate asks for'}",
        f"  key         {_named_key(key)}",
        f"  answers     {answered} of {len(pending.checklist)}",
        f"  checkpoint  {checkpoint.size} lines of the journal, root {checkpoint.root}",
        f"  files       {len(pending.shows)}",
        *([f"  comment     {choice.comment}"] if choice.comment else []),
    )
    if not click.confirm("Sign this?", default=False):
        raise click.Abort


def _role(here: api.Project, gate: GateShown, choice: Choice) -> str:
    """The role in which they will sign, by the very rule that picks it then; '' for none."""
    from awo.gate.policy import role_at

    allowed, at = here.reviewers(), time.read(time.now())
    if allowed is None:
        return ""
    return role_at(
        here.policy,
        allowed,
        gate.facts,
        signer_id=choice.signer_id,
        verdict=choice.verdict,
        meaning=choice.meaning,
        at=at,
    )


def _named_key(key: Path) -> str:
    found = api.key_beside(key)
    return f"{key} ({found.fingerprint})" if found else str(key)


def _line(prompt: str) -> str:
    """One line that a person typed; '' for none. Ctrl-C and the end of input leave."""
    text: str = click.prompt(harmless(prompt), default="", show_default=False)
    return text[:LONGEST_ANSWER]


def _say_fault(fault: AnswerFault) -> None:
    said = ", ".join(f"{label} {text}" for label, text in (("expected", fault.expected), ("got", fault.got)) if text)
    say(f"     {fault.what}{f' ({said})' if said else ''}{f'; {fault.hint}' if fault.hint else ''}")


def _print_beginning(path: Path) -> None:
    """A file's name and its first lines, so that nobody signs without having seen where to read."""
    say(f"read first: {path}")
    try:
        with path.open("rb") as stream:
            lines = [
                line[:LONGEST_LINE]
                for line in islice(stream.read(LINES_SHOWN * LONGEST_LINE).split(b"\n"), LINES_SHOWN)
            ]
    except OSError:
        return  # it was hashed just now, and is hashed again when it is signed
    say(*(f"  | {line.decode(errors='replace').rstrip()}" for line in lines))
