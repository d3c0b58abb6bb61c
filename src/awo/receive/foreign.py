"""Makes the one-step workflow that receives a foreign file, with a copy of the file beside it."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from awo.canon.json import pretty
from awo.canon.paths import why_not_inside
from awo.derive.received.seam import Original
from awo.derive.received.step import LARGEST_ORIGINAL_BYTES, MOST_FILES, looked_through
from awo.errors import CannotCheck, DiskTrouble, StepFailed, UsageError
from awo.evidence.received import IMPORTS, ORIGINAL, RECEIVE, Form, ReceivedValue
from awo.receive.arrival import make_imports

STEP: Final = "received"
WORKFLOW: Final = "workflow.json"
FOLDER: Final = "run"
MADE_BY: Final = {"inspect": "Inspect", "promptfoo": "promptfoo", "awo-1x": "AWO 1.x"}
_ENDINGS: Final = {"inspect": (".eval", ".json"), "promptfoo": (".json",)}
_NO_COPY = frozenset('*?[]"')
_staged = re.compile(rf"(?:{'|'.join(MADE_BY)})-[a-z0-9_]{{8}}")


def look_through(path: Path, form: Form) -> ReceivedValue:
    """What would be received, before anything is made. Raises `UsageError` for what is not of this form, or can be
    read by nobody, and `CannotCheck` for a library that is not here."""
    files = dict(_files(path, form))
    originals = [Original(name, file.stat().st_size, partial(_open, file)) for name, file in files.items()]
    try:
        value, _ = looked_through(form, originals, [], "")
    except StepFailed as error:
        raise UsageError(
            error.what, where=str(path), expected=error.expected, got=error.got, hint=error.hint
        ) from error
    except OSError as error:
        raise DiskTrouble("this cannot be read", where=str(path), got=error.strerror or str(error)) from error
    return value


def _open(file: Path) -> BinaryIO:
    return file.open("rb")


def stage(path: Path, form: Form, runs: Path, title: str = "") -> Path:
    """The workflow file, in a new folder in runs/imports/ with a copy of what is received. Raises as `look_through`."""
    files = dict(_files(path, form))
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{form}-", dir=make_imports(runs)))
        workflow = folder / WORKFLOW
        try:
            for name, file in files.items():
                copy = folder / FOLDER / name if form == "awo-1x" else folder / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy, follow_symlinks=False)
            workflow.write_bytes(pretty(_workflow(path, form, list(files), title)))
        except BaseException:
            unstage(workflow)
            raise
    except OSError as error:
        raise DiskTrouble("this cannot be copied", where=str(path), got=error.strerror or str(error)) from error
    return workflow


def unstage(workflow: Path) -> None:
    """Removes what `stage` made: the sealed run has all of it."""
    shutil.rmtree(workflow.parent, ignore_errors=True)


def unstage_resumed(workflow: Path, runs: Path) -> None:
    """Removes what `stage` made for a run that was taken up again and is sealed; nothing of any other workflow."""
    is_ours = workflow.name == WORKFLOW and _staged.fullmatch(workflow.parent.name) is not None
    if is_ours and workflow.parent.parent.resolve() == (runs / IMPORTS).resolve():
        unstage(workflow)


def _workflow(path: Path, form: Form, names: Sequence[str], title: str) -> dict[str, object]:
    what = {"files": f"{FOLDER}/**"} if form == "awo-1x" else {"file": names[0]}
    return {
        "name": title or f"{MADE_BY[form]}, received: {_shown(path)}",
        "description": f"Received, not witnessed: what {MADE_BY[form]} left, kept as it came, and the answers in it.",
        "steps": [{"id": STEP, "op": RECEIVE, "form": form, **what}],
    }


def _shown(path: Path) -> str:
    """The file's name alone: where it lay on this machine is nobody's business."""
    return "".join(c if c.isprintable() else "\ufffd" for c in path.resolve().name)[:100]


def _files(path: Path, form: Form) -> Iterator[tuple[str, Path]]:
    """What is received, by the name that it is kept under. Raises `UsageError`."""
    if form == "awo-1x":
        yield from _folder(path)
        return
    if path.is_dir() or not path.exists():
        raise UsageError(
            "this is no file" if path.is_dir() else "there is no such file",
            where=str(path),
            expected=f"a file that {MADE_BY[form]} made",
        )
    _refuse_special(path)
    name = path.name
    if why_not_inside(name) or name == WORKFLOW or _NO_COPY & set(name):
        endings = _ENDINGS[form]
        name = f"{ORIGINAL}{path.suffix if path.suffix in endings else endings[-1]}"
    yield name, path


def _folder(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        raise UsageError("this is no folder", where=str(path), expected="the folder of a run of AWO 1.x")
    count = 0
    for parent, folders, names in os.walk(path):
        folders.sort()
        for name in sorted([*names, *(one for one in folders if Path(parent, one).is_symlink())]):
            file = Path(parent, name)
            inside = file.relative_to(path).as_posix()
            _refuse_special(file)
            why = why_not_inside(f"outputs/{STEP}/files/{ORIGINAL}/{inside}")
            if any(part.startswith(".") for part in inside.split("/")):
                why = "it is hidden, and would be left out"
            if why:
                raise UsageError(
                    "a file of the folder cannot be kept under its name",
                    where=str(path),
                    got=f"{inside!r}: {why}",
                    hint="import a copy of the folder without it, and say so where you report on it",
                )
            count += 1
            if count > MOST_FILES:
                raise UsageError("the folder has too many files", where=str(path), expected=f"at most {MOST_FILES}")
            yield inside, file


def _refuse_special(file: Path) -> None:
    try:
        status = file.lstat() if file.is_symlink() else file.stat()
    except OSError as error:
        raise CannotCheck("this cannot be read here", where=str(file), got=error.strerror or str(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise UsageError("only regular files are received", where=str(file), got="a link, a folder or a device")
    if status.st_size > LARGEST_ORIGINAL_BYTES:
        raise UsageError(
            "this is more than is read",
            where=str(file),
            expected=f"at most {LARGEST_ORIGINAL_BYTES} bytes",
            got=str(status.st_size),
        )
