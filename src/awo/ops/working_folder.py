"""The folder a command works in: what is put there before, and what is taken from it afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from awo.canon.json import pretty
from awo.canon.paths import why_not_inside
from awo.errors import StepFailed
from awo.ops.captured import SECRET_MARGIN_BYTES
from awo.ops.seam import Desk

_CHUNK_BYTES = 4 << 20


async def lay_out(desk: Desk, work: Path, inputs: Sequence[str], steps: Sequence[str], outputs: Sequence[str]) -> None:
    """Fills the empty folder `work`: the declared files under their own names, each step's value and
    files under `steps/<id>/`, and the folders that `outputs` need.

    Files are copies without execute permission, so that nothing a program does reaches the originals.
    Raises `StepFailed` `input_refused` for a name that leaves the folder or is there twice.
    """
    for name in inputs:
        await _place(desk, work, name, desk.input_path(name))
    for step in steps:
        home = work / "steps" / step
        home.mkdir(parents=True)
        (home / "output.json").write_bytes(pretty(desk.value_of(step)))
        for name in desk.files_of(step):
            await _place(desk, work, f"steps/{step}/files/{name}", desk.path_of(step, name))
    for name in outputs:
        if why := why_not_inside(name):
            raise _refused(desk, name, f"the name leaves the working folder: {why}")
        (work / name).parent.mkdir(parents=True, exist_ok=True)


async def _place(desk: Desk, work: Path, name: str, source: Path) -> None:
    target = work / name
    why = why_not_inside(name) or ("something else has that name" if target.exists() else "")
    if why:
        raise StepFailed(
            f"the file {name!r} cannot be placed into the working folder",
            code="input_refused",
            where=f"step {desk.step}",
            got=why,
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(shutil.copyfile, source, target)


def check_outputs(desk: Desk, work: Path, outputs: Sequence[str]) -> None:
    """Looks at every declared output before one is kept.

    Raises `StepFailed`: `output_missing`; `output_refused` for a link (also on the way there), a
    device, a folder or a name that leaves the folder; `secret_in_output`.
    """
    for name in outputs:
        if why := why_not_inside(name):
            raise _refused(desk, name, f"the name leaves the working folder: {why}")
        if why := _why_not_regular(desk, work, name):
            raise _refused(desk, name, why)
        if any(desk.cut_secrets(window) != window for window in _windows(work / name)):
            raise StepFailed(
                f"the output {name!r} has a secret in it, so it is not kept",
                code="secret_in_output",
                where=f"step {desk.step}",
                hint="make the command write the file without it",
            )


def _why_not_regular(desk: Desk, work: Path, name: str) -> str:
    place = work
    mode = 0
    for part in name.split("/"):
        place = place / part
        try:
            mode = place.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise StepFailed(
                f"the command did not make the output {name!r}",
                code="output_missing",
                where=f"step {desk.step}",
                hint=f"what it said is in stderr.txt, in the newest outputs/{desk.step}/attempt-*/",
            ) from None
        if stat.S_ISLNK(mode):
            return "it is a link, or lies behind one"
    return "" if stat.S_ISREG(mode) else "it is not a regular file"


def _windows(path: Path) -> Iterator[bytes]:
    """The file in pieces that overlap, so that a secret across two pieces is whole in one of them."""
    tail = b""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield tail + chunk
            tail = (tail + chunk)[-SECRET_MARGIN_BYTES:]


def _refused(desk: Desk, name: str, why: str) -> StepFailed:
    return StepFailed(f"the output {name!r} is refused", code="output_refused", where=f"step {desk.step}", got=why)
