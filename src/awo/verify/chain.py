"""Holds the chain of attempts against itself, and against the packages of earlier attempts that lie beside it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import parse
from awo.derive.facts import StepStatus
from awo.derive.plan_changes import plan_changes
from awo.errors import CannotCheck, EvidenceError
from awo.evidence.earlier import EarlierDecision, EarlierRun
from awo.evidence.gates import Decision
from awo.evidence.layout import INPUT, JOURNAL, RUN_ID_PATTERN, SEAL, responses_path
from awo.evidence.records import InputRecord, Seal
from awo.verify.findings import Answer
from awo.verify.journal import JournalReader
from awo.verify.limits import Limits
from awo.verify.reading import Reading
from awo.verify.replanned import CHAIN

CHUNK_BYTES: Final = 1 << 18
SAID_NO: Final = ("reject", "revise")
OUTCOMES: Final = ("", "completed", "approved", "rejected", "failed", "abandoned")
WHERE: Final = f"{INPUT}: earlier"

_run_id = re.compile(RUN_ID_PATTERN)
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


def ep_4_9(reading: Reading, answer: Answer) -> None:
    """The attempts that input.json names fit together, and are those whose packages lie beside this one."""
    plan, journal = reading.plan, reading.journal
    if reading.hidden.any_of(*CHAIN) or (plan is None and reading.hidden.anything):
        answer.withhold(INPUT, "what input.json says of earlier attempts is withheld")
        return
    if plan is None or journal is None or journal.started is None:
        answer.cannot(INPUT, "the attempts stand in input.json and in the first event, and one of them cannot be read")
        return
    _fits(plan, journal, answer)
    if answer.failed or not plan.earlier:
        if journal.started.supersedes and not plan.earlier:
            what = "the run supersedes another, and names no attempts before it"
            answer.cannot(WHERE, what, journal.started.supersedes)
        return
    if reading.beside is None:
        answer.cannot(WHERE, "the packages of the earlier attempts are not at hand")
        return
    for number, one in enumerate(plan.earlier):
        try:
            package = _Earlier(reading.beside, one, reading.limits)
            package.hold(answer, plan.earlier[:number])
            if number == len(plan.earlier) - 1 and reading.hidden.anything:
                answer.withhold(INPUT, "parts of the plan are withheld, so it is not held against the one before")
            elif number == len(plan.earlier) - 1:
                _hold_last(reading, plan, package, answer)
        except CannotCheck as error:
            answer.cannot(error.where or one.run_id, error.what, error.expected, error.got)
        except EvidenceError as error:
            answer.fail(error.where or one.run_id, error.what, error.expected, error.got)
        except OSError as error:
            answer.cannot(one.run_id, "the package of an earlier attempt cannot be read", got=error.strerror or "")


# --- by this package alone ---------------------------------------------------------------------------------------


def _fits(plan: InputRecord, journal: JournalReader, answer: Answer) -> None:
    started = journal.started
    assert started is not None
    ids = [one.run_id for one in plan.earlier]
    for id_ in ids:
        if not _run_id.fullmatch(id_):
            answer.fail(WHERE, "an attempt is not called as a run is", "run_YYYY-MM-DDTHH-MM-SSZ", id_)
    if len({*ids, started.run_id}) <= len(ids):
        answer.fail(WHERE, "an attempt stands in the chain twice", got=", ".join([*ids, started.run_id]))
    if ids and started.supersedes != ids[-1]:
        answer.fail(f"{JOURNAL}:1", "the run supersedes another than the last attempt", ids[-1], started.supersedes)
    if plan.revises and (not ids or plan.revises != ids[-1]):
        answer.fail(INPUT, "the run revises another than the last attempt", ids[-1] if ids else "", plan.revises)
    if plan.revises and plan.rescores:
        answer.fail(INPUT, "a run cannot revise a run and score one again", got=plan.rescores)
    if plan.revised_from and not (plan.revises and plan.revised_from in {step.id for step in plan.steps}):
        answer.fail(INPUT, "the step to do again is no step of a revision", got=plan.revised_from)
    for one in plan.earlier:
        _fits_itself(one, answer)
    if plan.revises and ids and not plan.earlier[-1].seal_sha256:
        answer.fail(WHERE, "only a sealed run is revised, and this one had no seal", got=ids[-1])


def _fits_itself(one: EarlierRun, answer: Answer) -> None:
    """What is said of one attempt does not contradict itself."""
    said_no = any(taken.verdict in SAID_NO for taken in one.decisions)
    if one.outcome not in OUTCOMES:
        answer.fail(WHERE, "a run does not come to this", ", ".join(OUTCOMES[1:]), one.outcome)
    if one.seal_sha256 and not (one.outcome and len(one.seal_sha256) == len(sha256_hex(b""))):
        answer.fail(WHERE, "a run that was sealed has an outcome, and its seal a digest", got=one.run_id)
    if (one.reason or one.required_changes) and not (said_no and one.outcome == "rejected"):
        answer.fail(WHERE, "an attempt was turned down, and no decision says so", got=one.run_id)


# --- with the packages at hand -----------------------------------------------------------------------------------


class _Earlier:
    """The package of one earlier attempt, as far as the chain speaks of it; read anew, and not believed.

    Raises `CannotCheck` where it is not there or too large, `EvidenceError` for what is not its shape.
    """

    def __init__(self, beside: Path, said: EarlierRun, limits: Limits) -> None:
        self.said = said
        self._top = beside / said.run_id
        self._limits = limits
        if self._top.is_symlink() or not self._top.is_dir():
            raise CannotCheck("the package of an earlier attempt does not lie beside this one", where=said.run_id)
        data = self._bytes(INPUT)
        self.input_sha256 = sha256_hex(data)
        self.plan = parse(data, InputRecord, where=self._named(INPUT))
        self.journal = JournalReader(self.plan, limits.line_bytes)
        for chunk in self._chunks(JOURNAL):
            self.journal.feed(chunk)
        self.journal.end()
        bad = self.journal.bad_line or self.journal.broken_rule
        if bad is not None:
            raise EvidenceError(bad.what, where=f"{said.run_id}/{bad.where}", expected=bad.expected, got=bad.got)

    def hold(self, answer: Answer, before: list[EarlierRun]) -> None:
        """Compares what is said of the attempt with its package; `before` are the attempts named before it."""
        said, journal = self.said, self.journal
        started = journal.started
        if started is None or started.run_id != said.run_id or started.input.sha256 != self.input_sha256:
            answer.fail(self._named(JOURNAL), "the folder does not hold the run of its name", said.run_id)
            return
        if not said.seal_sha256 and journal.tree.size > said.checkpoint.size:
            raise CannotCheck("the earlier attempt has gone on since this run began", where=said.run_id)
        if journal.checkpoint != said.checkpoint:
            answer.fail(
                self._named(JOURNAL), "the journal is not the one that the chain names", said.checkpoint.root,
                journal.checkpoint.root,
            )  # fmt: skip
        if said.seal_sha256:
            self._hold_seal(answer)
        outcome = journal.finished.outcome if journal.finished is not None else ""
        taken = [event for gate in journal.gates for event in gate.decisions]
        taken.sort(key=lambda event: event.number)
        decisions = [
            EarlierDecision(gate=one.gate, verdict=one.verdict, signer=one.signer, sha256=one.decision.sha256)
            for one in taken
        ]
        self._same("outcome", said.outcome, outcome, answer)
        self._same("decisions", said.decisions, decisions, answer)
        self._same("attempts before it", before, self.plan.earlier, answer)
        no = next((one for one in reversed(taken) if one.verdict in SAID_NO), None) if outcome == "rejected" else None
        reason, changes = "", list[str]()
        if no is not None:
            data = self._bytes(no.decision.path)
            if sha256_hex(data) != no.decision.sha256:
                answer.fail(self._named(no.decision.path), "the decision is not the recorded one", no.decision.sha256)
                return
            decision = parse(data, Decision, where=self._named(no.decision.path))
            reason, changes = decision.comment, decision.required_changes
        self._same("reason", said.reason, reason, answer)
        self._same("required changes", said.required_changes, changes, answer)

    def _hold_seal(self, answer: Answer) -> None:
        data = self._bytes(SEAL)
        where = self._named(SEAL)
        self._same("seal", self.said.seal_sha256, sha256_hex(data), answer)
        seal = parse(data, Seal, where=where)
        if (seal.run_id, seal.checkpoint) != (self.said.run_id, self.said.checkpoint):
            answer.fail(where, "the seal is over another journal than the chain names", self.said.checkpoint.root)

    def _same(self, name: str, said: Any, found: Any, answer: Answer) -> None:
        if said != found:
            what = f"the chain has another {name} than the package of the attempt"
            answer.fail(f"{WHERE}: {self.said.run_id}", what, _shown(found), _shown(said))

    def _bytes(self, path: str) -> bytes:
        """A whole record."""
        found = bytearray()
        for chunk in self._chunks(path):
            found += chunk
            if len(found) > self._limits.record_bytes:
                raise CannotCheck("a record of an earlier attempt is larger than the limit", where=self._named(path))
        return bytes(found)

    def _chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a plain file; links are not followed, nor is anything opened that could block."""
        try:
            descriptor = os.open(self._top / path, _OPEN)
        except FileNotFoundError as error:
            raise CannotCheck("a file of an earlier attempt is not there", where=self._named(path)) from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CannotCheck("a file of an earlier attempt is no plain file", where=self._named(path))
            while chunk := os.read(descriptor, CHUNK_BYTES):
                yield chunk
        finally:
            os.close(descriptor)

    def _named(self, path: str) -> str:
        return f"{self.said.run_id}/{path}"


