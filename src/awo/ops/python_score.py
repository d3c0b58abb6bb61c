"""The operation `python_score`: an author's Python function scores every answer of a step, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, assert_never

import msgspec
from msgspec import Meta, field

from awo.derive.answers import Answer, answers_of
from awo.derive.scores.labels import LONGEST_LABEL
from awo.derive.scores.seam import GRADE_THRESHOLD, TEST_THRESHOLD, Outcome, Scored, measured, said_why
from awo.derive.scores.step import Name
from awo.derive.scores.tally import ScoresKept
from awo.errors import DiskTrouble, StepFailed
from awo.evidence.scores import SCORES_FILE
from awo.ops import python_score_child as child
from awo.ops.captured import Captured
from awo.ops.command import MEBIBYTE, STDERR, Ended, kept, minimal_environment, run_program
from awo.ops.seam import Desk, Operation
from awo.ops.working_folder import lay_out
from awo.workflow.words import Args, ReadPath, StepRef

MOST_RESULT_BYTES: Final = 512 * MEBIBYTE
MOST_STDERR_BYTES: Final = 1 * MEBIBYTE

_PROGRAM: Final = str(Path(child.__file__).resolve())
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_ERROR_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

GivenType = Literal["test", "grade", "measure", "label"]


class PythonScoreArgs(Args, frozen=True, kw_only=True):
    """Whose answers are scored, and by which function."""

    of: Annotated[StepRef, Meta(description="The step whose answers are scored.")]
    file: Annotated[ReadPath, Meta(description="The Python file with the function.")]
    function: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z][A-Za-z0-9_]{0,63}$",
            description="The function: called with `item` (a mapping, as in templates) and the answer's text, it gives "
            "a truth, a number, a text, None, or a mapping of names to these.",
        ),
    ] = "score"
    types: Annotated[
        dict[Name, GivenType],
        Meta(
            description="What a score is, by name: one that is not a mapping is called as the function. By default "
            "truths are tests, numbers measures, texts labels."
        ),
    ] = field(default_factory=dict)
    threshold: Annotated[float, Meta(ge=0, le=1, description="The grade from which on an answer has passed.")] = (
        GRADE_THRESHOLD
    )
    max_errors: Annotated[int, Meta(ge=0, description="For how many answers the function may raise.")] = 0
    time_limit_s: Annotated[
        float,
        Meta(ge=0, le=2_592_000, description="Seconds until it is stopped, all answers together; 0 for no limit."),
    ] = 0.0


class _Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the function gave for one answer."""

    scores: dict[str, bool | float | str | None]
    why: dict[str, str]
    error: str


async def perform(args: PythonScoreArgs, desk: Desk) -> Any:
    """A `ScoresValue`, and scores.jsonl as `score` writes it; the file's digest stands in the kind of each score.

    Raises `StepFailed`: `function_missing` when the file cannot be loaded or has no such function,
    `function_ended` when the process ended before its last answer, `function_failed` when the function
    raised for more than `max_errors` answers, `function_result` for results that do not go together, and
    as `command` does. What the function printed is kept in stderr.txt.
    """
    if sys.platform == "win32":
        raise StepFailed("functions do not run on Windows", code="cannot_start", hint="use Linux, macOS or WSL")
    scratch = desk.scratch().resolve()
    count = await _prepared(args, desk, scratch)
    argv = [sys.executable, "-I", "-B", _PROGRAM, args.file, args.function]
    with (
        contextlib.closing(Captured(MOST_RESULT_BYTES)) as out,
        contextlib.closing(Captured(MOST_STDERR_BYTES)) as err,
    ):
        env = minimal_environment(scratch)
        ended = await run_program(argv, env, scratch, out, err, desk.step, "python", args.time_limit_s)
        results, cut_bytes = await kept(out, MOST_RESULT_BYTES, desk)
        said, _ = await kept(err, MOST_STDERR_BYTES, desk)
    await desk.keep_file(STDERR, said)
    _refuse_bad_end(args, desk, ended)
    given = await asyncio.to_thread(_read, results, count if not cut_bytes else -1, desk)
    scored = await asyncio.to_thread(_scored, args, desk, given)
    await desk.keep_lines(SCORES_FILE, scored.lines)
    _refuse_errors(args, desk, given)
    return msgspec.to_builtins(scored.value(args.of, desk.step))


async def _prepared(args: PythonScoreArgs, desk: Desk, scratch: Path) -> int:
    """The working folder with the file, and the answers on standard input; how many they are."""
    try:
        for name in ("work", "home", "tmp"):
            (scratch / name).mkdir()
        await lay_out(desk, scratch / "work", (args.file,), (), ())
        return await asyncio.to_thread(_write_answers, args, desk, scratch / "stdin")
    except OSError as error:
        raise DiskTrouble("the function's working folder cannot be filled", got=str(error.strerror)) from error


def _write_answers(args: PythonScoreArgs, desk: Desk, path: Path) -> int:
    count = 0
    with path.open("wb") as stream:
        for answer in _answered(args, desk):
            stream.write(msgspec.json.encode({"item": answer.shown.row, "text": answer.text}) + b"\n")
            count += 1
    return count


def _answered(args: PythonScoreArgs, desk: Desk) -> Iterator[Answer]:
    return (answer for answer in answers_of(desk.sources, args.of) if answer.status == "done")


