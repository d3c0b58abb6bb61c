"""Exchanges and their frames: what is written is read, and what is spoilt is found."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.shapes import strategy_for

from awo.errors import EvidenceError
from awo.evidence import exchanges
from awo.evidence.exchanges import Exchange, FrameReader, frame, read_frame

LINES = st.binary(max_size=300).map(lambda data: data.replace(b"\n", b"")) | st.integers(0, 70_000).map(
    lambda size: b"x" * size
)


@given(strategy_for(Exchange))
def test_an_exchange_that_is_written_reads_back(exchange: Exchange) -> None:
    line = exchanges.encode(exchange)
    assert b"\n" not in line
    assert exchanges.decode(read_frame(frame(line), "x"), "x") == exchange


@given(st.binary(max_size=100) | st.text(max_size=40).map(str.encode))
def test_a_body_gives_back_its_bytes(content: bytes) -> None:
    body = exchanges.body([], content)
    assert exchanges.content_of(body) == content
    assert body.encoding == ("utf-8" if content.decode(errors="replace").encode() == content else "base64")


def test_only_headers_of_the_list_are_kept_in_lower_case_and_in_their_order() -> None:
    headers = [
        ("X-Request-Id", "r"),
        ("Authorization", "Bearer k"),
        ("x-api-key", "k"),
        ("api-key", "k"),
        ("X-Goog-Api-Key", "k"),
        ("Set-Cookie", "c"),
        ("X-RateLimit-Remaining", "3"),
        ("anthropic-ratelimit-tokens-reset", "t"),
        ("Date", "d"),
    ]
    kept = exchanges.kept_headers(headers)
    assert [name for name, _ in kept] == [
        "x-request-id",
        "x-ratelimit-remaining",
        "anthropic-ratelimit-tokens-reset",
        "date",
    ]


@given(LINES)
def test_a_frame_is_a_gzip_member_that_anybody_can_read(line: bytes) -> None:
    assert gzip.decompress(frame(line)) == line + b"\n"
    assert read_frame(frame(line), "x") == line


@given(st.lists(LINES, min_size=1, max_size=5), st.integers(1, 50))
def test_frames_in_a_row_are_told_apart_however_the_bytes_arrive(lines: list[bytes], size: int) -> None:
    data = b"".join(frame(line) for line in lines)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    found, rest, reader = [], b"", FrameReader("x")
    for chunk in chunks:
        rest = reader.feed(rest + chunk)
        while reader.is_whole:
            found.append(reader.line)
            reader = FrameReader("x")
            rest = reader.feed(rest)
    assert found == lines
    assert rest == b""


@given(LINES, st.binary(min_size=1, max_size=9))
def test_what_follows_a_frame_is_given_back(line: bytes, after: bytes) -> None:
    reader = FrameReader("x")
    assert reader.feed(frame(line) + after) == after
    assert reader.feed(after) == after
    assert reader.line == line
    with pytest.raises(EvidenceError):
        read_frame(frame(line) + after, "x")


@given(LINES, st.data())
def test_a_frame_that_is_cut_is_not_whole(line: bytes, data: st.DataObject) -> None:
    whole = frame(line)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    reader = FrameReader("x")
    assert reader.feed(cut) == b""
    assert not reader.is_whole
    with pytest.raises(EvidenceError, match="not exactly one frame"):
        read_frame(cut, "x")


@settings(max_examples=200)
@given(LINES, st.data())
def test_a_flipped_bit_is_found_or_changes_nothing_in_the_line(line: bytes, data: st.DataObject) -> None:
    whole = bytearray(frame(line))
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[place // 8] ^= 1 << place % 8
    try:
        assert read_frame(bytes(whole), "x") == line
    except EvidenceError as error:
        assert error.where == "x"  # noqa: PT017 - either way is right


@pytest.mark.parametrize("content", [b"", b"no newline", b"two\nlines\n", b"\n\n"])
def test_a_frame_holds_exactly_one_line(content: bytes) -> None:
    with pytest.raises(EvidenceError, match="one line"):
        read_frame(gzip.compress(content), "x")


def test_a_frame_that_unpacks_to_more_than_the_limit_is_refused_before_it_has() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9, 31)
    reader = FrameReader("x", limit_bytes=1000)
    with pytest.raises(EvidenceError, match="too large"):
        reader.feed(bomb)
    assert reader.size_bytes == 1001
    exact = FrameReader("x", limit_bytes=8)
    exact.feed(frame(b"x" * 7))
    assert exact.line == b"x" * 7


@pytest.mark.parametrize("line", [b"", b"{}", b"[" * 100_000, b"\xff", b'{"format":"awo/exchange/v2"}'])
def test_a_line_that_is_no_exchange_names_its_place(line: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        exchanges.decode(line, "audit/raw/00001.jsonl.gz, byte 7")
    assert caught.value.where == "audit/raw/00001.jsonl.gz, byte 7"
