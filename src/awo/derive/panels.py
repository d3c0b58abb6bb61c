"""What a panel judges: answers of models under letters, in an order that anybody can compute again (spec section 3.6).

Pure: the same answers and the same seed give the same page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final, Protocol

from awo.canon.digest import sha256_hex
from awo.derive.answers import Answer, AnswerSources, answers_of
from awo.derive.markdown import block, code, shorten
from awo.derive.phrases import count
from awo.evidence.layout import responses_path
from awo.evidence.records import Message, ResponseLine

PANEL_FILE: Final = "panel.md"
ITEMS_SHOWN: Final = 500
PAGE_CHARACTERS: Final = 2_000_000
ANSWER_CHARACTERS: Final = 20_000
PROMPT_CHARACTERS: Final = 10_000

_SEED_DIGITS: Final = 13
"""Hexadecimal digits: 52 bits, so that JSON of every kind keeps the number."""


class PanelSources(AnswerSources, Protocol):
    """What of `awo.derive.seam.Sources` is needed to write the page."""

    def responses_of(self, step: str) -> Iterator[ResponseLine]: ...


@dataclass(frozen=True, slots=True)
class Lettered:
    """An answer and the letter under which it stands."""

    letter: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Group:
    """Answers that are judged side by side: those of one row and one repeat of a step, in the order of the page."""

    step: str
    item: str
    repeat: int
    answers: tuple[Lettered, ...]


def panel_seed(run_seed: int, gate: str) -> int:
    """The seed of the panel at `gate`: the first 13 hexadecimal digits of the SHA-256 of
    `awo/panel/v1:<seed of the run>:<gate>`."""
    return int(sha256_hex(f"awo/panel/v1:{run_seed}:{gate}".encode())[:_SEED_DIGITS], 16)


def letter(place: int) -> str:
    """`A` for 0 to `Z`, then `AA`, `AB` and so on."""
    letters = ""
    number = place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def in_order(answers: Iterable[Answer], step: str, seed: int) -> list[Answer]:
    """The answers by the SHA-256 (hexadecimal) of `<seed>:<step>:<cell>:<number>`, the smallest first."""
    return sorted(answers, key=lambda one: sha256_hex(f"{seed}:{step}:{one.cell}:{one.number}".encode()))


def groups_of(sources: AnswerSources, step: str, seed: int) -> Iterator[Group]:
    """What is judged of `step`, row by row, read as it is taken. Raises `StepFailed` as `sources` does."""
    for item, of_row in groupby(answers_of(sources, step), key=lambda one: one.item):
        repeats: dict[int, list[Answer]] = {}
        for answer in of_row:
            repeats.setdefault(answer.repeat, []).append(answer)
        for repeat, together in repeats.items():
            ordered = in_order(together, step, seed)
            yield Group(step, item, repeat, tuple(Lettered(letter(n), one) for n, one in enumerate(ordered)))


def panel_page(sources: PanelSources, gate: str, of: Sequence[str], seed: int, skipped: Collection[str] = ()) -> str:
    """files/panel.md: the prompts and answers of the steps `of` without the names of models, every text escaped.

    `skipped` are those of them that did not run. Raises `StepFailed` and `EvidenceError` as `sources` does.
    """
    said = [
        f"# What is judged at the gate {code(gate)}\n\n",
        "The answers stand under letters. Which model gave which is not said. An answer may still say it by itself.\n",
        f"The order was drawn anew for each item, from the seed {seed}.\n",
    ]
    left = PAGE_CHARACTERS
    for step in of:
        said.append(f"\n## {code(step)}\n")
        if step in skipped:
            said.append("\nThe step was skipped, and has no answers.\n")
            continue
        groups, more = _first(groups_of(sources, step, seed))
        prompts = _prompts(sources, step, groups)
        shown = 0
        for number, group in enumerate(groups, start=1):
            text = _group(group, number, prompts)
            if len(text) > left:
                break
            left -= len(text)
            shown += 1
            said.append(text)
        if hidden := len(groups) - shown + more:
            where = f"{code(responses_path(step))}, which names the models"
            said.append(f"\n{count(hidden, 'more item')} not shown here: {where}.\n")
    return "".join(said)


def unblinded(
    sources: AnswerSources, of: Sequence[str], seed: int, most: int, skipped: Collection[str] = ()
) -> tuple[list[Group], bool]:
    """The first `most` groups, whose answers say which model stood under which letter, and whether there are more."""
    asked = (step for step in of if step not in skipped)
    found = list(islice((group for step in asked for group in groups_of(sources, step, seed)), most + 1))
    return found[:most], len(found) > most


def _first(groups: Iterator[Group]) -> tuple[list[Group], int]:
    """Those that are shown, and how many more there are."""
    return list(islice(groups, ITEMS_SHOWN)), sum(1 for _ in groups)


def _prompts(sources: PanelSources, step: str, groups: Sequence[Group]) -> dict[str, list[Message]]:
    """What was asked, by the call that got the answer."""
    wanted = {one.answer.call for group in groups for one in group.answers if one.answer.call}
    if not wanted:
        return {}
    return {line.call: line.messages for line in sources.responses_of(step) if line.call in wanted}


def _group(group: Group, number: int, prompts: Mapping[str, list[Message]]) -> str:
    named = f": {code(shorten(group.item, 200))}" if group.item else ""
    repeat = f", repeat {group.repeat}" if group.repeat else ""
    said = [f"\n### Item {number}{named}{repeat}\n"]
    asked = [prompts[one.answer.call] for one in group.answers if one.answer.call in prompts]
    is_shared = all(one == asked[0] for one in asked)
    if asked and is_shared:
        said.append(_asked(asked[0]))
    for one in group.answers:
        said.append(f"\n#### {one.letter}\n")
        if not is_shared and one.answer.call in prompts:
            said.append(_asked(prompts[one.answer.call]))
        said.append(_answer(one.answer))
    return "".join(said)


def _asked(messages: Sequence[Message]) -> str:
    said = []
    for message in messages:
        images = "".join(f", with the image {code(image.path)}" for image in message.images)
        said.append(f"\nAsked ({message.role}{images}):\n\n{_text(message.content, PROMPT_CHARACTERS)}")
    return "".join(said)


def _answer(answer: Answer) -> str:
    if answer.status == "failed":
        return "\n*(no answer)*\n"
    if not answer.text:
        return "\n*(an empty answer)*\n"
    return f"\n{_text(answer.text, ANSWER_CHARACTERS)}"


def _text(text: str, most: int) -> str:
    cut = f"\nThe text goes on: {len(text) - most:,} more characters.\n" if len(text) > most else ""
    return block(shorten(text, most)) + cut
