"""Columns of texts: asked at once, they are in their spelling exactly where each of them is."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from awo.canon import time
from awo.canon.columns import are_all, are_hex, are_times
from awo.evidence.events import STEP_ID

DIGEST = re.compile(r"^[0-9a-f]{8}$(?!\n)")
NOW = "2026-11-23T06:09:00.123456Z"


def nearly(text: str) -> st.SearchStrategy[str]:
    """The text with one character changed, left out or put in, or as it is."""
    places, marks = st.integers(0, len(text)), st.sampled_from(["", "0", "9", "f", "F", "g", "\n", "Z", "é", "٣"])
    changed = st.builds(lambda at, mark, cut: text[:at] + mark + text[at + cut :], places, marks, st.integers(0, 1))
    return st.just(text) | changed


@given(st.lists(nearly("0123abcf") | st.text(max_size=9), max_size=5))
def test_digests_are_hex_where_each_is(texts: list[str]) -> None:
    assert are_hex(texts, 8) == all(DIGEST.search(one) for one in texts)


@given(st.lists(nearly(NOW) | st.text(max_size=28), max_size=5))
def test_times_are_times_only_where_each_is(texts: list[str]) -> None:
    if are_times(texts):
        assert all(re.search(time.PATTERN, one) for one in texts)
    else:
        assert not all(one.isascii() and re.search(time.PATTERN, one) for one in texts)


@given(st.lists(nearly("step-1"), max_size=5))
def test_few_different_texts_are_asked_once_each(texts: list[str]) -> None:
    step = re.compile(STEP_ID)
    assert are_all(texts, step) == all(step.search(one) for one in texts)
