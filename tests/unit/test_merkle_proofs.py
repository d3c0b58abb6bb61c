"""Proofs hold for every leaf and every beginning of a tree, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.canon.digest import leaf_hash
from awo.errors import EvidenceError
from awo.evidence.merkle import MerkleTree
from awo.evidence.merkle_proofs import (
    Leaves,
    consistency_path,
    inclusion_path,
    root_by_inclusion,
    roots_by_consistency,
)

MOST = 70


def root(lines: list[bytes]) -> bytes:
    tree = MerkleTree()
    for line in lines:
        tree.append(line)
    return tree.root()


LINES = [str(number).encode() for number in range(MOST)]


def test_every_leaf_of_every_small_tree_is_proved() -> None:
    for size in range(1, MOST):
        leaves = Leaves.of_lines(LINES[:size])
        expected = root(LINES[:size])
        assert leaves.root_of(0, size) == expected
        for index in range(size):
            path = inclusion_path(index, size, leaves.root_of)
            assert root_by_inclusion(leaf_hash(LINES[index]), index, size, path) == expected


@given(st.lists(st.integers(0, 9), max_size=9))
def test_leaves_taken_in_batches_make_the_tree_of_leaves_taken_alone(batches: list[int]) -> None:
    tree, taken = MerkleTree(), 0
    for count in batches:
        tree.append_hashes(b"".join(leaf_hash(str(n).encode()) for n in range(taken, taken + count)))
        taken += count
        tree.append(str(taken).encode())  # one alone between them goes on from there
        taken += 1
    assert (tree.size, tree.root()) == (taken, root([str(n).encode() for n in range(taken)]))


def test_every_beginning_of_every_small_tree_is_proved() -> None:
    for size in range(1, MOST):
        leaves = Leaves.of_lines(LINES[:size])
        roots = root(LINES[:size])
        for first in range(size + 1):
            path = consistency_path(first, size, leaves.root_of)
            was = root(LINES[:first])
            assert roots_by_consistency(first, size, path, was, roots) == (was, roots)


@given(st.integers(1, MOST - 1), st.data())
def test_a_proof_with_one_bit_changed_does_not_hold(size: int, data: st.DataObject) -> None:
    leaves = Leaves.of_lines(LINES[:size])
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, leaves.root_of)
    if path:
        place, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        changed = bytearray(path[place])
        changed[bit // 8] ^= 1 << bit % 8
        broken = [*path[:place], bytes(changed), *path[place + 1 :]]
        assert root_by_inclusion(leaf_hash(LINES[index]), index, size, broken) != root(LINES[:size])
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index)) if size > 1 else None
    if other is not None:
        try:
            assert root_by_inclusion(leaf_hash(LINES[index]), other, size, path) != root(LINES[:size])
        except EvidenceError:
            assert len(path) != len(inclusion_path(other, size, leaves.root_of))


@given(st.integers(1, MOST - 1), st.data())
def test_a_tree_that_forked_is_no_beginning(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    forked = [*LINES[: first - 1], b"another"]
    path = consistency_path(first, size, Leaves.of_lines(LINES[:size]).root_of)
    was, now = root(forked), root(LINES[:size])
    assert roots_by_consistency(first, size, path, was, now) != (was, now)


@pytest.mark.parametrize("size", [2, 3, 8, 13])
def test_a_path_of_another_length_is_refused(size: int) -> None:
    leaves = Leaves.of_lines(LINES[:size])
    path = inclusion_path(1, size, leaves.root_of)
    for wrong in (path[:-1], [*path, bytes(32)]):
        with pytest.raises(EvidenceError):
            root_by_inclusion(leaf_hash(LINES[1]), 1, size, wrong)
    steps = consistency_path(1, size, leaves.root_of)
    for wrong in (steps[:-1], [*steps, bytes(32)]):
        with pytest.raises(EvidenceError):
            roots_by_consistency(1, size, wrong, leaf_hash(LINES[0]), root(LINES[:size]))


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    leaves = Leaves.of_lines(LINES[:3])
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_path(3, 3, leaves.root_of)
    with pytest.raises(ValueError, match="not the beginning"):
        consistency_path(4, 3, leaves.root_of)
    with pytest.raises(EvidenceError):
        root_by_inclusion(bytes(32), 3, 3, [])
    with pytest.raises(EvidenceError):
        roots_by_consistency(4, 3, [], bytes(32), bytes(32))
