"""The file that is being sent, read once from its start: it says when it is no longer the file that was announced."""

from __future__ import annotations

from types import TracebackType
from typing import IO, Self

from awo.canon.digest import sha256_running
from awo.errors import DiskTrouble, EvidenceError
from awo.publish.targets.seam import Parcel


class Source:
    """Reads a parcel's file in pieces and keeps the SHA-256 of what has been read."""

    def __init__(self, parcel: Parcel) -> None:
        self._parcel = parcel
        self._stream: IO[bytes] | None = None
        self._hasher = sha256_running()
        self._read_bytes = 0

    @property
    def so_far(self) -> tuple[str, int]:
        """SHA-256 (hex) and length of what has been read."""
        return self._hasher.hexdigest(), self._read_bytes

    def read(self, size_bytes: int) -> bytes:
        """The next bytes: as many as are asked for, fewer only at the end. Raises `DiskTrouble`."""
        try:
            if self._stream is None:
                self._stream = self._parcel.path.open("rb")
            data = self._stream.read(size_bytes)
        except OSError as error:
            raise DiskTrouble(
                "the file that is being sent cannot be read",
                where=str(self._parcel.path),
                got=error.strerror or type(error).__name__,
            ) from error
        self._hasher.update(data)
        self._read_bytes += len(data)
        return data

    def again(self) -> None:
        """Goes back to the first byte."""
        self.__exit__(None, None, None)
        self._hasher, self._read_bytes = sha256_running(), 0

    def refuse_changed(self) -> None:
        """Raises `EvidenceError` where what has been read is not the whole parcel as it was announced."""
        digest, read_bytes = self.so_far
        if digest != self._parcel.sha256:
            raise EvidenceError(
                "the file changed while it was sent",
                where=str(self._parcel.path),
                expected=f"SHA-256 {self._parcel.sha256}, {self._parcel.size_bytes} bytes",
                got=f"SHA-256 {digest}, {read_bytes} bytes",
                hint="make it again and publish again; nothing of it has arrived",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
