"""An event loop whose clock jumps to the next timer: hours of waiting in no time, and nothing left to chance."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Stuck(AssertionError):
    """Nothing is ready and no timer is set: the code under test would wait for ever."""


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing; what it was told to wait is added to the clock."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise _Stuck("nothing will ever happen")
        self.now += max(0.0, timeout)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns, in virtual time that begins at 1000 s. Fails when everything waits for ever."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main)
