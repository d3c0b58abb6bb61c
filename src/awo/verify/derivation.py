"""Chapter 5, derivation: what follows from the recorded answers is computed again, and is what was recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import msgspec

from awo import plugins
from awo.canon.digest import sha256_hex, sha256_running
from awo.canon.json import pretty
from awo.derive.facts import StepFacts, StepStatus
from awo.derive.phrases import count
from awo.derive.report import report
from awo.derive.report_layout import REPORT_LAYOUT
from awo.derive.seam import Derivation, Derived
from awo.derive.views import metadata, recorded_files
from awo.errors import AwoError, CannotCheck, EvidenceError, StepFailed
from awo.evidence.events import FileRef
from awo.evidence.layout import (
    FILES_FOLDER,
    INPUT,
    JOURNAL,
    METADATA,
    OUTPUTS,
    REPORT,
    attempt_folder,
    value_path,
)
from awo.plugins import GATE_OPERATION
from awo.verify.answers import Asked
from awo.verify.compared import differences
from awo.verify.course import condition_kept, copies_allowed, promises_kept, reuse_allowed
from awo.verify.doubled import doubled_key
from awo.verify.findings import MOST_FINDINGS, Answer
from awo.verify.needed import SCORING_PROGRAM
from awo.verify.reading import ASKED, Reading
from awo.verify.sources import Package, PackageReader, PackageSources
from awo.verify.tallies import counted_again

PROGRAMS: Final = ("command", "python_score")
"""Operations that run a program of the author: nothing is run again here."""

RESAMPLED: Final = ("metrics", "comparisons", "agreement")
"""Arguments whose entries are each resampled."""

LEAST_RESAMPLED_BYTES: Final = 1000
"""A resample of a few numbers takes about as long as one of so many bytes."""

KNOWN: Final = frozenset({*ASKED, *PROGRAMS, GATE_OPERATION})
"""Operations beside derived ones of which the format says what their results are."""

KEPT_FROM_US: Final = "input.json or outputs are withheld, at least in part, so nothing is computed again"

NOT_OF_THE_COMPUTATION: Final = frozenset(
    {"changed_input", "fault", "missing", "missing_input", "path", "secret_in_output", "timeout", "usage", "workflow"}
)
"""Reasons for which a derived step fails that say nothing of what it computes from."""


def ep_5_1(reading: Reading, answer: Answer) -> None:
    """Each request is the one that the plan makes, every answer counts, and each value is what its responses give."""
    package = _package(reading, answer)
    if package is None:
        return
    reuse_allowed(package, answer)
    copies_allowed(package, answer)
    for step in package.facts.steps:
        if step.record.op in ASKED and step.status is StepStatus.DONE:
            with _seam(answer, value_path(step.record.id)):
                Asked(package, step, answer).check()


def ep_5_2(reading: Reading, answer: Answer) -> None:
    """Each step whose result follows from earlier ones gives the recorded value and files, or fails as recorded;
    it was skipped where its condition says so; and the claims that were registered are those of the plan."""
    package = _package(reading, answer)
    if package is None:
        return
    with _seam(answer, INPUT):
        promises_kept(package, answer)
    not_again = 0
    strange: Counter[str] = Counter()
    for step in package.facts.steps:
        with _seam(answer, f"{JOURNAL}: step {step.record.id}"):
            condition_kept(package, step, answer)
        if step.record.op == SCORING_PROGRAM and step.status is StepStatus.DONE:
            with _seam(answer, value_path(step.record.id)):
                counted_again(package, step, answer)
        if step.record.op not in KNOWN and step.record.op not in plugins.DERIVATIONS:
            strange[step.record.op] += 1
        if step.record.op in plugins.DERIVATIONS and step.status in (StepStatus.DONE, StepStatus.FAILED):
            with _seam(answer, value_path(step.record.id)):
                _derived_again(package, step, answer)
        not_again += step.record.op in PROGRAMS and step.status is StepStatus.DONE
    if not_again:
        answer.note(f"what programs of the author gave was not computed again: {count(not_again, 'step')}")
    for op, steps in strange.items():
        answer.cannot(JOURNAL, "nothing is known of this operation, and its results are not computed again",
                      got=f"{op}, {count(steps, 'step')}")  # fmt: skip


def ep_5_3(reading: Reading, answer: Answer) -> None:
    """What each answer cost is its counted tokens at the price in input.json, rounded up to 10^-12 dollars."""
    if kept_back := reading.withheld.kept_back:
        answer.withhold(kept_back, KEPT_FROM_US)
        return
    if reading.plan is None:
        answer.cannot(JOURNAL, "the prices stand in input.json, which cannot be read")
        return
    for responses in reading.responses:
        for finding in responses.mispriced:
            answer.add(finding)


def ep_5_4(reading: Reading, answer: Answer) -> None:
    """metadata.json says what the journal says, and report.md is the text that the record gives."""
    package = _package(reading, answer)
    if package is None:
        return
    for path, check in ((METADATA, _metadata_again), (REPORT, _report_again)):
        if reading.withheld.is_away(path) or (path == REPORT and reading.withheld.hides_decisions):
            answer.withhold(path)
        elif path in reading.present:
            with _seam(answer, path):
                check(package, answer)
        elif reading.has_seal:
            answer.cannot(path, "the view is not there")


# --- one seam around what a stranger's plan makes us compute -----------------------------------------------


def _package(reading: Reading, answer: Answer) -> Package | None:
    """What is computed from; None, and said so, when the run cannot be followed or was not kept."""
    if kept_back := reading.withheld.kept_back:
        answer.withhold(kept_back, KEPT_FROM_US)
    elif reading.facts is None or reading.plan is None:
        answer.cannot(JOURNAL, "the journal cannot be followed to its end")
    elif reading.spool.problem:
        answer.cannot("", "the outputs could not be kept while they were read (set TMPDIR)", got=reading.spool.problem)
    else:
        if reading.package is None:
            reading.package = Package(reading, reading.facts, reading.plan)
        package: Package = reading.package
        return package
    return None


@contextmanager
def _seam(answer: Answer, where: str) -> Iterator[None]:
    """Whatever hostile arguments and values make the block raise becomes a finding, never a traceback."""
    try:
        yield
    except CannotCheck as error:
        answer.cannot(error.where or where, error.what, error.expected, error.got, error.hint)
    except EvidenceError as error:
        answer.fail(error.where or where, error.what, error.expected, error.got)
    except AwoError as error:
        answer.fail(where, f"computing it again fails: {error.what}", error.expected, error.got)
    except Exception as error:
        answer.cannot(where, f"it could not be computed again: {type(error).__name__}")


# --- derived steps --------------------------------------------------------------------------------------------


def _derived_again(package: Package, step: StepFacts, answer: Answer) -> None:
    record = step.record
    code = step.reason.code if step.status is StepStatus.FAILED and step.reason is not None else ""
    if code == "timeout" and not record.timeout_s:
        answer.fail(value_path(record.id), "the step failed for its time limit, and it has none", got=code)
        return
    if code in NOT_OF_THE_COMPUTATION or (code == "condition" and record.when):
        answer.note(f"step {record.id} failed for a reason that is not computed again: {code}")
        return
    derivation: Derivation[Any] = plugins.load(plugins.DERIVATIONS, record.op, "derivation")
    try:
        args = msgspec.json.decode(record.args, type=derivation.args)
    except msgspec.MsgspecError as error:
        answer.fail(value_path(record.id), "the step has arguments that its operation does not take", got=str(error))
        return
    _bounded(package, step, args)
    package.tick()
    try:
        derived = derivation.compute(args, PackageSources(package, record.id))
        failure = derived.failure
    except StepFailed as error:
        derived, failure = None, error
    if not _ended_alike(step, failure, code, answer) or derived is None:
        return
    if step.value is not None and not code:
        path = step.value.path
        _same_value(path, _as_json(derived.value), package.value(path), answer)
    _same_files(package, step, derived, answer)


def _bounded(package: Package, step: StepFacts, args: Any) -> None:
    """Raises `CannotCheck` when a plan asks for more resampling than anybody needs."""
    resamples = getattr(args, "resamples", 0)
    if not isinstance(resamples, int):
        return
    spool, most = package.reading.spool, package.reading.limits.resampled_bytes
    needs = (package.steps[need] for need in step.record.needs if need in package.steps)
    size_bytes = max(LEAST_RESAMPLED_BYTES, sum(spool.size_bytes(ref.path) for need in needs for ref in need.files))
    numbers = max(1, sum(len(getattr(args, name, ())) for name in RESAMPLED))
    if resamples * size_bytes * numbers > most:
        raise CannotCheck(
            "the step resamples more than is computed again",
            expected=f"resamples times bytes times results at most {most}",
            got=f"{resamples} times {size_bytes} times {numbers}",
        )


def _ended_alike(step: StepFacts, failure: StepFailed | None, code: str, answer: Answer) -> bool:
    """Whether computing ended as the step did."""
    where = value_path(step.record.id)
    if failure is None and code:
        answer.fail(where, "the step failed, and computing it again does not", code, "a value")
    elif failure is not None and not code:
        answer.fail(where, f"computing it again fails: {failure.what}", "the recorded value", failure.code)
    elif failure is not None and failure.code != code:
        answer.fail(where, "computing it again fails for another reason", code, failure.code)
    else:
        return True
    return False


def _as_json(value: Any) -> Any:
    """The value as it would be read back from output.json."""
    return msgspec.json.decode(pretty(msgspec.to_builtins(value)))


def _same_value(path: str, expected: Any, got: Any, answer: Answer) -> None:
    for one in islice(differences(expected, got), MOST_FINDINGS):
        where = f"{path}: {one.place}" if one.place else path
        answer.fail(where, "the recorded value does not follow", one.expected, one.got)


def _same_files(package: Package, step: StepFacts, derived: Derived, answer: Answer) -> None:
    """The artifacts are those that follow, each with its lines."""
    id_ = step.record.id
    has_failed = step.status is StepStatus.FAILED
    top = f"{attempt_folder(id_, step.attempts)}/" if has_failed else f"{OUTPUTS}/{id_}/{FILES_FOLDER}/"
    refs = step.failed_files if has_failed else step.files
    recorded = {ref.path.removeprefix(top): ref for ref in refs if ref.path.startswith(top)}
    for name in sorted(recorded.keys() - derived.files.keys()):
        answer.fail(top + name, "no file of this name follows")
    for name, lines in derived.files.items():
        ref = recorded.get(name)
        if ref is None:
            answer.fail(top + name, "a file that follows is not recorded")
        else:
            _same_lines(package, ref, lines, answer)


def _same_lines(package: Package, ref: FileRef, lines: Sequence[bytes], answer: Answer) -> None:
    hasher = sha256_running()
    for line in lines:
        hasher.update(line)
    if hasher.hexdigest() == ref.sha256:
        return
    if not ref.path.endswith(".jsonl"):
        answer.fail(ref.path, "the recorded file does not follow", hasher.hexdigest(), ref.sha256)
        return
    number = 0
    recorded = package.lines(ref.path)
    for number, (line, got) in enumerate(zip(lines, recorded, strict=False), start=1):
        if line.removesuffix(b"\n") != got:
            where = f"{ref.path}:{number}"
            _same_value(where, msgspec.json.decode(line), _line_of(got, where), answer)
            if answer.left_out:
                return
    total = number + sum(1 for _ in recorded)
    if total != len(lines):
        answer.fail(ref.path, "the recorded file has another number of lines", str(len(lines)), str(total))


def _line_of(line: bytes, where: str) -> Any:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("a recorded line is not JSON", where=where) from error
    if key := doubled_key(line):
        raise EvidenceError("a key stands twice in one object", where=where, got=key)
    return value


# --- views ----------------------------------------------------------------------------------------------------


def _metadata_again(package: Package, answer: Answer) -> None:
    reading = package.reading
    data = reading.kept.get(METADATA)
    if data is None:
        raise CannotCheck("the view cannot be read", where=METADATA)
    try:
        got = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EvidenceError("the view is not JSON", where=METADATA) from error
    expected = metadata(package.facts) | {"hashes": {ref.path: ref.sha256 for ref in recorded_files(package.facts)}}
    if not reading.has_seal:
        if got != expected:
            answer.note("metadata.json is older than the journal; `awo render` rebuilds it")
        return
    for one in islice(differences(_as_json(expected), got), MOST_FINDINGS):
        answer.fail(f"{METADATA}: {one.place}", "the view does not say what the journal says", one.expected, one.got)


def _report_again(package: Package, answer: Answer) -> None:
    reading = package.reading
    if reading.report_layout != REPORT_LAYOUT:
        raise CannotCheck(
            "the report was written in another layout than this version writes",
            where=REPORT,
            expected=f"layout {reading.report_layout or 'not recorded'}",
            got=f"layout {REPORT_LAYOUT}",
        )
    package.held(REPORT)
    text = report(package.facts, PackageReader(package)).encode()
    got = reading.digests.get(REPORT, "")
    if sha256_hex(text) == got:
        return
    if not reading.has_seal:
        answer.note("report.md is older than the journal; `awo render` rebuilds it")
        return
    number, expected, shown = _first_difference(text.split(b"\n"), package.reading.spool.lines(REPORT))
    answer.fail(f"{REPORT}:{number}", "the report does not say what the record says", expected, shown)


def _first_difference(expected: Sequence[bytes], got: Iterator[bytes]) -> tuple[int, str, str]:
    """The number of the first line that differs, from 1, and both lines."""
    number = 0
    for number, line in enumerate(got, start=1):
        wanted = expected[number - 1] if number <= len(expected) else b""
        if line != wanted:
            return number, wanted.decode(errors="replace"), line.decode(errors="replace")
    wanted = expected[number] if number < len(expected) else b""
    return number + 1, wanted.decode(errors="replace"), ""
