"""What the authors say of a work, gathered from the files of their project."""

from __future__ import annotations

from pathlib import Path

from awo.derive.markdown import visible
from awo.errors import UsageError
from awo.publish.about import cff, zenodo_json
from awo.publish.about.fields import bytes_of
from awo.publish.about.shapes import About


def read_about(root: Path, *, name: str, description: str) -> About:
    """The work as `.zenodo.json`, then `CITATION.cff` in the folder `root` describe it, field by field.

    Each field is taken whole from the first file that has it; lists are not mixed. Title and description that neither
    has are `name` and `description` of the workflow. Raises `AboutInvalid` for a file that cannot be taken, so that a
    mistake in one is never hidden by the other, `UsageError` for one that is too large, and `DiskTrouble`.
    """
    found = []
    for file, read in ((zenodo_json.FILE, zenodo_json.read_zenodo_json), (cff.FILE, cff.read_cff)):
        data = bytes_of(root / file)
        if data is not None:
            found.append((file, read(data)))
    workflow = About(title=visible(" ".join(name.split())), description=_lines(description))
    return merged([one for _, one in found] + [workflow], tuple(file for file, _ in found))


def refuse_unless_open(root: Path) -> None:
    """Raises `UsageError` where `.zenodo.json` in `root` does not let everybody read the record and its files.

    AWO publishes for everybody, so whoever sends a run to a repository asks this first. Raises as `read_about`.
    """
    data = bytes_of(root / zenodo_json.FILE)
    if data is not None and zenodo_json.access_of(data) != "open":
        raise UsageError(
            "the authors' file does not let everybody read this work, and AWO publishes for everybody",
            where=zenodo_json.FILE,
            expected='"access_right": "open", or a public record with public files and no embargo',
            hint="publish it by hand, or open it; `awo redact` withholds texts",
        )


def merged(found: list[About], sources: tuple[str, ...]) -> About:
    """For each field the first of `found` that has it."""
    return About(
        title=next((one.title for one in found if one.title), ""),
        description=next((one.description for one in found if one.description), ""),
        creators=next((one.creators for one in found if one.creators), ()),
        licence=next((one.licence for one in found if one.licence), ""),
        keywords=next((one.keywords for one in found if one.keywords), ()),
        funding=next((one.funding for one in found if one.funding), ()),
        version=next((one.version for one in found if one.version), ""),
        doi=next((one.doi for one in found if one.doi), ""),
        repository=next((one.repository for one in found if one.repository), ""),
        published_on=next((one.published_on for one in found if one.published_on), ""),
        sources=sources,
    )


def _lines(text: str) -> str:
    """The workflow's own words: they come from a run, perhaps of a stranger, and so are made visible, not refused."""
    return "\n".join(visible(line) for line in text.strip().splitlines())
