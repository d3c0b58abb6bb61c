"""What a seal commits to beside the sums: skeletons, marks and nodes are those of spec section 9.1."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.canon.json import encode_sorted
from awo.errors import EvidenceError
from awo.evidence.disclosure import ITEM_KEYS, RESPONSE_KEYS, Form, NodeReader, cut_line, cut_value, form_of

KEY = bytes(range(32))
RESPONSES = "outputs/ask/responses.jsonl"
ITEMS = "outputs/ask/items.jsonl"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"text":"yes"', "\\", '{"text":1}']
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "a/b", "~"]) | TEXT, inner),
    max_leaves=8,
)


def salt(path: str, place: str, quarter: int = 0) -> bytes:
    """As section 9.1 says it, computed with the standard library."""
    salts = hashlib.sha512(KEY + path.encode() + b"\0" + place.encode()).digest() + bytes(16)
    return salts[16 * quarter : 16 * quarter + 16]


def marked(path: str, place: str, value: bytes, quarter: int = 0) -> dict[str, str]:
    return {"withheld": hashlib.sha256(salt(path, place, quarter) + value).hexdigest()}


def compact(value: Any) -> bytes:
    return encode_sorted(value)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("input.json", "value"),
        ("outputs/ask/output.json", "value"),
        (RESPONSES, "responses"),
        (ITEMS, "items"),
        ("outputs/ask/files/scores.jsonl", "lines"),
        ("outputs/ask/files/responses.jsonl", "lines"),
        ("outputs/ask/attempt-1/items.jsonl", "lines"),
        ("outputs/ask/files/output.json", "opaque"),
        ("outputs/ask/gate.json", "opaque"),
        ("audit/journal.jsonl", "opaque"),
        ("report.md", "opaque"),
    ],
)
def test_a_file_is_cut_by_its_path(path: str, form: Form) -> None:
    assert form_of(path) == form


@pytest.mark.parametrize(("path", "names"), [(RESPONSES, RESPONSE_KEYS), (ITEMS, ITEM_KEYS)])
@given(data=st.data(), number=st.integers(0, 10**7))
def test_a_line_has_marks_for_its_own_keys_and_nothing_else(
    path: str, names: tuple[str, ...], data: st.DataObject, number: int
) -> None:
    fields = data.draw(st.dictionaries(st.sampled_from([*names, "params", "usage", "tokens"]), VALUE))
    line = compact(fields)
    cut = cut_line(KEY, path, number, line, form_of(path))
    expected = dict(fields)
    for quarter, name in enumerate(names):
        json_text = compact(fields.get(name))
        if json_text in (b'""', b"null", b"{}", b"[]"):
            assert f"/{name}" not in cut.values
        else:
            expected[name] = marked(path, str(number), json_text, quarter)
            assert cut.values[f"/{name}"] == (salt(path, str(number), quarter), json_text)
    assert cut.skeleton == compact(expected)
    assert cut.leaf == hashlib.sha256(b"\0" + cut.skeleton).digest()


def test_the_same_text_deeper_in_a_line_is_not_taken_for_the_lines_own() -> None:
    line = compact({"params": {"text": "yes"}, "text": "yes", "usage": {"text": "yes"}})
    cut = cut_line(KEY, RESPONSES, 3, line, "responses")
    own = marked(RESPONSES, "3", b'"yes"', 1)
    assert json.loads(cut.skeleton) == {"params": {"text": "yes"}, "text": own, "usage": {"text": "yes"}}


@given(value=VALUE)
def test_every_scalar_of_a_value_has_a_mark_at_its_pointer(value: Any) -> None:
    cut = cut_value(KEY, "input.json", compact(value))

    def expected(inner: Any, place: str) -> Any:
        if isinstance(inner, dict):
            return {k: expected(v, f"{place}/{k.replace('~', '~0').replace('/', '~1')}") for k, v in inner.items()}
        if isinstance(inner, list):
            return [expected(v, f"{place}/{n}") for n, v in enumerate(inner)]
        return marked("input.json", place, compact(inner))

    assert cut.skeleton == compact(expected(value, ""))


@given(
    lines=st.lists(st.binary(max_size=9).filter(lambda line: b"\n" not in line and line != b""), max_size=9),
    at=st.integers(1, 5),
)
def test_the_node_of_lines_is_the_root_over_their_leaves_however_they_arrive(lines: list[bytes], at: int) -> None:
    path = "outputs/ask/files/scores.jsonl"
    reader = NodeReader(KEY, path, 1000)
    data = b"".join(line + b"\n" for line in lines)
    for start in range(0, len(data), at):
        reader.feed(data[start : start + at])

    def leaf(number: int, line: bytes) -> bytes:
        return hashlib.sha256(b"\0" + compact(marked(path, str(number), line))).digest()

    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) < 2:
            return leaves[0] if leaves else hashlib.sha256(b"").digest()
        middle = 1 << ((len(leaves) - 1).bit_length() - 1)
        return hashlib.sha256(b"\1" + root(leaves[:middle]) + root(leaves[middle:])).digest()

    assert reader.end("") == root([leaf(number, line) for number, line in enumerate(lines)])
    assert reader.lines == len(lines)


def test_what_is_no_json_is_refused_with_its_place() -> None:
    with pytest.raises(EvidenceError) as caught:
        cut_line(KEY, RESPONSES, 4, b"[1]", "responses")
    assert caught.value.where == f"{RESPONSES}:5"
    with pytest.raises(EvidenceError):
        cut_value(KEY, "input.json", b"[" * 100_000)
    reader = NodeReader(KEY, RESPONSES, 10)
    with pytest.raises(EvidenceError, match="longer than the limit"):
        reader.feed(b"x" * 11)
