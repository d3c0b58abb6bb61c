"""A zip archive that a stranger made: its directory, and its members one by one, each of bounded size.

Nothing is unpacked to disk. Names are words to look for, never paths. Members are stored, deflated or zstandard.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import Any, BinaryIO, Final

from awo.derive.received.seam import LARGEST_DOCUMENT_BYTES, LARGEST_TOTAL_BYTES, NotUnderstood
from awo.errors import CannotCheck
from awo.plugins import how_to_install

MOST_MEMBERS: Final = 200_000
RATIO: Final = 500
RATIO_FREE_BYTES: Final = 16 << 20
PIECE_BYTES: Final = 1 << 18
STORED, DEFLATED, ZSTANDARD = 0, 8, 93
_LOCAL = struct.Struct("<4s22xHH")
_ENCRYPTED: Final = 0x1
ELSEWHERE: Final = "damaged: the member is not where the archive says"


class Zipped:
    """The members of an archive by name: of two with one name the later counts, as for the software that writes them.

    `doubled` has the names that stand more than once. Raises `NotUnderstood` for what is no zip archive.
    """

    def __init__(self, stream: BinaryIO) -> None:
        try:
            with zipfile.ZipFile(stream) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, EOFError) as error:
            raise NotUnderstood("no zip archive that can be read") from error
        if len(infos) > MOST_MEMBERS:
            raise NotUnderstood(f"more than {MOST_MEMBERS} members in the archive")
        self._stream = stream
        self._left = LARGEST_TOTAL_BYTES
        self._members = {info.filename: info for info in infos}
        self.names = [info.filename for info in infos if self._members[info.filename] is info]
        self.doubled = [info.filename for info in infos if self._members[info.filename] is not info]

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """The bytes of a member, as long as its directory says, with the right checksum. Raises `NotUnderstood`, and
        `CannotCheck` where zstandard is needed and not installed."""
        info = self._members[name]
        if info.flag_bits & _ENCRYPTED:
            raise NotUnderstood("encrypted")
        if info.file_size > min(self._left, LARGEST_DOCUMENT_BYTES):
            raise NotUnderstood("larger than is read")
        if info.file_size > RATIO_FREE_BYTES and info.file_size > RATIO * info.compress_size:
            raise NotUnderstood("it unpacks to far more than it is, as a bomb does")
        data = self._unpacked(info)
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise NotUnderstood("damaged: length or checksum are others than the archive says")
        self._left -= len(data)
        return data

    def _unpacked(self, info: zipfile.ZipInfo) -> bytes:
        if info.header_offset < 0:
            raise NotUnderstood(ELSEWHERE)
        self._stream.seek(info.header_offset)
        header = self._stream.read(_LOCAL.size)
        magic, name_bytes, extra_bytes = _LOCAL.unpack(header) if len(header) == _LOCAL.size else (b"", 0, 0)
        if magic != b"PK\x03\x04":
            raise NotUnderstood(ELSEWHERE)
        self._stream.seek(name_bytes + extra_bytes, 1)
        packed = self._stream.read(info.compress_size)
        if info.compress_type == STORED:
            return packed
        if info.compress_type == DEFLATED:
            return _inflated(packed, info.file_size)
        if info.compress_type == ZSTANDARD:
            return _unzstandard(packed, info.file_size)
        raise NotUnderstood(f"compressed in a way that is not known ({info.compress_type})")


def _inflated(packed: bytes, size_bytes: int) -> bytes:
    inflater = zlib.decompressobj(-15)
    try:
        return inflater.decompress(packed, size_bytes + 1)
    except zlib.error as error:
        raise NotUnderstood("damaged: the compressed bytes") from error


def _unzstandard(packed: bytes, size_bytes: int) -> bytes:
    """One frame or several, as the writers of large members make them."""
    zstd = _zstandard()
    out = bytearray()
    rest = packed
    while rest:
        unpacker = zstd.ZstdDecompressor()
        try:
            while not unpacker.eof:
                piece = unpacker.decompress(rest, max_length=min(PIECE_BYTES, size_bytes + 1 - len(out)))
                rest = b""
                out += piece
                if len(out) > size_bytes:
                    return bytes(out)
                if not piece and unpacker.needs_input:
                    raise NotUnderstood("damaged: the compressed bytes end too early")
        except zstd.ZstdError as error:
            raise NotUnderstood("damaged: the compressed bytes") from error
        rest = unpacker.unused_data
    return bytes(out)


def _zstandard() -> Any:
    """The library: Python's own from 3.14 on, else its backport. Raises `CannotCheck`."""
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError:
        try:
            from backports import zstd  # type: ignore[no-redef,unused-ignore]
        except ModuleNotFoundError as error:
            raise CannotCheck(
                "the log is compressed with zstandard, and nothing here can unpack that",
                hint=f"{how_to_install(['backports'])}, or use Python 3.14",
            ) from error
    return zstd
