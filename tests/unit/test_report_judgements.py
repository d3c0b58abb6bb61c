"""The chapter of judgements: who gave what, what was off the menu, what stands; and the same in words in a fan-out."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.a_run import Told, cell, fanned, step
from tests.unit.test_report import EVIL, chapters, headings, kinds_and_links, written

from awo.derive.judging.rounds import PROPOSER_TASK, REFUTER_TASK, VERDICT_TASK
from awo.evidence import events as ev
from awo.evidence.judgements import (
    GradeValue,
    GradeVerdict,
    Objection,
    PreferenceValue,
    PreferenceVote,
    RefutationValue,
)

WORTH = {"correct": 1.0, "incorrect": 0.0}


def grade(choices: dict[str, str | None], reason: str = "So it is.") -> GradeValue:
    """What judges chose, by their names; None is off the menu."""
    verdicts = [
        GradeVerdict(
            judge=judge,
            call=judge,
            choice=choice,
            score=None if choice is None else WORTH.get(choice, 0.5),
            reason=reason,
            why="" if choice else "the answer has no line `GRADE: …`",
        )
        for judge, choice in choices.items()
    ]
    scores = [verdict.score for verdict in verdicts if verdict.score is not None]
    return GradeValue(
        score=sum(scores) / len(scores) if scores else None,
        agreement=1.0 if scores else None,
        missing=len(verdicts) - len(scores),
        verdicts=verdicts,
        why="" if scores else "no judge gave a grade",
    )


def preference(
    winner: Any, votes: list[PreferenceVote], first: str = "large", second: str = "small"
) -> PreferenceValue:
    abstained = sum(vote.verdict == "abstain" for vote in votes)
    score = {"first": 1.0, "second": 0.0, "tie": 0.5}.get(winner)
    return PreferenceValue(
        winner=winner, score=score, first_is=first, second_is=second, abstained=abstained, votes=votes, why=""
    )


def vote(judge: str, forward: Any, swapped: Any, verdict: Any, why: str = "") -> PreferenceVote:
    return PreferenceVote(judge=judge, forward=forward, swapped=swapped, verdict=verdict, calls=["0", "1"], why=why)


def objection(id_: str, status: Any, text: str = "It is not so.", **changes: Any) -> Objection:
    made = Objection(
        id=id_,
        round=1,
        refuter="sceptic",
        text=text,
        reply="It is.",
        replied_by="defender",
        status=status,
        calls=[],
        why="",
    )
    return msgspec.structs.replace(made, **changes)


def refutation(objections: list[Objection], verdict: Any = "refuted", statement: str = "It is so.") -> RefutationValue:
    return RefutationValue(
        statement=statement,
        verdict=verdict,
        rounds=1,
        objections=objections,
        standing=sum(one.status in ("standing", "conceded") for one in objections),
        unclear=sum(one.status == "unclear" for one in objections),
        no_objection=1,
        unused_answers=[],
        calls=[],
        why="",
    )


def fanned_out(op: str, values: list[Any], **args: Any) -> Told:
    """A step of `op` over a cell for each value."""
    one = fanned("judged", op)
    told = Told([msgspec.structs.replace(one, args=step("judged", op, **args).args)])
    told.start()
    told.begin("judged")
    told.say(ev.FannedOut, step="judged", attempt=1, cells=len(values), asks=len(values))
    told.finish_cells("judged", [cell(at, msgspec.to_builtins(value)) for at, value in enumerate(values)])
    return told


def test_grades_are_counted_by_cell_and_by_judge_and_the_first_off_the_menu_are_shown() -> None:
    values = [
        grade({"kind": "correct", "stern": "incorrect"}),
        grade({"kind": "correct", "stern": "correct"}),
        grade({"kind": None, "stern": "incorrect"}, reason="I like | it"),
        grade({"kind": None, "stern": None}),
    ]
    text = written(fanned_out("grade", values, rubric="It names {{ item.row.answer }}."))
    assert "The rubric, as the workflow has it: It names {{ item.row.answer }}." in text
    assert "4 cells: mean score 0.500, over the 3 with a score; 1 without one. To 1 no judge gave a grade." in text
    assert "| `kind` | 2 | **2** | correct 2 | 0.500 |" in text
    assert "| `stern` | 3 | **1** | incorrect 2, correct 1 | 0.500 |" in text
    assert "| `row2` | `kind` | the answer has no line \\`GRADE: …\\` | I like \\| it |" in text


def test_more_off_the_menu_than_are_shown_are_counted() -> None:
    text = written(fanned_out("grade", [grade({"one": None})] * 5))
    assert text.count("So it is.") == 3
    assert "2 more answers off the menu are not shown here" in text


def test_a_fan_out_says_judgements_in_words() -> None:
    assert "| score 0.500 (`kind` correct, `stern` incorrect) |" in written(
        fanned_out("grade", [grade({"kind": "correct", "stern": "incorrect"})])
    )
    votes = [vote("one", "A", "B", "first"), vote("two", "A", "A", "abstain")]
    assert "| `large` preferred (`large` 1, `small` 0, ties 0, abstained 1) |" in written(
        fanned_out("prefer", [preference("first", votes)])
    )
    assert "| refuted: 1 objection, 1 standing, 1 unclear |" in written(
        fanned_out("refute", [refutation([objection("o1-1", "standing"), objection("o1-2", "unclear")])])
    )


def test_preferences_name_the_two_and_tell_flips_from_answers_off_the_menu() -> None:
    flip = vote("one", "A", "A", "abstain", "it went by the order")
    blank = vote("two", None, "A", "abstain", "forward: no word of the menu")
    values = [
        preference("first", [vote("one", "A", "B", "first"), vote("two", "A", "B", "first")]),
        preference("tie", [vote("one", "TIE", "TIE", "tie"), blank]),
        preference("abstain", [flip, blank]),
    ]
    text = written(fanned_out("prefer", values))
    assert "| `large` | `small` | 1 | 0 | 1 | 1 |" in text
    assert "| `one` | 1 | 0 | 1 | 1 | 0 |" in text
    assert "| `two` | 1 | 0 | 0 | 0 | 2 |" in text
    assert "| `row1` | `two` | forward: no word of the menu |" in text


def refuted(value: RefutationValue) -> Told:
    told = Told([step("judged", "refute", statement="It is so.")])
    told.start()
    told.begin("judged")
    told.finish("judged", msgspec.to_builtins(value))
    return told


def test_an_exchange_is_shown_objection_by_objection() -> None:
    objections = [
        objection("o1-1", "answered"),
        objection("o1-2", "standing", "But no.", reply="I say so.", replied_by="person"),
        objection("o1-3", "unclear", "Hm", reply=None, replied_by="", why="it is not one of the two"),
    ]
    text = written(refuted(refutation(objections)))
    assert "The statement is **refuted**. 2 objections: 1 answered, 1 standing, 0 conceded. In 1 answer" in text
    assert "| `o1-1` | `sceptic` | It is not so. | `defender`: It is. | answered |" in text
    assert "| `o1-2` | `sceptic` | But no. | a person: I say so. | **stands** |" in text
    assert "| `o1-3` | `sceptic` | Hm |  | cannot be read (it is not one of the two) |" in text
    assert "Other results" not in chapters(text)


def test_a_refutation_that_failed_shows_what_was_said() -> None:
    told = Told([step("judged", "refute", statement="It is so.", answers={"o1-2": "I say so."})])
    told.start()
    told.begin("judged")
    for model, task, said in (
        ("sceptic", REFUTER_TASK, "OBJECTION: But no."),
        ("defender", PROPOSER_TASK, "REPLY: But yes."),
        ("sceptic", VERDICT_TASK, "STANDS"),
    ):
        told.answer("judged", model, f"{task}\n…", said)
    told.fail("judged", "objection_stands", "1 objection to the statement stands unanswered: o1-1 of sceptic")
    text = written(told)
    assert "**Failed**: 1 objection to the statement stands unanswered: o1-1 of sceptic" in text
    assert "| `sceptic` | objects | OBJECTION: But no. |" in text
    assert "| `defender` | replies | REPLY: But yes. |" in text
    assert "| `sceptic` | judges the reply | STANDS |" in text
    assert "Replies of people stand in the workflow, to `o1-2`." in text


def test_no_more_cells_are_read_than_the_cap_and_the_chapter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awo.derive.report.judged.CELLS_READ", 10)
    text = written(fanned_out("grade", [grade({"one": "correct"})] * 12))
    assert "10 cells: mean score 1.000." in text
    assert "Counted over the first 10 of 12 cells." in text


def test_a_value_of_another_shape_is_shown_as_it_is() -> None:
    told = Told([step("judged", "grade")])
    told.start()
    told.begin("judged")
    told.finish("judged", {"odd": 1})
    assert '"odd": 1' in written(told)


def evil_judgements(evil: str) -> list[Told]:
    """Steps of each kind in which everything that the shapes leave open is `evil`."""
    off = grade({evil: None, evil + "2": evil or "x"}, reason=evil)
    off = msgspec.structs.replace(off, verdicts=[msgspec.structs.replace(one, why=evil) for one in off.verdicts])
    votes = [vote(evil, None, "A", "abstain", evil)]
    exchange = refutation([objection(evil, "standing", evil, refuter=evil, reply=evil, replied_by=evil, why=evil)])
    return [
        fanned_out("grade", [off], rubric=evil),
        fanned_out("prefer", [preference("first", votes, evil, evil)], criterion=evil),
        fanned_out("refute", [exchange], statement=evil),
        refuted(exchange),
    ]


@settings(max_examples=15, deadline=None)
@given(st.just(EVIL) | st.text(alphabet="|`\\<>[]()!*_#\n -&;$@:~=1.", min_size=1))
def test_no_text_in_a_judgement_breaks_out_of_its_place(evil: str) -> None:
    for told, plain in zip(evil_judgements(evil), evil_judgements("plain"), strict=True):
        text = written(told)
        kinds, links = kinds_and_links(text)
        assert not kinds & {"html_block", "html_inline", "image"}
        assert all(re.fullmatch(r"#?[A-Za-z0-9_./-]+", link) for link in links)
        assert headings(text) == headings(written(plain))


def test_a_large_judgement_is_capped() -> None:
    long = "\u202e" * 2_000
    values = [grade({f"{long}{number}": None for number in range(50)}, reason=long)] * 30
    assert len(written(fanned_out("grade", values)).encode()) < 200_000
