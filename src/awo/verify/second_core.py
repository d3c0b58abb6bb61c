"""Where verifying a large folder takes a second core: a copy of this process works something out and says it back.

ADR 0002. What a copy says is taken only where it says that all is right; anything else is worked out again here, so
that no finding ever comes from it.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

LEAST_BYTES: Final = 64 << 20
"""Below this a copy of the process costs more than it gives."""

LONGEST_ANSWER_BYTES: Final = 1 << 20
Open = Callable[[str], int]
"""Opens a file of a folder by its path for reading, as the folder itself does. Raises `OSError`."""

_THREADS: Final = Path("/proc/self/task")


def is_there() -> bool:
    """Whether this process may be copied here: Linux, two cores or more for it, and no other thread is alive."""
    try:
        return len(os.sched_getaffinity(0)) > 1 and len(os.listdir(_THREADS)) == 1
    except (AttributeError, OSError):
        return False


class Helper:
    """A copy of this process at work. Made by `start`; `close` ends it, whatever it does."""

    __slots__ = ("_answers", "_process", "_read")

    def __init__(self, process: int, answers: int) -> None:
        self._process = process
        self._answers = answers
        self._read = b""

    @classmethod
    def start(cls, work: Callable[[], Iterable[bytes]]) -> Helper | None:
        """Lets a copy of this process do `work`; None where there is no second core, or no copy could be made.

        `work` gives its answers, each without a line break, one after the other. It must write nothing and start
        nothing. It sees memory and open files as they are now.
        """
        if not is_there():
            return None
        try:
            answers, says = os.pipe()
        except OSError:
            return None
        try:
            process = os.fork()
        except OSError:
            os.close(answers)
            os.close(says)
            return None
        if process == 0:
            _work(work, answers, says)
        os.close(says)
        return cls(process, answers)

    def answer(self) -> bytes | None:
        """The next answer, as soon as it is there; None where no more comes."""
        while b"\n" not in self._read:
            try:
                piece = os.read(self._answers, LONGEST_ANSWER_BYTES) if self._process else b""
            except OSError:
                piece = b""
            self._read += piece
            if not piece or len(self._read) > LONGEST_ANSWER_BYTES:
                self.close()
                return None
        answer, _, self._read = self._read.partition(b"\n")
        return answer

    def close(self) -> None:
        """Ends the copy. Safe to call twice."""
        process, self._process = self._process, 0
        if process:
            os.close(self._answers)
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


def _work(work: Callable[[], Iterable[bytes]], answers: int, says: int) -> None:
    """What the copy does: nothing that it has from its parent is flushed or closed when it ends."""
    code = 1
    try:
        gc.freeze()  # no page is copied for the sake of counting what is garbage
        os.close(answers)
        for answer in work():
            left = memoryview(answer + b"\n")
            while left:
                left = left[os.write(says, left) :]
        code = 0
    except BaseException:
        code = 1
    finally:
        os._exit(code)
