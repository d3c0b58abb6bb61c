"""The answered requests of one step while it is not done: about 300 bytes for each, whatever its text."""

from __future__ import annotations

from array import array


class AnsweredLines:
    """The lines of a step's responses.jsonl, and which request each answers."""

    __slots__ = ("_cells", "_digests", "_ends", "_of_request", "_sizes")

    def __init__(self) -> None:
        self._digests = bytearray()
        self._sizes = array("Q")
        self._ends = array("Q")
        self._of_request: dict[bytes, int | list[int]] = {}
        self._cells: set[int] = set()  # not a row of flags: a hostile journal may name cell 10^15

    def add(self, request_sha256: str, line_sha256: str, size_bytes: int, cell: int) -> None:
        """The next line, of `size_bytes` without its newline."""
        line = len(self)
        self._digests += bytes.fromhex(line_sha256)
        self._sizes.append(size_bytes)
        self._ends.append(self.end_bytes + size_bytes + 1)
        request = bytes.fromhex(request_sha256)
        before = self._of_request.get(request)
        if before is None:
            self._of_request[request] = line
        elif isinstance(before, int):
            self._of_request[request] = [before, line]
        else:
            before.append(line)
        self._cells.add(cell)

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def end_bytes(self) -> int:
        """Where the last line ends, its newline included."""
        return self._ends[-1] if self._ends else 0

    def lines_for(self, request_sha256: str) -> list[int]:
        """The numbers of the lines that answer this request, oldest first."""
        found = self._of_request.get(bytes.fromhex(request_sha256), [])
        return [found] if isinstance(found, int) else found

    def cells(self) -> frozenset[int]:
        """The cells that have an answer now."""
        return frozenset(self._cells)

    def sha256(self, line: int) -> str:
        """The digest of a line, as the journal has it."""
        return self._digests[32 * line : 32 * line + 32].hex()

    def span(self, line: int) -> tuple[int, int]:
        """Where a line begins in the file, and its length without newline, in bytes."""
        size = self._sizes[line]
        return self._ends[line] - size - 1, size
