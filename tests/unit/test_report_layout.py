"""The number of the report's layout: who changes what a report says must raise it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.a_run import Told
from tests.unit.test_report import evil_run, failing, fan_out_run, written
from tests.unit.test_report_judgements import evil_judgements
from tests.unit.test_report_science import evil_study

from awo.canon.digest import sha256_hex
from awo.derive.report_layout import REPORT_LAYOUT

RUNS: dict[str, Callable[[], Told]] = {
    "decided": lambda: evil_run("plain & <b>bold</b> | x"),
    "failing": failing,
    "fan-out": lambda: fan_out_run(5, 2),
    "study": lambda: evil_study("plain"),
    "judged": lambda: evil_judgements("plain")[0],
}

DIGESTS: dict[int, dict[str, str]] = {
    1: {
        "decided": "32c01ec4a27d6ccf69a8de355e5b2e955d10570c965f594f7ebaad5914691c04",
        "failing": "d77210b8a3376352261d991d96b4b134336e3f40eedab980740ab6b91e1e231d",
        "fan-out": "18abb230416794b4a7c7e21afade612030c2ba7fb27b3ee84482953de79ba10b",
        "study": "ccacfc733eab85195221ddd0b28c224a1e11e89236489dedc3dc447f39c467dd",
        "judged": "be2e325edfa88f4a43b5c815a32d452afa16863f949b4bb0b101b8c12af880c8",
    },
}
"""Under each layout, what the reports of these runs digest to."""


@pytest.mark.parametrize("name", RUNS)
def test_the_same_run_gives_the_same_report_under_the_same_layout(name: str) -> None:
    got = sha256_hex(written(RUNS[name]()).encode())
    assert got == DIGESTS[REPORT_LAYOUT].get(name), (
        "a text of the report has changed: raise REPORT_LAYOUT, then write down"
    )


def test_the_digests_of_one_layout_are_kept() -> None:
    assert list(DIGESTS) == [REPORT_LAYOUT]
