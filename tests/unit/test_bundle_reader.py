"""The reader of bundles takes one narrow form and refuses every other, without a traceback."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors.builder import RUN_ID, gzip_of, member

from awo.canon.ustar import END, Header, write_header
from awo.verify.bundle import BundleSource
from awo.verify.limits import Limits
from awo.verify.source import Broken, Found

NOW = 1_767_323_045
LIMITS = Limits(files=10, total_bytes=1 << 30)


def items(data: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    """What the reader gives for a bundle of these bytes."""
    source = BundleSource(io.BytesIO(data), len(data), "b.tar.gz", limits)
    found = {}
    for item in source.items():
        assert isinstance(item, Found)
        found[item.path] = b"".join(bytes(chunk) for chunk in item.chunks)
        assert len(found[item.path]) == item.size_bytes
    assert source.top == RUN_ID
    assert source.mtime == NOW
    return found


def tar(*files: tuple[str, bytes], end: bytes = END) -> bytes:
    return b"".join(member(f"{RUN_ID}/{path}", data, NOW) for path, data in files) + end


def header_like(kind: bytes, name: str = f"{RUN_ID}/x", link: bytes = b"") -> bytes:
    """A header of another kind, with a good checksum."""
    block = bytearray(write_header(Header(name, 0, NOW)))
    block[156:157] = kind
    block[157 : 157 + len(link)] = link
    return checked(block)


def checked(block: bytearray) -> bytes:
    """The block with its checksum put right."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def refusal(data: bytes, limits: Limits = LIMITS) -> Broken:
    with pytest.raises(Broken) as caught:
        items(data, limits)
    return caught.value


@given(st.dictionaries(st.text("abcdef0123", min_size=1, max_size=9), st.binary(max_size=3000), min_size=1, max_size=5))
def test_files_in_order_are_given_as_they_are(files: dict[str, bytes]) -> None:
    assert items(gzip_of(tar(*sorted(files.items())))) == files


def test_a_reader_that_skips_contents_comes_to_the_next_file() -> None:
    data = gzip_of(tar(("a", b"x" * 700), ("b", b"y")))
    assert [item.path for item in BundleSource(io.BytesIO(data), len(data), "b", LIMITS).items()] == ["a", "b"]


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"5", b"6", b"x", b"g", b"L", b"K", b"S"])
def test_a_member_that_is_no_plain_file_is_refused(kind: bytes) -> None:
    broken = refusal(gzip_of(header_like(kind, link=b"/etc/passwd") + END))
    assert broken.check == "EP-1.2"
    assert "x" in broken.where


@pytest.mark.parametrize(
    "name",
    [
        f"{RUN_ID}/../x",
        f"{RUN_ID}/a/../../x",
        f"/{RUN_ID}/x",
        f"{RUN_ID}//x",
        f"{RUN_ID}/./x",
        f"{RUN_ID}/a\\b",
        f"{RUN_ID}/nul",
        f"{RUN_ID}/a\x1b[31m",
        f"{RUN_ID}/e\u0301",
        f"{RUN_ID}/x ",
        f"{RUN_ID}",
        "elsewhere/x",
        "x",
    ],
)
def test_a_name_that_may_not_be_there_is_refused(name: str) -> None:
    assert refusal(gzip_of(member(name, b"", NOW) + END)).check == "EP-1.2"


def test_a_name_that_is_not_utf8_is_refused() -> None:
    block = bytearray(write_header(Header(f"{RUN_ID}/cafe", 0, NOW)))
    block[len(RUN_ID) + 4] = 0xE9
    assert refusal(gzip_of(checked(block) + END)).check == "EP-1.2"


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("A", "a"), ("a", "a/b"), ("D/x", "d/y")])
def test_names_that_clash_are_refused(first: str, second: str) -> None:
    assert refusal(gzip_of(tar((first, b"1"), (second, b"2")))).check == "EP-1.2"


def test_a_second_top_folder_is_refused() -> None:
    other = member(f"{RUN_ID.replace('05Z', '06Z')}/b", b"", NOW)
    assert refusal(gzip_of(tar(("a", b""), end=b"") + other + END)).check == "EP-1.2"