def _hold_last(reading: Reading, plan: InputRecord, package: _Earlier, answer: Answer) -> None:
    """What this run says of its plan, and takes over, is that of the run before it."""
    expected = plan_changes(plan, package.plan)
    if plan.changes != expected:
        answer.fail(f"{INPUT}: changes", "the plans differ in other places", _shown(expected), _shown(plan.changes))
    if not plan.revises or reading.facts is None or reading.journal is None:
        return
    facts = package.journal.facts()
    then = {step.record.id: step for step in facts.steps} if facts is not None else {}
    for step in reading.facts.steps:
        if step.reused_from == package.said.run_id:
            before = then.get(step.record.id)
            left = (before.value, before.files) if before is not None and before.status is StepStatus.DONE else None
            if left != (step.value, step.files):
                answer.fail(f"{JOURNAL}: step {step.record.id}", "the step did not leave these files in the run before")
    _same_answers(reading, package, answer)


def _same_answers(reading: Reading, package: _Earlier, answer: Answer) -> None:
    """Each answer that was taken over stands in the run before, to the same request."""
    assert reading.journal is not None
    recorded = package.journal.lines
    for path, lines in reading.journal.lines.items():
        for number, origin in lines.origins.items():
            if origin.run_id != package.said.run_id:
                continue
            before = recorded.get(responses_path(origin.step))
            has_line = before is not None and origin.line < len(before)
            told, known = lines.told(number), before.told(origin.line) if before is not None and has_line else None
            if before is None or not has_line or before.digest(origin.line) != origin.sha256:
                answer.fail(f"{path}:{number + 1}", "the run before has no such answer", got=origin.sha256)
            elif told is not None and known is not None and told.request_sha256 != known.request_sha256:
                answer.fail(f"{path}:{number + 1}", "the answer was given to another request in the run before")


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()
