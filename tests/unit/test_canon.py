"""One value, one spelling."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from awo.canon import time
from awo.canon.json import LARGEST_INTEGER, canonical, parse_canonical
from awo.canon.paths import folded, why_not_inside
from awo.errors import AwoError, EvidenceError

keys = st.text(st.characters(max_codepoint=127))
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
)


@given(values)
def test_canonical_json_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(values)
def test_what_is_written_reads_back(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize(
    "value", [0.5, [1.0], {"a": float("nan")}, 2**53, -(2**53), {"é": 1}, "\ud800", {"a": {"b": [0.1]}}]
)
def test_a_value_outside_the_subset_is_refused(value: Any) -> None:
    with pytest.raises(AwoError):
        canonical(value)


@pytest.mark.parametrize("data", [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1,"a":1}', b'{"a":1}\n', b'{"a":1.0}', b"{"])
def test_bytes_that_are_not_canonical_are_refused(data: bytes) -> None:
    with pytest.raises((EvidenceError, AwoError)):
        parse_canonical(data, dict[str, int], where="x")


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_time_reads_back_to_the_microsecond(microseconds: int) -> None:
    spelled = time.spell(microseconds)
    read = time.read(spelled)
    assert read.isoformat(timespec="microseconds").replace("+00:00", "Z") == spelled


def test_a_run_id_comes_from_the_time() -> None:
    assert time.run_id_for("2026-11-23T06:09:00.000000Z") == "run_2026-11-23T06-09-00Z"


@pytest.mark.parametrize("path", ["a", "a/b.txt", "files/é.json", "日本/語.txt", "a-b_c.d", "a (1).txt"])
def test_a_plain_relative_name_is_inside(path: str) -> None:
    assert why_not_inside(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../a",
        "a/../b",
        "/a",
        "a//b",
        "a/",
        "a\\b",
        "a\nb",
        "a\x00b",
        "a\u202eb",
        "e\u0301",
        "\ud800",
        "con",
        "a/NUL.txt",
        "com1.log",
        "a.",
        "a ",
        "a:b",
        "a*",
        "x" * 101,
        "é" * 51,
        "d/" * 70 + "x",
    ],
)
def test_a_name_that_means_something_else_somewhere_is_refused(path: str) -> None:
    assert why_not_inside(path)


def test_names_that_differ_only_in_case_fold_to_one() -> None:
    assert folded("A/Ä.txt") == folded("a/ä.TXT")
