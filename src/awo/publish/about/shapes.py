"""What authors say of a work: one shape, whichever file it was read from. '' is unknown everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Creator:
    """A person or an organization. `name` is what is printed ("Given Family"); an organization has no other names.

    `orcid` is bare and checked, as 0000-0002-1825-0097.
    """

    name: str
    given: str = ""
    family: str = ""
    orcid: str = ""
    affiliation: str = ""
    is_organization: bool = False


@dataclass(frozen=True, slots=True)
class Funding:
    """Money that made the work possible: who gave it, under which number, as what, described where."""

    funder: str
    award: str = ""
    title: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """A work as its authors describe it.

    `licence` is an SPDX expression in its canonical spelling, `doi` is bare (10.…/…), `published_on` is YYYY-MM-DD.
    `sources` are the names of the files that it was read from, in the order in which they were read.
    """

    title: str = ""
    description: str = ""
    creators: tuple[Creator, ...] = ()
    licence: str = ""
    keywords: tuple[str, ...] = ()
    funding: tuple[Funding, ...] = ()
    version: str = ""
    doi: str = ""
    repository: str = ""
    published_on: str = ""
    sources: tuple[str, ...] = ()


NOTHING: Final = About()
"""What is known of a work that nobody has described."""
