"""What a repository is told of a run: the authors' description in the words of its two APIs."""

from __future__ import annotations

import html
import re
from typing import Any, Final

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical
from awo.errors import UsageError
from awo.evidence.publication import Deposit
from awo.publish.about.shapes import About, Creator, Funding

DATE: Final = "publication_date"
URN: Final = "urn:awo:seal:"
SHORTEST_TITLE: Final = 3
_SIMPLE_LICENCE: Final = re.compile(r"[A-Za-z0-9.+-]+")


def seal_urn(seal_sha256: str) -> str:
    """The identifier by which a deposit is found again: it names the seal, which no two runs share."""
    return f"{URN}{seal_sha256}"


def refuse_incomplete(about: About) -> None:
    """Raises `UsageError` for what every repository asks and nobody has said, before anything is sent."""
    if not about.creators:
        raise UsageError(
            "nobody is named as the author, and a repository asks for one",
            expected="`authors` in CITATION.cff, `creators` in .zenodo.json, or `authors` of the workflow",
            got=f"read: {', '.join(about.sources)}" if about.sources else "no file that describes the work",
            hint="write a CITATION.cff beside awo.toml",
        )
    if len(about.title) < SHORTEST_TITLE:
        raise UsageError(
            "the work has no title, and a repository asks for one",
            expected=f"`title` in CITATION.cff, of {SHORTEST_TITLE} characters or more",
            got=about.title or "none",
        )


def digest_of(metadata: dict[str, Any]) -> str:
    """SHA-256 of metadata but for the day on which they are sent."""
    inner = {key: value for key, value in metadata["metadata"].items() if key != DATE}
    return sha256_hex(canonical({**metadata, "metadata": inner}))


def for_records(about: About, deposit: Deposit, *, publisher: str, today: str) -> dict[str, Any]:
    """The body of a draft in InvenioRDM's records API."""
    said: dict[str, Any] = {
        "resource_type": {"id": "dataset"},
        "title": about.title,
        "creators": [_person(creator) for creator in about.creators],
        DATE: about.published_on or today,
        "publisher": publisher,
        "description": description_of(about, deposit),
        "identifiers": [{"identifier": seal_urn(deposit.seal_sha256), "scheme": "urn"}],
        "rights": _rights(about.licence),
        "subjects": [{"subject": word} for word in about.keywords],
        "version": about.version,
        "funding": [_funding(one) for one in about.funding],
        "related_identifiers": [
            {"identifier": url, "scheme": "url", "relation_type": {"id": "issupplementto"}} for url in _urls(about)
        ],
    }
    return {
        "access": {"record": "public", "files": "public"},
        "files": {"enabled": True},
        "metadata": {key: value for key, value in said.items() if value},
    }


def for_deposits(about: About, deposit: Deposit, *, today: str) -> dict[str, Any]:
    """The body of a deposit in Zenodo's older API."""
    relations = [{"identifier": seal_urn(deposit.seal_sha256), "relation": "isAlternateIdentifier"}]
    relations += [{"identifier": url, "relation": "isSupplementTo"} for url in _urls(about)]
    licences = [one["id"] for one in _rights(about.licence) if "id" in one]
    said: dict[str, Any] = {
        "upload_type": "dataset",
        "title": about.title,
        "creators": [_name(creator) for creator in about.creators],
        DATE: about.published_on or today,
        "description": description_of(about, deposit),
        "access_right": "open",
        "license": licences[0] if len(licences) == 1 else "",
        "notes": f"Licence: {about.licence}" if about.licence and len(licences) != 1 else "",
        "keywords": list(about.keywords),
        "version": about.version,
        "related_identifiers": relations,
        "prereserve_doi": True,
    }
    return {"metadata": {key: value for key, value in said.items() if value}}


def description_of(about: About, deposit: Deposit) -> str:
    """The description as HTML: the authors' paragraphs, and what the files are. Nothing of it is markup of others."""
    paragraphs = [one for one in re.split(r"\n\s*\n", about.description.strip()) if one.strip()]
    said = [html.escape(" ".join(one.split())) for one in paragraphs]
    said.append(
        f"Evidence package of the AWO run {html.escape(deposit.run_id)}. SHA-256 of its seal (audit/seal.json): "
        f"{html.escape(deposit.seal_sha256)}. The bundle brings verify.py, which checks it with Python alone."
    )
    return "".join(f"<p>{one}</p>" for one in said)


def _person(creator: Creator) -> dict[str, Any]:
    if creator.is_organization:
        return {"person_or_org": {"type": "organizational", "name": creator.name}}
    person: dict[str, Any] = {
        "type": "personal",
        "family_name": creator.family or creator.name,
        "given_name": creator.given if creator.family else "",
        "identifiers": [{"scheme": "orcid", "identifier": creator.orcid}] if creator.orcid else [],
    }
    said: dict[str, Any] = {"person_or_org": {key: value for key, value in person.items() if value}}
    if creator.affiliation:
        said["affiliations"] = [{"name": creator.affiliation}]
    return said


def _name(creator: Creator) -> dict[str, str]:
    is_split = bool(creator.family and creator.given) and not creator.is_organization
    said = {
        "name": f"{creator.family}, {creator.given}" if is_split else creator.name,
        "affiliation": creator.affiliation,
        "orcid": creator.orcid,
    }
    return {key: value for key, value in said.items() if value}


def _rights(licence: str) -> list[dict[str, Any]]:
    """An SPDX expression as rights: licences by their ids, joined by AND or OR; anything else as free text."""
    if not licence:
        return []
    names = re.split(r"\s+(?:AND|OR)\s+", licence.replace("(", " ").replace(")", " ").strip())
    if all(_SIMPLE_LICENCE.fullmatch(name) and not name.startswith("LicenseRef-") for name in names):
        return [{"id": name.lower()} for name in dict.fromkeys(names)]
    return [{"title": {"en": licence}}]


def _funding(one: Funding) -> dict[str, Any]:
    award: dict[str, Any] = {"number": one.award, "title": {"en": one.title} if one.title else None}
    if one.url:
        award["identifiers"] = [{"identifier": one.url, "scheme": "url"}]
    has_award = bool(one.award or one.title)
    said = {"funder": {"name": one.funder}}
    return said | ({"award": {key: value for key, value in award.items() if value}} if has_award else {})


def _urls(about: About) -> list[str]:
    return [about.repository] if about.repository.startswith("https://") else []