Spoil = Callable[[bytes], bytes]

DAMAGE: dict[str, Spoil] = {
    "nothing at all": lambda tar_: b"",
    "no gzip": lambda tar_: tar_,
    "a gzip header with a name": lambda tar_: b"\x1f\x8b\x08\x08" + bytes(5) + b"\xffname\0" + gzip_of(tar_)[10:],
    "a gzip header with a time": lambda tar_: gzip.compress(tar_, mtime=5),
    "a stream that is cut off": lambda tar_: gzip_of(tar_)[:-20],
    "a stream without its trailer": lambda tar_: gzip_of(tar_)[:-8],
    "a wrong checksum": lambda tar_: gzip_of(tar_)[:-8] + bytes(4) + gzip_of(tar_)[-4:],
    "a wrong length": lambda tar_: gzip_of(tar_)[:-4] + struct.pack("<I", 7),
    "bytes after the stream": lambda tar_: gzip_of(tar_) + b"x",
    "a second stream": lambda tar_: gzip_of(tar_) + gzip_of(tar_),
    "an archive without an end": lambda tar_: gzip_of(tar_[:-1024]),
    "half an end": lambda tar_: gzip_of(tar_[:-512]),
    "a member after the end": lambda tar_: gzip_of(tar_ + tar_),
    "zeros after the end": lambda tar_: gzip_of(tar_ + bytes(512)),
    "an archive that ends in a file": lambda tar_: gzip_of(tar_[:700]),
    "an archive that ends in a header": lambda tar_: gzip_of(tar_[:300]),
    "an empty archive": lambda tar_: gzip_of(END),
    "padding that is not zero": lambda tar_: gzip_of(tar_[:1023] + b"x" + tar_[1024:]),
    "a size beyond the archive": lambda tar_: gzip_of(write_header(Header(f"{RUN_ID}/a", 8**11 - 1, NOW)) + tar_),
}


@pytest.mark.parametrize("spoil", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_bundle_is_refused_with_one_error(spoil: Spoil) -> None:
    broken = refusal(spoil(tar(("a", b"x" * 300), ("b", b"y"))))
    assert broken.check == "EP-1.1"
    assert broken.where.startswith("b.tar.gz")


def test_members_out_of_order_are_refused() -> None:
    assert "order" in refusal(gzip_of(tar(("b", b""), ("a", b"")))).what
    assert "order" in refusal(gzip_of(tar(("a", b""), ("audit/seal.json", b"")))).what


def test_members_of_different_times_are_refused() -> None:
    later = member(f"{RUN_ID}/b", b"", NOW + 1)
    assert "time" in refusal(gzip_of(tar(("a", b""), end=b"") + later + END)).what


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    def bomb() -> bytes:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        header = write_header(Header(f"{RUN_ID}/a", 8**11 - 1, NOW))
        packed = deflate.compress(header) + b"".join(deflate.compress(bytes(1 << 20)) for _ in range(100))
        return bytes.fromhex("1f8b08000000000000ff") + packed + deflate.flush()

    assert "bomb" in refusal(bomb()).what


def test_more_bytes_or_files_than_the_limit_are_refused() -> None:
    assert "limit" in refusal(gzip_of(tar(("a", bytes(5000)))), Limits(total_bytes=4000)).what
    many = [(f"{number:02d}", b"") for number in range(11)]
    assert "limit" in refusal(gzip_of(tar(*many)), LIMITS).what


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_with_one_error(data: bytes) -> None:
    assert isinstance(refusal(data), Broken)
    assert isinstance(refusal(gzip_of(data)), Broken)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_anywhere_is_refused_or_changes_nothing(place: int, value: int) -> None:
    good = gzip_of(tar(("a", b"some words, " * 30), ("b", b"y")))
    data = bytearray(good)
    data[place % len(data)] = value
    try:
        found = items(bytes(data))
    except Broken:
        return
    assert found == items(good)