def _refuse_bad_end(args: PythonScoreArgs, desk: Desk, ended: Ended) -> None:
    where, hint = f"step {desk.step}", f"what it said is in {STDERR}, in the newest outputs/{desk.step}/attempt-*/"
    if ended.is_past_time:
        raise StepFailed(
            "the function was stopped at its time limit",
            code="time_limit",
            where=where,
            expected=f"an end within {args.time_limit_s:g} s",
            hint=hint,
        )
    match ended.exit_code:
        case 0:
            return
        case child.CANNOT_LOAD:
            raise StepFailed("the file cannot be loaded", code="function_missing", where=args.file, hint=hint)
        case child.NO_FUNCTION:
            what = f"the file has no function {args.function!r}"
            raise StepFailed(what, code="function_missing", where=args.file)
        case code:
            got = f"exit code {code}" if code >= 0 else f"ended by signal {-code}"
            raise StepFailed("the function ended its process", code="function_ended", where=where, got=got, hint=hint)


def _read(results: bytes, count: int, desk: Desk) -> list[_Result]:
    """One result for each answer; `count` -1 where there were more bytes than are kept."""
    decoder = msgspec.json.Decoder(_Result)
    lines = results.splitlines()
    try:
        given = [decoder.decode(line) for line in lines]
    except msgspec.MsgspecError as error:
        raise StepFailed(
            "the results cannot be read", code="function_ended", where=f"step {desk.step}", got=str(error)[:200]
        ) from error
    if len(given) != count:
        raise StepFailed(
            "the process did not give a result for every answer",
            code="function_ended",
            where=f"step {desk.step}",
            expected=f"{count} results" if count >= 0 else f"at most {MOST_RESULT_BYTES} bytes",
            got=f"{len(given)} results",
        )
    return given


def _scored(args: PythonScoreArgs, desk: Desk, given: Sequence[_Result]) -> ScoresKept:
    outcomes = _outcomes(args, desk, given)
    scores = ScoresKept(outcomes)
    results = iter(given)
    for answer in answers_of(desk.sources, args.of):
        if answer.status == "failed":
            scores.add(answer, {}, {})
            continue
        result = next(results)
        scores.add(answer, {name: _as_scored(result, name, out) for name, out in outcomes.items()}, {})
    return scores


def _outcomes(args: PythonScoreArgs, desk: Desk, given: Sequence[_Result]) -> dict[str, Outcome]:
    """The scores by name in the order of first use, those of `types` first: each with what all its values are."""
    kinds: dict[str, set[type]] = {name: set() for name in args.types}
    for result in given:
        for name, value in result.scores.items():
            kinds.setdefault(name, set()).add(type(value))
    kinds = kinds or {args.function: set()}
    kind = f"python:{args.function}@{desk.file_ref(args.file).sha256[:16]}"
    outcomes: dict[str, Outcome] = {}
    for name, found in kinds.items():
        if not _NAME.fullmatch(name):
            raise StepFailed(
                "a score cannot be called so",
                code="function_result",
                where=f"step {desk.step}",
                expected="a letter, then letters, digits and _",
                got=repr(name[:60]),
            )
        type_ = args.types.get(name) or _type_of(found - {type(None)}, name, desk)
        threshold = {"test": TEST_THRESHOLD, "grade": args.threshold}.get(type_, 0.0)
        outcomes[name] = Outcome(kind, type_, threshold, type_ == "label")
    return outcomes


def _type_of(found: set[type], name: str, desk: Desk) -> GivenType:
    if found == {str}:
        return "label"
    if str in found:
        raise StepFailed(
            f"the score {name!r} is a text for some answers and a number for others",
            code="function_result",
            where=f"step {desk.step}",
            hint="give one kind, or name the score in `types`",
        )
    return "test" if found == {bool} else "measure"


def _as_scored(result: _Result, name: str, outcome: Outcome) -> Scored:
    if result.error:
        what = result.error if _ERROR_NAME.fullmatch(result.error) else "an error"
        return said_why(f"the function raised {what}")
    value = result.scores.get(name)
    if value is None:
        return said_why(result.why.get(name, "the function gave none"))
    match outcome.type:
        case "label":
            if isinstance(value, str) and 0 < len(value) <= LONGEST_LABEL:
                return Scored(None, "", value)
            return said_why(f"the function gave no text of 1 to {LONGEST_LABEL} characters")
        case "measure":
            return said_why("the function gave no number") if isinstance(value, str) else measured(value)
        case "grade":
            is_grade = not isinstance(value, str) and 0 <= value <= 1
            return measured(float(value)) if is_grade else said_why("the function gave no number from 0 to 1")
        case "test":
            is_test = not isinstance(value, str) and value in (0, 1)
            return Scored(float(value)) if is_test else said_why("the function gave neither true nor false")
        case "ratings":
            raise AssertionError("a function gives no ratings")
        case _:
            assert_never(outcome.type)


def _refuse_errors(args: PythonScoreArgs, desk: Desk, given: Sequence[_Result]) -> None:
    names = [result.error for result in given if result.error]
    if len(names) <= args.max_errors:
        return
    raise StepFailed(
        f"the function raised for {len(names)} of {len(given)} answers",
        code="function_failed",
        where=f"step {desk.step}",
        expected=f"at most {args.max_errors}",
        got=", ".join(name for name in dict.fromkeys(names) if _ERROR_NAME.fullmatch(name))[:200],
        hint=f"what it raised is in {STDERR}, in the newest outputs/{desk.step}/attempt-*/",
    )


OPERATION = Operation(
    name="python_score",
    summary="Scores every answer of a step with a Python function of your own.",
    args=PythonScoreArgs,
    purity="effect",
    perform=perform,
    reads_lines=True,
)
