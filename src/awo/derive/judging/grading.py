"""A rubric before judges: what each is asked, what its answer is worth, and the score of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import fsum
from statistics import median
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, field

from awo.derive.judging.framing import DATA_NOTE, Said, framed
from awo.derive.judging.verdict_words import Choice, cut_short, folded, labelled, shortened
from awo.evidence.judgements import GradeValue, GradeVerdict
from awo.workflow.words import Args, ModelRef, Params, Template

LABEL: Final = "GRADE"
DEFAULT_CHOICES: Final = {"correct": 1.0, "partly": 0.5, "incorrect": 0.0}
INSTRUCTIONS: Final = (
    "You grade an answer that somebody else gave. The rubric says what a good answer is; judge by it alone, "
    "and not by length, style or confidence unless it names them."
)

Word = Annotated[str, Meta(pattern=r"^\S(.{0,38}\S)?$(?!\n)")]
Worth = Annotated[float, Meta(ge=0, le=1)]
Judges = Annotated[
    tuple[ModelRef, ...],
    Meta(min_length=1, max_length=50, description="The models that judge: one, or a panel."),
]


class GradeArgs(Args, frozen=True, kw_only=True):
    """What is graded, by which rubric, and by whom."""

    rubric: Annotated[Template, Meta(description="What a good answer is (Jinja2).")]
    answer: Annotated[
        Template,
        Meta(description="What is graded (Jinja2). The default fits a step that goes over an llm_map step."),
    ] = "{{ item.value.text }}"
    question: Annotated[Template, Meta(description="What was answered (Jinja2); empty to show none.")] = ""
    judges: Judges
    choices: Annotated[
        dict[Word, Worth],
        Meta(min_length=2, max_length=20, description="The words a judge may choose, and what each is worth, 0 to 1."),
    ] = field(default_factory=lambda: dict(DEFAULT_CHOICES))
    instructions: Annotated[
        Template, Meta(description="What the judges are told first, in place of AWO's own words (Jinja2).")
    ] = ""
    schema: Annotated[
        bool, Meta(description="Ask for JSON that follows a schema, of judges whose backend supports it.")
    ] = False
    aggregate: Annotated[
        Literal["mean", "median", "majority"], Meta(description="How the scores of several judges become one.")
    ] = "mean"
    params: Annotated[Params, Meta(description="Sampling parameters by their OpenAI names; texts are templates.")] = (
        field(default_factory=dict)
    )

    def __post_init__(self) -> None:
        if len(set(map(folded, self.choices))) < len(self.choices):
            raise ValueError("`choices` has two words that differ in letter case or white space alone")


def question_text(args: GradeArgs, *, rubric: str, answer: str, question: str, instructions: str) -> str:
    """What each judge is asked; the texts are those of the templates, filled in."""
    parts = {"question": question} if question else {}
    parts |= {"rubric": rubric, "answer": answer}
    return f"{instructions or INSTRUCTIONS}\n{DATA_NOTE}\n\n{framed(parts)}\n\n{_ending(args)}"


def schema_text(args: GradeArgs) -> str:
    """The JSON Schema that a judge's answer must follow, as JSON text; '' when none is asked for."""
    if not args.schema:
        return ""
    properties = {"reason": {"type": "string"}, "grade": {"type": "string", "enum": list(args.choices)}}
    schema = {
        "type": "object",
        "properties": properties,
        "required": ["reason", "grade"],
        "additionalProperties": False,
    }
    return msgspec.json.encode(schema).decode()


def grade_of(args: GradeArgs, answers: Sequence[Said]) -> GradeValue:
    """What follows from one answer of each judge, in their order."""
    verdicts = [_verdict(args, said) for said in answers]
    graded = [verdict for verdict in verdicts if verdict.score is not None]
    missing = len(verdicts) - len(graded)
    if not graded:
        why = "no judge gave a grade" if len(verdicts) > 1 else "the judge gave no grade"
        return GradeValue(score=None, agreement=None, missing=missing, verdicts=verdicts, why=why)
    votes = Counter(str(verdict.choice) for verdict in graded)
    (word, most), *others = votes.most_common()
    score, why = _score(args, graded, "" if others and others[0][1] == most else word)
    return GradeValue(score=score, agreement=most / len(graded), missing=missing, verdicts=verdicts, why=why)


def _ending(args: GradeArgs) -> str:
    if args.schema:
        return "Say in `reason`, in a few sentences, how the answer meets the rubric, and give its `grade`."
    menu = "\n".join(f"{LABEL}: {word}" for word in args.choices)
    return (
        "Say in a few sentences how the answer meets the rubric. "
        f"Then end with one line, which is one of these:\n{menu}"
    )


def _verdict(args: GradeArgs, said: Said) -> GradeVerdict:
    choice = _from_json(args, said) if args.schema else labelled(said, LABEL, tuple(args.choices))
    return GradeVerdict(
        judge=said.model,
        call=said.call,
        choice=choice.word,
        score=None if choice.word is None else args.choices[choice.word],
        reason=choice.reason,
        why=choice.why,
    )


def _from_json(args: GradeArgs, said: Said) -> Choice:
    """A grade in an answer that was to follow the schema; one that does not follow it is off the menu."""
    off = Choice(None, f"the answer does not follow its schema{cut_short(said)}", shortened(said.text))
    if said.schema_fault:
        return off
    try:
        value: Any = msgspec.json.decode(said.text)
    except (msgspec.MsgspecError, RecursionError):
        return off
    if not isinstance(value, dict):
        return off
    reason, grade = value.get("reason"), value.get("grade")
    if not isinstance(reason, str) or not isinstance(grade, str) or grade not in args.choices:
        return off
    return Choice(grade, "", shortened(reason))


def _score(args: GradeArgs, graded: Sequence[GradeVerdict], most_frequent: str) -> tuple[float | None, str]:
    """The score of all and, where there is none, why. `most_frequent` is '' where two words are equally frequent."""
    scores = [verdict.score for verdict in graded if verdict.score is not None]
    match args.aggregate:
        case "mean":
            return fsum(scores) / len(scores), ""
        case "median":
            return float(median(scores)), ""
        case "majority" if most_frequent:
            return args.choices[most_frequent], ""
        case "majority":
            return None, "no word was chosen more often than every other"
