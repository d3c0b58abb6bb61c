"""The header of a tar member in the one spelling that a bundle uses (POSIX.1-1988 ustar, regular files only).

Written here and not by `tarfile`, whose bytes differ between versions of Python (the device fields).
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK_BYTES = 512
END = bytes(2 * BLOCK_BYTES)
LARGEST_FILE_BYTES = 8**11 - 1
LARGEST_TIME = 8**11 - 1

_NAME_BYTES = 100
_PREFIX_BYTES = 155
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a FIFO",
    b"g": "a pax header",
    b"x": "a pax header",
    b"L": "a GNU header",
    b"K": "a GNU header",
    b"S": "a GNU header",
}


class NotAHeader(ValueError):
    """A block is not a header in our spelling. Its text is a clause; `path` is '' when it could not be read."""

    def __init__(self, why: str, path: str = "", *, is_name: bool = False) -> None:
        super().__init__(why)
        self.path = path
        self.is_name = is_name
        """Whether the member is of a kind or name that is refused, rather than damaged."""


@dataclass(frozen=True, slots=True)
class Header:
    """A regular file: its path with the top folder, its length, its time in seconds since 1970 (UTC)."""

    path: str
    size_bytes: int
    mtime: int


def padding(size_bytes: int) -> int:
    """How many zero bytes follow a member of this length, up to the next whole block."""
    return -size_bytes % BLOCK_BYTES


def write_header(header: Header) -> bytes:
    """The 512 bytes: mode 0644, owner 0 without name. Raises `ValueError` when a field does not fit."""
    prefix, name = _split(header.path.encode())
    if not 0 <= header.size_bytes <= LARGEST_FILE_BYTES or not 0 <= header.mtime <= LARGEST_TIME:
        raise ValueError("a length or a time does not fit into a ustar header")
    before = b"".join(
        (
            name.ljust(_NAME_BYTES, b"\0"),
            b"0000644\x000000000\x000000000\x00",
            b"%011o\0%011o\0" % (header.size_bytes, header.mtime),
        )
    )
    after = b"".join(
        (
            b"0".ljust(101, b"\0"),
            b"ustar\x0000".ljust(72, b"\0"),
            b"0000000\x000000000\x00",
            prefix.ljust(_PREFIX_BYTES + 12, b"\0"),
        )
    )
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return b"%b%06o\0 %b" % (before, checksum, after)


def read_header(block: bytes) -> Header:
    """The header in a block of 512 bytes. Raises `NotAHeader` unless `write_header` gives the same block."""
    raw = _text_of(block[345:500])
    raw = (raw + b"/" if raw else b"") + _text_of(block[:100])
    try:
        path = raw.decode()
    except UnicodeDecodeError as error:
        raise NotAHeader("its name is not UTF-8", ascii(raw)[2:-1], is_name=True) from error
    kind = block[156:157]
    if kind in _KINDS and block[257:262] == b"ustar":
        raise NotAHeader(f"it is {_KINDS[kind]}, and a bundle has regular files only", path, is_name=True)
    try:
        header = Header(path, _octal(block[124:136]), _octal(block[136:148]))
        same = write_header(header) == block
    except ValueError as error:
        raise NotAHeader("its header is not a plain ustar header", path) from error
    if not same:
        raise NotAHeader("its header is not in the spelling of a bundle", path)
    return header


def _split(path: bytes) -> tuple[bytes, bytes]:
    """The path as prefix and name: the shortest prefix that leaves at most 100 bytes of name."""
    if len(path) <= _NAME_BYTES:
        return b"", path
    cut = path.find(b"/", len(path) - _NAME_BYTES - 1)
    if cut <= 0 or cut > _PREFIX_BYTES:
        raise ValueError("the path does not fit into a ustar header")
    return path[:cut], path[cut + 1 :]


def _text_of(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _octal(field: bytes) -> int:
    if field[-1:] != b"\0" or not field[:-1].isdigit():
        raise ValueError("not an octal number")
    return int(field[:-1], 8)
