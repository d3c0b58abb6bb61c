"""Journal lines and the tree over them."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.shapes import strategy_for

from awo.canon.digest import leaf_hash, node_hash
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.merkle import MerkleTree


@pytest.mark.parametrize("kind", get_args(ev.AnyEvent), ids=lambda kind: kind.__name__)
@settings(max_examples=40)
@given(data=st.data())
def test_an_event_that_is_written_reads_back(kind: Any, data: st.DataObject) -> None:
    event = data.draw(strategy_for(kind))
    line = ev.encode(event)
    assert b"\n" not in line
    assert ev.decode(line, 0) == event


LINE = b'{"at":"2026-11-23T06:09:00.000000Z","attempt":1,"kind":"step_started","seq":1,"step":"a"}'


def test_a_good_line_is_read() -> None:
    assert ev.decode(LINE, 1) == ev.StepStarted(seq=1, at="2026-11-23T06:09:00.000000Z", step="a", attempt=1)


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace(b"step_started", b"step_stopped"),
        LINE.replace(b'"attempt":1', b'"attempt":0'),
        LINE.replace(b'"attempt":1', b'"attempt":1.0'),
        LINE.replace(b'"attempt":1,', b""),
        LINE.replace(b'"seq":1', b'"seq":1,"more":1'),
        LINE.replace(b'"seq":1', b'"seq":-1'),
        LINE.replace(b",", b", "),
        LINE.replace(b'"step":"a"', b'"step":"a","step":"a"'),
        LINE.replace(b'"step":"a"', b'"step":"../a"'),
        LINE.replace(b'"step":"a"', b'"step":"a\\n"'),
        LINE.replace(b"06:09:00.000000Z", b"06:09:00Z"),
        LINE + b" ",
        b"",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_event_names_its_place(line: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        ev.decode(line, 1)
    assert caught.value.where == "audit/journal.jsonl:2"


def rfc_6962_root(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 section 2.1 defines it, by recursion."""
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(rfc_6962_root(leaves[:half]), rfc_6962_root(leaves[half:]))


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70))
def test_the_tree_that_grows_has_the_root_of_rfc_6962(leaves: list[bytes]) -> None:
    tree = MerkleTree()
    for size, leaf in enumerate(leaves, start=1):
        tree.append(leaf)
        assert tree.size == size
    assert tree.root() == rfc_6962_root(leaves)


def test_roots_are_those_of_the_certificate_transparency_test_vectors() -> None:
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = MerkleTree()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for leaf in leaves:
        tree.append(bytes.fromhex(leaf))
    assert tree.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
