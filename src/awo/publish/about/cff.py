"""CITATION.cff, format version 1.2.0: read strictly, so that what is taken here every other reader takes, too."""

from __future__ import annotations

import re
from typing import Final

from awo.publish.about import values
from awo.publish.about.fields import Part, read_fields
from awo.publish.about.licence import read_licence
from awo.publish.about.orcid import ADDRESS, read_orcid
from awo.publish.about.shapes import About, Creator
from awo.publish.about.values import Wrong

FILE: Final = "CITATION.cff"
VERSION: Final = "1.2.0"

TOP: Final = (
    *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords"),
    *("license", "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact"),
    *("repository-code", "title", "type", "url", "version"),
)
_PLACE: Final = (
    "address",
    "alias",
    "city",
    "country",
    "email",
    "fax",
    "orcid",
    "post-code",
    "region",
    "tel",
    "website",
)
PERSON: Final = (*_PLACE, "affiliation", "family-names", "given-names", "name-particle", "name-suffix")
ENTITY: Final = (*_PLACE, "date-end", "date-start", "location", "name")
ADDRESSES: Final = ("license-url", "repository", "repository-artifact", "repository-code", "url")

DOI: Final = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+")
"""The DOIs that CFF 1.2.0 allows: fewer than there are."""

_EMAIL = re.compile(r"\S+@\S+\.\S{2,}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def read_cff(data: bytes, file: str = FILE) -> About:
    """What a CITATION.cff says of the work. Raises `AboutInvalid` with every problem and its line.

    A family name has its particle and suffix; a person without names goes by the alias. Of several licences the
    reader may choose, as CFF has it: `MIT OR Apache-2.0`. `references` and `preferred-citation` are other works: of
    them only authors, title and type are looked for. Source: Citation File Format 1.2.0.
    """
    return read_fields(data, file, _about)


def _about(top: Part) -> About:
    top.refuse_unknown(TOP)
    top.require("cff-version", "message", "title", "authors")
    version = top.text("cff-version", values.one_line)
    if version and version != VERSION:
        hint = "change the number: what else 1.2.0 asks for is then said here"
        top.fault("cff-version", "is another version of the format", expected=VERSION, got=version, hint=hint)
    top.text("message")
    top.choice("type", ("dataset", "software"))
    addresses = {key: top.text(key, values.address) for key in ADDRESSES}
    if top.has("commit"):
        top.line("commit")
    creators = _people(top, "authors")
    _people(top, "contact")
    for key in ("references", "preferred-citation"):
        _other_works(top, key)
    return About(
        title=top.text("title", values.one_line),
        description=top.text("abstract"),
        creators=creators,
        licence=_licence(top),
        keywords=top.texts("keywords"),
        version=top.line("version"),
        doi=_doi(top),
        repository=addresses["repository-code"] or addresses["repository"],
        published_on=top.text("date-released", values.day),
    )


def _people(top: Part, key: str) -> tuple[Creator, ...]:
    found = [(part, _entity(part) if part.has("name") else _person(part)) for part in top.parts(key)]
    refuse_twice(found)
    return tuple(one for _, one in found if one.name)


def refuse_twice(found: list[tuple[Part, Creator]]) -> None:
    """Notes who is there twice: the same iD, or the same in every field."""
    seen: dict[str | Creator, str] = {}
    for part, one in found:
        mark = one.orcid or one
        if one.name and mark in seen:
            same = f"has the ORCID iD of {seen[mark]}" if one.orcid else f"is there twice: {one.name}"
            part.whole(same, hint="remove one of them, or correct the iD")
        seen.setdefault(mark, one.name)


def _person(part: Part) -> Creator:
    part.refuse_unknown(PERSON, hint="remove it; an organization has a 'name' and no other names")
    given = part.text("given-names", values.one_line)
    suffix = part.text("name-suffix", values.one_line)
    last = (part.text("name-particle", values.one_line), part.text("family-names", values.one_line), suffix)
    family = " ".join(word for word in last if word)
    alias = part.text("alias", values.one_line)
    name = " ".join(word for word in (given, family) if word) or alias
    if not name:
        part.whole("has no name", expected="family-names and given-names, or name for an organization")
    affiliation = part.text("affiliation", values.one_line)
    return Creator(name, given if family else "", family, _contact(part), affiliation)


def _entity(part: Part) -> Creator:
    part.refuse_unknown(ENTITY, hint="remove it; 'name' is for organizations, a person has family-names, given-names")
    for key in ("date-start", "date-end"):
        part.text(key, values.day)
    part.text("location", values.one_line)
    return Creator(part.text("name", values.one_line), orcid=_contact(part), is_organization=True)


def _contact(part: Part) -> str:
    """The ORCID iD, bare; what else says where to find somebody is checked and left."""
    for key in ("address", "city", "fax", "region", "tel"):
        part.text(key, values.one_line)
    part.line("post-code") if part.has("post-code") else ""
    part.text("website", values.address)
    part.text("email", _email)
    part.text("country", _country)
    return part.text("orcid", _orcid)


def _orcid(text: str) -> str:
    bare = read_orcid(text)
    if text != f"{ADDRESS}{bare}":
        raise Wrong("is not written as CFF wants it", expected=f"{ADDRESS}…", hint=f"write {ADDRESS}{bare}")
    return bare


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise Wrong("is not a mail address", expected="name@host.domain")
    return text


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise Wrong("is not a country", expected="two capital letters of ISO 3166-1, as CH")
    return text


def _licence(top: Part) -> str:
    if top.is_list("license"):
        return " OR ".join(top.texts("license", _one_licence))
    return top.text("license", _one_licence)


def _one_licence(text: str) -> str:
    """One identifier in its own spelling: CFF takes neither expressions nor other letters."""
    right = read_licence(text)
    if " " in right or right.startswith("LicenseRef-") or right.endswith("+"):
        hint = "a list of identifiers means that the reader may choose; for all else use license-url"
        raise Wrong("is more than one identifier", expected="one SPDX identifier, or a list of them", hint=hint)
    if right != text:
        raise Wrong("is spelled otherwise in SPDX", expected=right, hint=f"write {right}")
    return right


def _doi(top: Part) -> str:
    doi = top.text("doi", _bare_doi)
    for part in top.parts("identifiers"):
        part.refuse_unknown(("type", "value", "description"))
        part.require("type", "value")
        kind = part.choice("type", ("doi", "url", "swh", "other"))
        part.text("description", values.one_line)
        match kind:
            case "doi":
                doi = doi or part.text("value", _bare_doi)
            case "url":
                part.text("value", values.address)
            case "swh":
                part.text("value", _swh)
            case _:
                part.text("value", values.one_line)
    return doi


def _bare_doi(text: str) -> str:
    if not DOI.fullmatch(values.doi(text)):
        raise Wrong("has a character that CFF allows in no DOI", expected="letters, digits and : / _ ; - . ( ) [ ] \\")
    return text


def _swh(text: str) -> str:
    if not re.fullmatch(r"swh:1:(snp|rel|rev|dir|cnt):[0-9a-fA-F]{40}", text):
        raise Wrong("is not an identifier of Software Heritage", expected="swh:1:dir:… with 40 hex digits")
    return text


def _other_works(top: Part, key: str) -> None:
    if not top.has(key):
        return
    other = top.part(key) if key == "preferred-citation" else None
    for part in top.parts(key) if key == "references" else [other] if other is not None else []:
        part.require("authors", "title", "type")
        _people(part, "authors")
        part.text("title", values.one_line)
        part.text("type", values.one_line)
