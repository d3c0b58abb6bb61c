"""Cites runs, and writes the statements that a paper needs: from their evidence and the files of their authors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from awo.api.projects import Project

if TYPE_CHECKING:  # what a command does not use is not loaded
    from awo.publish.about.published import Found
    from awo.publish.about.reference import Reference
    from awo.publish.described.shapes import Described

CiteForm = Literal["bibtex", "cff", "csl-json", "datacite"]
StatementKind = Literal["ai-use", "methods"]


class Cited(NamedTuple):
    """A citation: `text` in the form that was asked for, `line` as plain text, and what is to be said beside it.

    `authors` are those whom the authors' files name; `sources` are these files. `notes` say what was not used.
    """

    run_id: str
    text: str
    line: str
    doi: str
    authors: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]


class Stated(NamedTuple):
    """Statements on a run, by their kind. `is_sealed` False says that the numbers may still change."""

    run_id: str
    texts: dict[StatementKind, str]
    is_sealed: bool
    notes: tuple[str, ...]


def cite(project: Project, folder: Path, form: CiteForm = "bibtex") -> Cited:
    """How to cite a sealed run. Raises `UsageError` for an unsealed one, `AboutInvalid` for a file of the authors that
    cannot be taken, `EvidenceError`, and `DiskTrouble`.
    """
    from awo.publish.about.gather import read_about
    from awo.publish.about.reference import reference_of
    from awo.publish.described.reading import describe
    from awo.publish.words.plain import reference_line

    described = describe(folder)
    plan = described.facts.input
    about = read_about(project.root, name=plan.name, description=plan.description)
    found = _publication(project, described)
    reference = reference_of(described, about, found.publication)
    if form == "datacite":
        from awo.publish.about.datacite import datacite_of

        text = _json(datacite_of(described, about, found.publication))
    else:
        text = _text(reference, form)
    names = tuple(one.name for one in reference.creators)
    return Cited(described.run_id, text, reference_line(reference), reference.doi, names, about.sources, found.notes)


def state(project: Project, folder: Path, kinds: Sequence[StatementKind] = ("ai-use", "methods")) -> Stated:
    """The statements of these kinds on a run, sealed or not. Raises `UsageError`, `EvidenceError`, `DiskTrouble`."""
    from awo.publish.described.reading import describe
    from awo.publish.words.ai_use import ai_use
    from awo.publish.words.methods import methods

    writers = {"ai-use": ai_use, "methods": methods}
    described = describe(folder)
    found = _publication(project, described)
    texts = {kind: writers[kind](described, found.publication) for kind in kinds}
    return Stated(described.run_id, texts, described.seal is not None, found.notes)


def write_text(folder: Path, out: Path, text: str) -> None:
    """Writes a text to a new file, whole or not at all. Raises `UsageError` for a place in the run, or one that is
    taken, and `DiskTrouble`."""
    from awo.publish.placing import new_file, refuse_place

    refuse_place(folder, out, "--output")
    with new_file(out, "--output") as stream:
        stream.write(text.encode(errors="backslashreplace"))


def _publication(project: Project, described: Described) -> Found:
    from awo.publish.about.published import publication_of
    from awo.publish.deposits import publications_of

    return publication_of(described, publications_of(project.runs, described.run_id), project.reviewers())


def _text(reference: Reference, form: Literal["bibtex", "cff", "csl-json"]) -> str:
    match form:
        case "bibtex":
            from awo.publish.words.bibtex import bibtex

            return bibtex(reference)
        case "cff":
            from awo.publish.words.cff import cff

            return cff(reference).decode()
        case "csl-json":
            from awo.publish.words.csl import csl_item

            return _json([csl_item(reference)])


def _json(value: Any) -> str:
    from awo.canon.json import pretty

    return pretty(value).decode()
