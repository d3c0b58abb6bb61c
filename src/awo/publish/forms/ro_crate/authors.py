"""What the authors say of the work: title, people with ORCID iDs, licence, funding."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from awo.publish.about.shapes import About, Creator, Funding
from awo.publish.described.shapes import Described
from awo.publish.forms.ro_crate import not_stated
from awo.publish.forms.ro_crate.graph import Graph, Ref, local_id

_LICENCE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_WEB: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")


def add_about(graph: Graph, described: Described, about: About, doi: str) -> dict[str, Any]:
    """The properties of the root that follow from what authors say, and where they say nothing, from the run.

    `datePublished`, which the profile asks for, is the day that authors give, or else that of the seal: on it the
    folder became what it is. `doi` is the run's own, '' without one; that of `about` is of the work around it.
    """
    seal, record = described.seal, described.facts.input
    sealed_on = (seal.at if seal is not None else described.facts.last_at)[:10]
    return {
        "name": about.title or record.name,
        "description": about.description or record.description or f"The evidence of {described.run_id}.",
        "identifier": [described.run_id, f"https://doi.org/{doi}" if doi else ""],
        "isPartOf": _work(graph, about.doi) if about.doi and about.doi != doi else None,
        "datePublished": about.published_on or sealed_on,
        "author": [_creator(graph, one) for one in about.creators] or [not_stated.nobody(graph, "author")],
        "publisher": not_stated.nobody(graph, "publisher"),
        "license": _licence(graph, about.licence),
        "keywords": list(about.keywords),
        "version": about.version,
        "funder": [_organisation(graph, one.funder) for one in about.funding if one.funder],
        "funding": [_grant(graph, one) for one in about.funding if one.award or one.title],
    }


def web_address(text: str) -> str:
    """`text` where it is an address of the web, else ''."""
    return text if _WEB.fullmatch(text) else ""


def _creator(graph: Graph, one: Creator) -> Ref:
    if one.is_organization:
        return _organisation(graph, one.name)
    known = bool(one.affiliation)
    return graph.add(
        f"https://orcid.org/{one.orcid}" if one.orcid else local_id("author", one.name),
        "Person",
        name=one.name,
        givenName=one.given,
        familyName=one.family,
        affiliation=_organisation(graph, one.affiliation) if known else not_stated.nobody(graph, "affiliation"),
    )


def _organisation(graph: Graph, name: str) -> Ref:
    return graph.add(local_id("organisation", name), "Organization", name=name, url=not_stated.address(graph))


def _licence(graph: Graph, expression: str) -> Ref:
    """One licence by its SPDX address; an expression of several as an entity of this crate that names it."""
    if not expression:
        return not_stated.licence(graph)
    is_one = _LICENCE_ID.fullmatch(expression) and not expression.startswith("LicenseRef-")
    id_ = f"https://spdx.org/licenses/{expression}" if is_one else local_id("licence", expression)
    return graph.add(id_, "CreativeWork", name=expression, description=f"SPDX: {expression}")


def _work(graph: Graph, doi: str) -> Ref:
    address = f"https://doi.org/{quote(doi, safe='/')}"
    return graph.add(address, "CreativeWork", name=f"doi:{doi}", description="The work that this run is part of.")


def _grant(graph: Graph, one: Funding) -> Ref:
    return graph.add(
        local_id("grant", one.funder, one.award or one.title),
        "Grant",
        name=one.title or one.award,
        identifier=one.award,
        url=web_address(one.url),
        funder=_organisation(graph, one.funder) if one.funder else None,
    )
