"""What a panel judges, and how far its people agree: no name of a model, an order that can be computed again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scored_answers import response
from tests.unit.test_votes import cell, fanned

from awo.derive import panel_agreement
from awo.derive.panel_agreement import agreement_of
from awo.derive.panels import ITEMS_SHOWN, groups_of, letter, panel_page, panel_seed, unblinded
from awo.derive.statistics.coefficients import alpha_value
from awo.evidence.events import Checkpoint
from awo.evidence.gates import Answer, ChecklistItem, Decision, Signer
from awo.evidence.records import ItemLine, Message, ResponseLine
from awo.testing.fake_sources import FakeSources

MODELS = ("secret-model-a", "secret-model-b", "secret-model-c", "secret-model-d")


def asked(call: str, text: str) -> ResponseLine:
    line = response(0, model=call.partition("-")[2], messages=[Message(role="user", content=text)])
    return msgspec.structs.replace(line, call=call)


def sources(items: Sequence[ItemLine], prompt: str = "What is 2 + 2?") -> FakeSources:
    calls = [call for item in items for call in item.calls]
    return FakeSources(
        records={"ask": fanned("ask", models=list(MODELS))},
        items={"ask": items},
        responses={"ask": [asked(call, prompt) for call in calls]},
    )


def rows(number: int) -> list[ItemLine]:
    said = [{model: f"answer {place} to {n}" for place, model in enumerate(MODELS)} for n in range(number)]
    return [cell(n, f"row-{n}", one) for n, one in enumerate(said)]


def test_the_page_shows_prompts_and_answers_and_names_no_model() -> None:
    page = panel_page(sources(rows(3)), "audit", ["ask"], 7)
    for number in range(3):
        assert f"row-{number}" in page
        for place in range(4):
            assert f"answer {place} to {number}" in page
    assert page.count("What is 2 + 2?") == 3
    assert not [model for model in MODELS if model in page]


def test_the_order_can_be_computed_again_with_a_digest_alone() -> None:
    for group, number in zip(groups_of(sources(rows(20)), "ask", 7), range(20), strict=True):
        wanted = sorted(range(4), key=lambda n: hashlib.sha256(f"7:ask:{number}:{n}".encode()).hexdigest())
        assert [one.answer.number for one in group.answers] == wanted
        assert [one.letter for one in group.answers] == ["A", "B", "C", "D"]


def test_the_order_differs_from_item_to_item_and_from_seed_to_seed() -> None:
    items = rows(30)
    orders = [tuple(one.answer.number for one in group.answers) for group in groups_of(sources(items), "ask", 7)]
    others = [tuple(one.answer.number for one in group.answers) for group in groups_of(sources(items), "ask", 8)]
    assert len(set(orders)) > 10
    assert orders != others


def test_the_seed_is_the_head_of_a_digest_of_the_runs_seed_and_the_gate() -> None:
    assert panel_seed(42, "audit") == int(hashlib.sha256(b"awo/panel/v1:42:audit").hexdigest()[:13], 16)
    assert panel_seed(42, "audit") != panel_seed(42, "other")
    assert 0 <= panel_seed(-1, "audit") < 2**53


def test_the_letters_go_on_behind_z() -> None:
    assert [letter(place) for place in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AB",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_repeats_of_a_row_are_judged_apart() -> None:
    items = [cell(0, "x", {"a": "one", "b": "two"}), cell(1, "x", {"a": "three", "b": "four"}, repeat=1)]
    groups = list(groups_of(sources(items), "ask", 7))
    assert [(group.item, group.repeat, len(group.answers)) for group in groups] == [("x", 0, 2), ("x", 1, 2)]


def test_other_prompts_stand_with_their_answers() -> None:
    items = [cell(0, "x", {"a": "one", "b": "two"})]
    given_ = sources(items)
    mixed = FakeSources(
        records={"ask": fanned("ask", models=["a", "b"])},
        items={"ask": items},
        responses={"ask": [asked("0-a", "Be brief."), asked("0-b", "Be long.")]},
    )
    assert panel_page(given_, "audit", ["ask"], 7).count("Asked (user)") == 1
    page = panel_page(mixed, "audit", ["ask"], 7)
    assert page.index("Be brief.") < page.index("one")
    assert page.count("Asked (user)") == 2


def test_a_failed_cell_and_a_skipped_step_are_said() -> None:
    page = panel_page(sources([cell(0, "x", None)]), "audit", ["ask", "gone"], 7, skipped=["gone"])
    assert page.count("*(no answer)*") == len(MODELS)
    assert "## `gone`\n\nThe step was skipped" in page


HOSTILE = "```\n\n#### B\n\nignore `that` | <script>alert(1)</script> \u202eabc ![](http://x.invalid/y)"


def test_no_answer_can_leave_its_block() -> None:
    page = panel_page(sources([cell(0, "`x`\n# y", {"a": HOSTILE, "b": "fine"})], HOSTILE), "audit", ["ask"], 7)
    outside, fence = [], ""
    for line in page.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.removesuffix("text")
        else:
            outside.append(line)
    assert not fence
    assert not [line for line in outside if "script" in line or "x.invalid" in line]
    assert [line for line in outside if line.startswith("#### ")] == ["#### A", "#### B"]
    assert "\u202e" not in page


def test_a_page_is_bounded_and_says_what_it_leaves_out() -> None:
    page = panel_page(sources(rows(ITEMS_SHOWN + 5)), "audit", ["ask"], 7)
    assert "5 more items not shown here: `outputs/ask/responses.jsonl`, which names the models" in page
    long = panel_page(sources([cell(0, "x", {"a": "y" * 30_000})]), "audit", ["ask"], 7)
    assert "10,000 more characters" in long


def test_a_page_of_many_long_answers_ends_somewhere() -> None:
    long = [cell(n, f"r{n}", dict.fromkeys(MODELS, "z" * 19_000)) for n in range(40)]
    page = panel_page(sources(long), "audit", ["ask"], 7)
    assert len(page) < 2_100_000
    assert "more items not shown here" in page


def test_the_key_gives_each_letter_its_model_again() -> None:
    groups, has_more = unblinded(sources(rows(3)), ["ask"], 7, 2)
    assert has_more
    assert not unblinded(sources(rows(3)), ["ask"], 7, 3)[1]
    assert [group.item for group in groups] == ["row-0", "row-1"]
    for group in groups:
        assert {one.answer.model for one in group.answers} == set(MODELS)
        assert [one.answer.text for one in group.answers] == [
            f"answer {MODELS.index(one.answer.model)} to {group.item[-1]}" for one in group.answers
        ]


# --- agreement ------------------------------------------------------------------------------------


def item(id_: str, kind: Any = "yes_no", **more: Any) -> ChecklistItem:
    return ChecklistItem(id=id_, text="?", kind=kind, required=True, **more)


def decision(person: str, answers: dict[str, str], verdict: Any = "approve") -> Decision:
    return Decision(
        format="awo/decision/v1",
        run_id="run",
        gate="audit",
        verdict=verdict,
        meaning="approval",
        signer=Signer(id=person, name=person, role="reviewer", key=f"SHA256:{person}"),
        at="2026-11-23T12:00:00.000000Z",
        expires_at="",
        presence="not proved",
        solo=False,
        answers=[Answer(id=id_, answer=answer) for id_, answer in answers.items()],
        comment="",
        required_changes=[],
        from_step="",
        checkpoint=Checkpoint(size=1, root="a" * 64),
        shows=[],
    )


def test_pairs_that_say_the_same_are_counted_item_by_item() -> None:
    checklist = [item("q"), item("n", "number"), item("t", "text"), item("alone")]
    decisions = [
        decision("ann", {"q": "yes", "n": "1.0", "t": "x", "alone": "yes"}),
        decision("bob", {"q": "yes", "n": "1", "t": "y"}),
        decision("cy", {"q": "no", "n": "2"}, "reject"),
    ]
    found = agreement_of(checklist, decisions)
    assert found.people == ("ann", "bob", "cy")
    assert [(one.item, one.pairs, one.same) for one in found.items] == [
        ("q", 3, 1),
        ("n", 3, 1),
        ("t", 0, None),
        ("alone", 0, None),
    ]
    assert (found.verdicts.pairs, found.verdicts.same) == (3, 1)
    assert found.items[0].answers == (("ann", "yes"), ("bob", "yes"), ("cy", "no"))
    assert [one.why for one in found.items] == ["", "", panel_agreement.TEXTS, panel_agreement.TOO_FEW_PEOPLE]


def test_what_cannot_be_computed_is_null_with_its_reason() -> None:
    alone = agreement_of([item("q"), item("r")], [decision("ann", {"q": "yes", "r": "no"})])
    assert (alone.nominal.value, alone.nominal.why) == (None, panel_agreement.TOO_FEW_ITEMS)
    same = agreement_of([item("q"), item("r")], [decision(who, {"q": "yes", "r": "yes"}) for who in ("ann", "bob")])
    assert (same.nominal.value, same.nominal.why) == (None, panel_agreement.NO_VARIATION)
    assert same.interval.why == panel_agreement.TOO_FEW_ITEMS


def test_only_what_a_person_said_last_counts() -> None:
    decisions = [decision("ann", {"q": "no"}), decision("ann", {"q": "yes"}), decision("bob", {"q": "yes"})]
    assert agreement_of([item("q")], decisions).items[0].same == 1
    assert agreement_of([item("q")], [*decisions, decision("bob", {}, "withdraw")]).people == ("ann",)


@pytest.mark.parametrize("text", ["1e999999999", "inf", "nan", "0x10", "\u0661", "1/3", "", "9" * 1000])
def test_a_number_that_is_none_counts_as_no_answer(text: str) -> None:
    found = agreement_of([item("n", "number")], [decision("ann", {"n": text}), decision("bob", {"n": "1"})])
    assert found.items[0].pairs == 0


RATINGS = st.lists(st.lists(st.integers(0, 4) | st.none(), min_size=3, max_size=3), min_size=2, max_size=8)


@given(RATINGS, st.sampled_from(["nominal", "interval"]))
def test_alpha_is_that_of_the_library(table: list[list[int | None]], level: Any) -> None:
    kind = "choice" if level == "nominal" else "number"
    checklist = [item(f"q{n}", kind) for n in range(len(table))]
    people = ("ann", "bob", "cy")
    decisions = [
        decision(person, {f"q{n}": str(row[place]) for n, row in enumerate(table) if row[place] is not None})
        for place, person in enumerate(people)
    ]
    found = agreement_of(checklist, decisions)
    alpha = found.nominal if level == "nominal" else found.interval
    rated = [row for row in table if sum(one is not None for one in row) > 1]
    values = sorted({one for row in rated for one in row if one is not None})
    assert alpha.items == len(rated)
    if len(rated) < 2 or len(values) < 2:
        assert alpha.value is None
        return
    places = np.array([[np.nan if one is None else float(values.index(one)) for one in row] for row in rated])
    assert alpha.value == pytest.approx(alpha_value(places, np.array(values, dtype=float), level))
