"""The DataCite description of a run, metadata schema 4.5 in its JSON form: what a DOI is registered with."""

from __future__ import annotations

from typing import Any, Final

from awo.publish.about.orcid import ADDRESS
from awo.publish.about.reference import MEDIUM, NOT_PUBLISHED, Publication, Reference, reference_of
from awo.publish.about.shapes import About, Creator, Funding
from awo.publish.described.shapes import Described

SCHEMA: Final = "http://datacite.org/schema/kernel-4"
UNAVAILABLE: Final = ":unav"
"""What DataCite has in place of a value that must be there and is not known (appendix 3)."""


def datacite_of(described: Described, about: About, publication: Publication = NOT_PUBLISHED) -> dict[str, Any]:
    """The description of a sealed run; without a DOI as long as it has none. Raises `UsageError` as `reference_of`.

    Authors and publisher, which DataCite insists on, are `:unav` where nobody has said them. Source: DataCite
    Metadata Schema 4.5.
    """
    reference = reference_of(described, about, publication)
    sealed = described.seal.at if described.seal is not None else ""
    last = described.facts.ended_at or sealed
    said: dict[str, Any] = {
        "doi": reference.doi,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": MEDIUM},
        "creators": [_creator(one) for one in reference.creators] or [{"name": UNAVAILABLE}],
        "titles": [{"title": reference.title}],
        "publisher": {"name": reference.publisher or UNAVAILABLE},
        "publicationYear": reference.year,
        "subjects": [{"subject": word} for word in reference.keywords],
        "dates": [
            {"date": f"{_second(described.facts.started_at)}/{_second(last)}", "dateType": "Collected"},
            {"date": _second(sealed), "dateType": "Created", "dateInformation": "sealed"},
        ],
        "alternateIdentifiers": [
            {"alternateIdentifier": reference.run_id, "alternateIdentifierType": "AWO run"},
            {
                "alternateIdentifier": f"sha256:{reference.seal_sha256}",
                "alternateIdentifierType": "SHA-256 of audit/seal.json",
            },
        ],
        "relatedIdentifiers": _related(reference),
        "version": reference.version,
        "rightsList": _rights(reference.licence),
        "descriptions": [{"description": reference.abstract, "descriptionType": "Abstract"}]
        if reference.abstract
        else [],
        "fundingReferences": [_funding(one) for one in dict.fromkeys(about.funding)],
        "schemaVersion": SCHEMA,
    }
    return {key: value for key, value in said.items() if value}


def _creator(one: Creator) -> dict[str, Any]:
    said: dict[str, Any] = {"name": f"{one.family}, {one.given}" if one.given else one.name}
    if one.is_organization:
        said["nameType"] = "Organizational"
    elif one.family:
        said["nameType"] = "Personal"
    said |= {key: text for key, text in (("givenName", one.given), ("familyName", one.family)) if text}
    if one.orcid:
        identifier = {"nameIdentifier": f"{ADDRESS}{one.orcid}", "nameIdentifierScheme": "ORCID"}
        said["nameIdentifiers"] = [identifier | {"schemeUri": "https://orcid.org"}]
    if one.affiliation:
        said["affiliation"] = [{"name": one.affiliation}]
    return said


def _second(time: str) -> str:
    """A time without its fractions, as W3CDTF has it."""
    return f"{time[:19]}Z"


def _related(reference: Reference) -> list[dict[str, str]]:
    found = [("DOI", reference.work, "IsPartOf"), ("URL", reference.repository, "IsSupplementTo")]
    return [
        {"relatedIdentifier": text, "relatedIdentifierType": kind, "relationType": relation}
        for kind, text, relation in found
        if text
    ]


def _rights(licence: str) -> list[dict[str, str]]:
    if not licence:
        return []
    said = {"rights": licence}
    if " " not in licence and not licence.startswith("LicenseRef-"):
        identifier = {"rightsIdentifier": licence, "rightsIdentifierScheme": "SPDX"}
        address = f"https://spdx.org/licenses/{licence.removesuffix('+')}.html"
        said |= identifier | {"rightsUri": address, "schemeUri": "https://spdx.org/licenses/"}
    return [said]


def _funding(one: Funding) -> dict[str, str]:
    said = {"funderName": one.funder, "awardNumber": one.award, "awardTitle": one.title, "awardUri": one.url}
    return {key: text for key, text in said.items() if text}
