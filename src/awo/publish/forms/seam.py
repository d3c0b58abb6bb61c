"""The seam of forms: what a form is given, what it gives back, and what the command line asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from awo.publish.about.shapes import About
from awo.publish.described.shapes import Described
from awo.sign.dsse import BareSigner


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written. `out` is None for the usual place: beside the run, called as the run with `Form.ending`.

    `signer` is there where the form `is_signed`. `has_content` asks for the texts of prompts and answers where the
    form leaves them out unless it is asked. `beside` are the files that a bundle has beside the run, by name.
    """

    folder: Path
    out: Path | None
    described: Described
    about: About
    signer: BareSigner | None = None
    has_content: bool = False
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def place(self, ending: str) -> Path:
        """Where to write."""
        return self.out or self.folder.parent / f"{self.folder.name}{ending}"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written at `path`, a file or a folder. `facts` are for --json, `lines` for people (plain text, still to
    be escaped)."""

    path: Path
    facts: Mapping[str, Any]
    lines: tuple[str, ...] = ()


class Form(Protocol):
    """One form, a row of `awo.plugins.EXPORT_FORMS`.

    `ending` is what the usual place ends in. `holds` says what leaves: "package" for the whole package, "texts" for
    parts of its texts, "facts" for digests and facts alone. Whatever has texts is scanned first. `is_signed` forms
    need a key; `of_sealed` forms a sealed run.
    """

    ending: str
    holds: str
    is_signed: bool
    of_sealed: bool

    def write(self, wanted: Wanted) -> Written:
        """Writes it, by `awo.publish.placing`, so that nothing half written stays and nothing is overwritten.

        Raises `UsageError`, `EvidenceError` for a run that is altered, `CannotCheck` where an extra is missing, and
        `DiskTrouble`.
        """
