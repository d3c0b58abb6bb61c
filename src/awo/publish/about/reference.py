"""How a sealed run is referred to: what its authors say of the work, joined with what the run says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from awo.derive.markdown import visible
from awo.errors import UsageError
from awo.publish.about.shapes import About, Creator
from awo.publish.about.values import doi_address
from awo.publish.described.shapes import Described

NO_AUTHORS: Final = "Authors not stated"
MEDIUM: Final = "Evidence of a workflow run"


@dataclass(frozen=True, slots=True)
class Publication:
    """Where a run was published: its bare DOI, by whom, and on which day (YYYY-MM-DD). '' for what is not known."""

    doi: str = ""
    publisher: str = ""
    day: str = ""


NOT_PUBLISHED: Final = Publication()


@dataclass(frozen=True, slots=True)
class Reference:
    """A sealed run as a citation names it. `title` names the run, `day` (YYYY-MM-DD) is when it was published.

    `doi` is that of this very run, '' until it has one; `work` is the DOI of the work that it is part of.
    `creators` are empty where nobody has said who they are.
    """

    run_id: str
    title: str
    creators: tuple[Creator, ...]
    day: str
    doi: str
    publisher: str
    licence: str
    keywords: tuple[str, ...]
    abstract: str
    version: str
    work: str
    repository: str
    software: str
    seal_sha256: str

    @property
    def year(self) -> str:
        return self.day[:4]

    @property
    def address(self) -> str:
        """Where the DOI leads; '' without one."""
        return doi_address(self.doi) if self.doi else ""


def reference_of(described: Described, about: About, publication: Publication = NOT_PUBLISHED) -> Reference:
    """The reference to a run. Raises `UsageError` for one that is not sealed: what can still change is not cited.

    The day is what the authors say, else when it was published, else when it was sealed. A day before the seal is
    that of another work: nothing is published before it is there.
    """
    if described.seal is None:
        raise UsageError(
            "only a sealed run is cited: this one can still change",
            where=described.run_id,
            hint=f"bring it to its end with `awo resume {described.run_id}`, or freeze it with `awo seal`",
        )
    sealed = described.seal.at[:10]
    said = about.published_on if about.published_on >= sealed else ""
    title = about.title or visible(described.facts.input.name) or "Run without a name"
    software = described.facts.software
    return Reference(
        run_id=described.run_id,
        title=title if described.run_id in title else f"{title} ({described.run_id})",
        creators=about.creators,
        day=said or max(publication.day, sealed),
        doi=publication.doi,
        publisher=publication.publisher,
        licence=about.licence,
        keywords=about.keywords,
        abstract=about.description,
        version=about.version,
        work=about.doi if about.doi != publication.doi else "",
        repository=about.repository,
        software=f"{visible(software.name)} {visible(software.version)}",
        seal_sha256=described.seal_sha256,
    )
