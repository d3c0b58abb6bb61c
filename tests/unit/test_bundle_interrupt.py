"""Ctrl-C while a bundle is written: it is put off until a block is handed over, and then it counts."""

from __future__ import annotations

import signal

import pytest

from awo.publish.bundle import BLOCK_BYTES, _Blocks


class Interrupted:
    """A compressor during whose work somebody presses Ctrl-C."""

    def __init__(self) -> None:
        self.got_bytes = 0

    def write(self, data: memoryview) -> None:
        signal.raise_signal(signal.SIGINT)
        self.got_bytes += len(data)


def test_a_block_is_handed_over_whole_before_ctrl_c_ends_the_export() -> None:
    compressor = Interrupted()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _Blocks(compressor).write(bytes(2 * BLOCK_BYTES))
    assert compressor.got_bytes == BLOCK_BYTES
    assert signal.getsignal(signal.SIGINT) is before
