"""Why a resumed run does a step again: for the person who resumes it. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from awo.lifecycle.rules import RunState
from awo.lifecycle.steps import Status, StepState


@dataclass(frozen=True, slots=True)
class Rerun:
    """A step that had begun and is not done.

    `why` is that it was `cut off` or that it `failed`. `reused` answers are kept, so their calls are
    not made again; `unknown` requests had no known outcome and may have been worked on, and `asks`
    says whether they are sent again.
    """

    step: str
    attempt: int
    why: Literal["cut off", "failed"]
    reused: int
    unknown: int
    asks: bool


def reruns(
    state: RunState, was_running: Collection[str], unknown: Mapping[str, int], *, ask_again: bool
) -> Iterator[Rerun]:
    """Every step of a run that was taken up which has had an attempt and is not done, in the order of the workflow.

    `unknown` counts the calls of each step whose outcome was just found to be unknown.
    """
    for id_, step in state.steps.items():
        if step.attempts and step.status in (Status.WAITING, Status.FAILED):
            why: Literal["cut off", "failed"] = "cut off" if id_ in was_running else "failed"
            held = len(step.unknown or ())
            yield Rerun(
                step=id_,
                attempt=step.attempts,
                why=why,
                reused=_answers(step),
                unknown=held or unknown.get(id_, 0),
                asks=ask_again or not held,
            )


def _answers(step: StepState) -> int:
    return len(step.answered) if step.answered is not None else 0
