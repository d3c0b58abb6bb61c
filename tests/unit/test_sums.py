"""SHA256SUMS is written and read in one spelling; names and tar headers too."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.canon.names import PLAIN_NAME, Names
from awo.canon.paths import folded, why_not_inside
from awo.canon.ustar import BLOCK_BYTES, END, LARGEST_FILE_BYTES, Header, NotAHeader, padding, read_header, write_header
from awo.errors import EvidenceError
from awo.evidence.sums import encode_sums, parse_sums

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(lambda name: not why_not_inside(name))
parts = st.text(st.sampled_from("abcXYZ019_-.é"), min_size=1, max_size=60)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join).filter(lambda path: not why_not_inside(path))

A, B = "a" * 64, "b" * 64


@given(st.dictionaries(names, digests, max_size=20))
def test_sums_are_read_back_as_they_were_written(sums: dict[str, str]) -> None:
    assert parse_sums(encode_sums(sums)) == sums


def test_sums_are_sorted_by_the_bytes_of_the_path() -> None:
    data = encode_sums({"é": A, "z": A, "a/b": B, "a-b": A, "\U00010000": A, "\uffee": B})
    order = [line[66:] for line in data.splitlines()]
    assert order == sorted(order)
    assert order[:2] == [b"a-b", b"a/b"]


@pytest.mark.parametrize(
    "data",
    [
        f"{A}  b\n{A}  a\n".encode(),
        f"{A}  a\n{B}  a\n".encode(),
        f"{A}  a".encode(),
        f"{A}  a\n\n".encode(),
        f"{A} *a\n".encode(),
        f"{A.upper()}  a\n".encode(),
        f"{A[1:]}  a\n".encode(),
        f"{A}  a\r\n".encode() + b"x",
        f"# note\n{A}  a\n".encode(),
        f"{A}  ".encode() + b"caf\xe9\n",
    ],
)
def test_any_other_spelling_of_sums_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        parse_sums(data)


# --- names ---------------------------------------------------------------------------------------------------


@given(st.from_regex(PLAIN_NAME, fullmatch=True))
def test_a_plain_name_is_one_that_the_rule_allows_and_folding_leaves_alone(name: str) -> None:
    assert why_not_inside(name) == ""
    assert folded(name) == name


@pytest.mark.parametrize("name", ["nul", "con.txt", "com1", "A", "a.", ".", "..", "-" * 101, "a b", "é"])
def test_a_name_that_needs_a_closer_look_is_not_plain(name: str) -> None:
    assert PLAIN_NAME.fullmatch(name) is None


@given(st.text(st.sampled_from("aA\\./é\u0301 :\n-"), max_size=12))
def test_the_first_name_is_taken_if_and_only_if_the_rule_allows_it(path: str) -> None:
    assert (Names().why_not_file(path) == "") == (why_not_inside(path) == "")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "a"),
        ("a", "A"),
        ("straße", "STRASSE"),
        ("d/x", "D/y"),
        ("d", "d/x"),
        ("d/x", "d"),
        ("D", "d/x"),
        ("d/e/x", "d/E"),
    ],
)
def test_names_that_some_file_system_takes_for_one_are_refused(first: str, second: str) -> None:
    taken = Names()
    assert taken.why_not_file(first) == ""
    assert taken.why_not_file(second) != ""


@pytest.mark.parametrize(
    "path", ["/a", "../a", "a/../b", "a//b", "a\\b", "a\0", "nul", "x/con.txt", "a/" * 70 + "b", ""]
)
def test_names_outside_the_rule_are_refused(path: str) -> None:
    assert Names().why_not_file(path) != ""


# --- headers -------------------------------------------------------------------------------------------------

headers = st.builds(Header, paths, st.integers(0, LARGEST_FILE_BYTES), st.integers(0, 8**11 - 1))


@given(headers)
def test_a_header_is_read_back_as_it_was_written(header: Header) -> None:
    block = write_header(header)
    assert len(block) == BLOCK_BYTES
    assert read_header(block) == header


@given(headers.map(lambda header: Header(header.path, header.size_bytes % 2000, header.mtime)))
def test_a_header_says_the_same_to_the_standard_library(header: Header) -> None:
    data = bytes(header.size_bytes)
    archive = write_header(header) + data + bytes(padding(len(data))) + END
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        (found,) = tar.getmembers()
    assert (found.name, found.size, found.mtime, found.mode) == (header.path, len(data), header.mtime, 0o644)
    assert (found.uid, found.gid, found.uname, found.gname, found.isreg()) == (0, 0, "", "", True)


@given(headers, st.integers(0, BLOCK_BYTES - 1), st.integers(0, 7))
def test_no_bit_of_a_header_can_be_flipped(header: Header, place: int, bit: int) -> None:
    block = bytearray(write_header(header))
    block[place] ^= 1 << bit
    with pytest.raises(NotAHeader):
        read_header(bytes(block))


@given(st.binary(min_size=BLOCK_BYTES, max_size=BLOCK_BYTES))
def test_any_block_is_a_header_or_refused(block: bytes) -> None:
    with pytest.raises(NotAHeader):
        read_header(block)


@pytest.mark.parametrize(("path", "size"), [("a" * 101, 1), ("a/" * 100 + "b" * 100, 1), ("a", LARGEST_FILE_BYTES + 1)])
def test_what_does_not_fit_a_header_is_refused(path: str, size: int) -> None:
    with pytest.raises(ValueError, match="fit"):
        write_header(Header(path, size, 0))
