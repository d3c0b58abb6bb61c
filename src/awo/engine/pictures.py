"""Writes the pictures of a run's results, where there are any and matplotlib is installed; never read back."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from awo.derive.facts import RunFacts
from awo.derive.report import Reader
from awo.derive.report.pictures import has_pictures
from awo.engine.folder import fsync_folder, write_whole
from awo.errors import AwoError
from awo.evidence.layout import PICTURES, REPORT_PICTURES, picture_path


def are_drawn(folder: Path, facts: RunFacts) -> bool:
    """Whether what report/ shows was drawn after the last gate opened, so that it would come out the same again."""
    if not facts.gates:
        return False
    if not has_pictures(facts):
        return not (folder / REPORT_PICTURES).exists()
    try:
        return (folder / PICTURES).stat().st_mtime_ns >= (folder / facts.gates[-1].request.path).stat().st_mtime_ns
    except FileNotFoundError:
        return False


def write_pictures(folder: Path, facts: RunFacts, read: Reader) -> None:
    """Draws report/*.svg and *.png, and the page that shows them; old ones go first.

    A picture that cannot be drawn is a note on that page and no failure of the run. Raises `EvidenceError`
    for outputs that cannot be read, and `OSError`.
    """
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder / REPORT_PICTURES)  # it holds views and nothing else
    if not has_pictures(facts):
        return
    from awo.derive.charts.gallery import gallery
    from awo.derive.charts.gathering import drawings
    from awo.derive.charts.picture import Picture, is_installed

    if not is_installed():
        return
    drawn: list[Picture] = []
    failed: dict[str, str] = {}
    for name, draw in drawings(facts, read):
        try:
            drawn.append(draw())
        except AwoError as error:
            failed[name] = error.what
        except Exception as error:  # a seam: what a library makes of the numbers must not fail a run that is done
            failed[name] = f"matplotlib ended with {type(error).__name__}"
    if not drawn and not failed:
        return
    (folder / REPORT_PICTURES).mkdir(exist_ok=True)
    for one in drawn:
        write_whole(folder / picture_path(one.name, "svg"), one.svg)
        write_whole(folder / picture_path(one.name, "png"), one.png)
    write_whole(folder / PICTURES, gallery(drawn, failed).encode())
    fsync_folder(folder)
