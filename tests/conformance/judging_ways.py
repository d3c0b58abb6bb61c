"""`python -m tests.conformance.judging_ways FOLDER…`: judges each folder in three ways, in a process without threads.

Prints a line of JSON for each folder: what the judge says line by line, many lines at once, and with a second core;
how many copies of the process had a part in it, and how often many cells were right at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from awo.verify import answers, items, journal, nodes_beside, responses
from awo.verify.judge import verify
from awo.verify.second_core import Helper
from awo.verify.usual_cells import UsualCells


def said(folder: Path) -> Any:
    """All verdicts with all findings and notes."""
    return [
        (one.check.id, one.verdict, [finding.as_dict() for finding in one.findings], one.notes, one.left_out)
        for one in verify(folder).checks
    ]


@contextmanager
def with_second_core(copies: list[bool]) -> Iterator[None]:
    """As for a large folder on a machine with two cores."""
    start = Helper.start

    def counted(work: Callable[[], Iterable[bytes]]) -> Helper | None:
        helper = start(work)
        copies.append(helper is not None)
        return helper

    with (
        patch.object(os, "sched_getaffinity", lambda _: {0, 1}),
        patch.object(Helper, "start", counted),
        patch.object(nodes_beside, "LEAST_BYTES", 1),
        patch.object(nodes_beside, "LARGE_BYTES", 1),
        patch.object(responses, "LEAST_BYTES", 1),
        patch.object(answers, "LEAST_BYTES", 1),
        patch.object(answers, "CELLS_AT_ONCE", 10),
    ):
        yield


@contextmanager
def with_counts(usual: list[bool]) -> Iterator[None]:
    """Notes each time that many cells are as usual, or are not."""
    are_right = UsualCells.are_right

    def counted(self: UsualCells, cells: Any) -> bool:
        usual.append(are_right(self, cells))
        return usual[-1]

    with patch.object(UsualCells, "are_right", counted):
        yield


@contextmanager
def line_by_line() -> Iterator[None]:
    """Nothing is read or judged in more than one piece."""
    none: Callable[..., None] = lambda *_: None  # noqa: E731
    with (
        patch.object(journal, "decode_block", none),
        patch.object(responses, "decode_responses", none),
        patch.object(items, "decode_items", none),
        patch.object(UsualCells, "of", none),
    ):
        yield


def main(folders: Iterable[str]) -> None:
    for folder in map(Path, folders):
        copies: list[bool] = []
        usual: list[bool] = []
        with line_by_line():
            one_by_one = said(folder)
        with with_counts(usual):
            at_once = said(folder)
        with with_second_core(copies):
            beside = said(folder)
        counts = {"copies": sum(copies), "usual": sum(usual)}
        print(json.dumps({"lines": one_by_one, "blocks": at_once, "beside": beside, **counts}))


if __name__ == "__main__":
    main(sys.argv[1:])
