"""Times whole processes in turns, so that a noisy machine is as noisy for both sides of a ratio."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any


class Broken(Exception):
    """A benchmark could not be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark says.

    `ratio` is the median of AWO over the median of the floor, or of the peer. `value` is the figure
    that `limit` limits, in `unit`; where `unit` is 'ratio' it is the ratio itself.
    """

    name: str
    value: float
    unit: str
    limit: float
    ratio: float
    medians: Mapping[str, float]
    versions: Mapping[str, str]
    rounds: int
    notes: Sequence[str] = field(default=())

    @property
    def is_within(self) -> bool:
        """Whether the figure keeps its limit."""
        return self.value <= self.limit

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self) | {"within": self.is_within}


@dataclass(frozen=True, slots=True)
class Process:
    """One process from its start to its end: wall time, and the peak of its resident memory.

    On Linux the peak is at least that of this process, from which it was started: keep this one small.
    """

    seconds: float
    peak_bytes: int


def run_process(argv: Sequence[str | Path], folder: Path | None = None, **environment: str) -> Process:
    """Runs a command to its end, its environment changed by `environment`; what it prints is read and dropped.

    Raises `Broken` when it does not end with code 0.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        [str(word) for word in argv],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        words = " ".join(str(word) for word in argv)
        tail = said.decode(errors="replace").strip()[-500:]
        raise Broken(f"`{words}` ended with {process.returncode}: {tail}")
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return Process(seconds=seconds, peak_bytes=usage.ru_maxrss * unit_bytes)


def in_turns(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median figure of each side over `rounds` turns, after one turn that is not counted.

    Every second turn goes backwards, so that no side always follows the same neighbour.
    """
    figures: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds + 1):
        for name in names if turn % 2 else reversed(names):
            figure = sides[name]()
            if turn:
                figures[name].append(figure)
    return {name: statistics.median(values) for name, values in figures.items()}


def awo_program() -> Path:
    """The installed `awo` of the environment that runs the benchmarks. Raises `Broken`."""
    program = Path(sysconfig.get_path("scripts")) / "awo"
    if not program.exists():
        raise Broken("awo is not installed in this environment; next: make bench")
    return program


def versions(*packages: str) -> dict[str, str]:
    """Of AWO, Python, the machine and the named packages."""
    return {
        "awo": metadata.version("awo"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} processors",
    } | {name: metadata.version(name) for name in packages}
