"""Bundles that try something: each is refused with 3 by name, and nothing is written anywhere."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.installed import Project, unchanged

BLOCK_BYTES = 512
END = bytes(2 * BLOCK_BYTES)
REGULAR, HARD_LINK, LINK, CHARACTER_DEVICE, BLOCK_DEVICE, FOLDER, PIPE = b"0", b"1", b"2", b"3", b"4", b"5", b"6"

Spoil = Callable[[list[bytes]], list[bytes]]


def pack(tar: bytes) -> bytes:
    """The bytes as a gzip stream with the header that a bundle has."""
    deflate = zlib.compressobj(6, wbits=-15)
    header = bytes.fromhex("1f8b08000000000000ff")
    return header + deflate.compress(tar) + deflate.flush() + struct.pack("<II", zlib.crc32(tar), len(tar) % 2**32)


def members(bundle: Path) -> list[bytes]:
    """Each member of the run in a bundle, without what stands behind it: its header with what follows it."""
    tar = gzip.decompress(bundle.read_bytes())
    found, place = [], 0
    while any(tar[place : place + BLOCK_BYTES]):
        size = int(tar[place + 124 : place + 135], 8)
        length = BLOCK_BYTES + size + -size % BLOCK_BYTES
        found.append(tar[place : place + length])
        place += length
    return [member for member in found if member.startswith(b"run_")]


def renamed(member: bytes, name: bytes, kind: bytes = REGULAR, target: bytes = b"") -> bytes:
    """A member like another one, called `name` below the same top folder unless it starts with `=`."""
    top = member[:100].split(b"/")[0]
    full = name[1:] if name.startswith(b"=") else top + b"/" + name
    data = member if kind == REGULAR else member[:124] + b"00000000000" + member[135:BLOCK_BYTES]
    header = bytearray(full.ljust(100, b"\0") + data[100:BLOCK_BYTES])
    header[156:157] = kind
    header[157:257] = target.ljust(100, b"\0")
    header[345:500] = bytes(155)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[BLOCK_BYTES:]


def with_member(name: bytes, kind: bytes = REGULAR, target: bytes = b"") -> Spoil:
    return lambda found: [*found, renamed(found[-1], name, kind, target)]


SPOILED: dict[str, tuple[Spoil, str]] = {
    "a name that climbs out": (with_member(b"../evil"), "../evil"),
    "a name that climbs out inside": (with_member(b"outputs/../../evil"), "evil"),
    "an absolute name": (with_member(b"=/tmp/evil"), "/tmp/evil"),
    "another top folder": (with_member(b"=run_2001-01-01T00-00-00Z/evil"), "run_2001-01-01T00-00-00Z"),
    "a symbolic link": (with_member(b"link", LINK, b"/etc/passwd"), "link"),
    "a hard link": (with_member(b"link", HARD_LINK, b"report.md"), "link"),
    "a character device": (with_member(b"null", CHARACTER_DEVICE), "null"),
    "a block device": (with_member(b"disk", BLOCK_DEVICE), "disk"),
    "a pipe": (with_member(b"pipe", PIPE), "pipe"),
    "a folder": (with_member(b"empty", FOLDER), "empty"),
    "a name that is there twice": (lambda found: [*found, found[-1]], "report.md"),
    "names that differ in case": (with_member(b"REPORT.md"), "REPORT.md"),
    "a name that is not UTF-8": (with_member(b"\xff\xfe.txt"), "UTF-8"),
    "a name with a control character": (with_member(b"a\x1b[31m.txt"), "txt"),
    "a name that Windows reserves": (with_member(b"nul.txt"), "nul.txt"),
    "a name with a back slash": (with_member(b"a\\b"), "back slash"),
    "a file less": (lambda found: found[:-1], "report.md"),
    "members in another order": (lambda found: [found[1], found[0], *found[2:]], "order"),
    "no member": (lambda found: [], "empty"),
}


@pytest.fixture(scope="session")
def bundle(sealed_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good bundle."""
    path = tmp_path_factory.mktemp("bundle") / "good.tar.gz"
    sealed_once.awo("export", "-o", path).expect(0)
    return path


def refuse(project: Project, data: bytes, says: str) -> None:
    sent = project.root / "sent.tar.gz"
    sent.write_bytes(data)
    with unchanged(project.top):
        done = project.awo("verify", sent).expect(3)
        assert says in done.out, done.out
        assert "\x1b" not in done.out
        assert project.awo("verify", sent, "--json").expect(3).json["verdict"] == "failed"


@pytest.mark.parametrize("case", SPOILED)
def test_a_hostile_bundle_is_refused_by_name_and_nothing_is_written(project: Project, bundle: Path, case: str) -> None:
    spoil, says = SPOILED[case]
    refuse(project, pack(b"".join(spoil(members(bundle))) + END), says)


def test_a_bundle_that_is_packed_again_without_a_change_verifies(project: Project, bundle: Path) -> None:
    sent = project.root / "sent.tar.gz"
    sent.write_bytes(pack(b"".join(members(bundle)) + END))
    project.awo("verify", sent).expect(0)


def test_a_bomb_is_refused_before_it_has_been_read_to_its_end(project: Project, bundle: Path) -> None:
    size = 1 << 30
    last = members(bundle)[-1]
    header = bytearray(renamed(last, b"zeros")[:BLOCK_BYTES])
    header[124:135] = b"%011o" % size
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    deflate = zlib.compressobj(9, wbits=-15)
    packed = [bytes.fromhex("1f8b08000000000000ff"), deflate.compress(b"".join([*members(bundle), bytes(header)]))]
    packed += [deflate.compress(bytes(1 << 20)) for _ in range(160)]
    refuse(project, b"".join(packed) + deflate.flush() + bytes(8), "bomb")


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.999])
def test_a_bundle_that_ends_too_early_is_refused(project: Project, bundle: Path, part: float) -> None:
    data = bundle.read_bytes()
    refuse(project, data[: int(len(data) * part)], "sent.tar.gz")


@pytest.mark.parametrize("more", [b"\0", b"more", pack(END)])
def test_a_bundle_with_something_behind_its_end_is_refused(project: Project, bundle: Path, more: bytes) -> None:
    refuse(project, bundle.read_bytes() + more, "sent.tar.gz")


def test_a_changed_byte_anywhere_in_a_bundle_is_found_unless_it_changes_nothing_inside(
    project: Project, bundle: Path
) -> None:
    """A deflate stream has a few bits that mean nothing (after a flush): only they may differ unseen."""
    data = bundle.read_bytes()
    tar = gzip.decompress(data)
    sent = project.root / "sent.tar.gz"
    for place in range(0, len(data), len(data) // 24):
        spoiled = bytearray(data)
        spoiled[place] ^= 4
        sent.write_bytes(spoiled)
        if project.awo("verify", sent).code != 3:
            assert gzip.decompress(spoiled) == tar, place
