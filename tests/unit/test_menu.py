"""Which options of a menu stand in a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.derive.menu import finder


@pytest.mark.parametrize(
    ("options", "text", "found"),
    [
        (["yes", "yes please"], "yes please", ["yes please"]),
        (["yes", "yes please"], "yes, please", ["yes"]),
        (["yes", "yes please"], "yes please or yes", ["yes please", "yes"]),
        (["happy", "not happy"], "not happy", ["not happy"]),
        (["good night", "night owl"], "good night owl", ["good night", "night owl"]),
        (["a", "b"], "ab a_b", []),
        (["1", "2"], "-1 1.5 2,000 12 \u0661", []),
        (["1", "2"], "1/2", ["1", "2"]),
        (["1", "2"], "1-2", ["1", "2"]),
        (["1", "2"], "1. Then 2, 300", ["1", "2"]),
        (["-1", "1"], "it is -1, not 1", ["-1", "1"]),
        (["000"], "1,000", []),
        (["c", "c++"], "c++", ["c++"]),
        ([".*"], "anything .*", [".*"]),
    ],
)
def test_options_stand_as_whole_words_and_whole_numbers(options: list[str], text: str, found: list[str]) -> None:
    assert finder(options)(text) == found


WORDS = st.lists(
    st.text("ab ", min_size=1, max_size=5).map(str.strip).filter(bool), min_size=1, max_size=5, unique=True
)


@given(WORDS, st.text("ab ", max_size=30))
def test_what_is_found_is_what_a_slow_look_at_every_place_finds(options: list[str], text: str) -> None:
    places = [
        (start, -len(option), option)
        for option in options
        for start in range(len(text))
        if re.compile(rf"(?<!\w){re.escape(option)}(?!\w)").match(text, start)
    ]
    kept: list[str] = []
    end = 0
    for start, size, option in sorted(places):
        if start - size > end:
            kept.append(option)
            end = start - size
    assert finder(options)(text) == kept
