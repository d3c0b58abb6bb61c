"""report.md: a run told to a person who has never heard of AWO. Pure: the same facts give the same bytes."""

from __future__ import annotations

from awo.derive.facts import RunFacts
from awo.derive.report.answers import answers, models
from awo.derive.report.attempts import attempts
from awo.derive.report.claims import claims
from awo.derive.report.deviations import plan_and_deviations
from awo.derive.report.fan_out import fan_outs
from awo.derive.report.judgements import judgements
from awo.derive.report.money import money
from awo.derive.report.opening import asked, opening, steps
from awo.derive.report.people import decisions
from awo.derive.report.pictures import pictures
from awo.derive.report.reader import Reader
from awo.derive.report.received import received
from awo.derive.report.record import by_hand, environment, files
from awo.derive.report.results import checks, failures, texts_and_programs
from awo.derive.report.scores import scores
from awo.derive.report.statistics import comparisons, estimates
from awo.derive.report.votes import votes

__all__ = ["Reader", "report"]


def report(facts: RunFacts, read: Reader) -> str:
    """The text of report.md, written before the seal and so without its digest.

    However large the run, it reads the first answers and values only, says how many more there
    are and where, and stays below about 1 MB. Raises whatever `read` raises.
    """
    chapters = [
        opening(facts),
        received(facts, read),
        attempts(facts),
        claims(facts, read),
        comparisons(facts, read),
        pictures(facts),
        asked(facts),
        steps(facts),
        models(facts, read),
        money(facts),
        answers(facts, read),
        fan_outs(facts, read),
        judgements(facts, read),
        scores(facts, read),
        estimates(facts, read),
        votes(facts, read),
        checks(facts, read),
        texts_and_programs(facts, read),
        decisions(facts, read),
        plan_and_deviations(facts, read),
        failures(facts),
        environment(facts),
        files(facts),
        by_hand(facts),
    ]
    return "\n".join(chapter.rstrip("\n") + "\n" for chapter in chapters if chapter)
