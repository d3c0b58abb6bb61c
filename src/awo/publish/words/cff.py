"""A reference as CITATION.cff, format version 1.2.0: the file of this name beside the run in a bundle."""

from __future__ import annotations

import json
import re
from typing import Final

from awo.publish.about.cff import DOI, VERSION
from awo.publish.about.licence import USUAL
from awo.publish.about.orcid import ADDRESS
from awo.publish.about.reference import NO_AUTHORS, Publication, Reference, reference_of
from awo.publish.about.shapes import About, Creator
from awo.publish.about.values import doi_address
from awo.publish.described.shapes import Described

MESSAGE: Final = "If this evidence helped your work, please cite it as this file says."

# JSON text is YAML, but for what YAML does not print (YAML 1.2, 5.1).
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def citation_cff(described: Described, about: About, doi: str) -> bytes:
    """The bytes of CITATION.cff for a sealed run. `doi` is the run's own and bare, '' without one.

    Raises `UsageError` as `reference_of`.
    """
    return cff(reference_of(described, about, Publication(doi)))


def cff(reference: Reference) -> bytes:
    """The bytes of CITATION.cff. A licence that CFF 1.2 has no word for stands in the message.

    The same reference gives the same bytes. Source: Citation File Format 1.2.0.
    """
    lines = [
        f"cff-version: {VERSION}",
        f"message: {_text(_message(reference))}",
        "type: dataset",
        f"title: {_text(reference.title)}",
        "authors:",
        *(line for one in reference.creators for line in _author(one)),
    ]
    if not reference.creators:
        lines.append(f"  - name: {_text(NO_AUTHORS)}")
    if reference.abstract:
        lines.append(f"abstract: {_text(reference.abstract)}")
    if reference.version:
        lines.append(f"version: {_text(reference.version)}")
    if DOI.fullmatch(reference.doi):
        lines.append(f"doi: {_text(reference.doi)}")
    elif reference.doi:
        lines.append(f"url: {_text(reference.address)}")
    lines += [f"date-released: {_text(reference.day)}", *_licence(reference.licence)]
    if reference.keywords:
        lines += ["keywords:", *(f"  - {_text(word)}" for word in reference.keywords)]
    if reference.repository:
        lines.append(f"repository-code: {_text(reference.repository)}")
    lines += ["identifiers:"]
    if reference.work:
        lines += _identifier("url", doi_address(reference.work), "The work that this run is part of.")
    lines += _identifier("other", reference.run_id, "The id of the run.")
    lines += _identifier("other", f"sha256:{reference.seal_sha256}", "The SHA-256 of audit/seal.json.")
    return "".join(f"{line}\n" for line in lines).encode()


def _author(one: Creator) -> list[str]:
    person = {"family-names": one.family, "given-names": one.given, "affiliation": one.affiliation}
    said = person if one.family else {"name": one.name}
    said["orcid"] = f"{ADDRESS}{one.orcid}" if one.orcid else ""
    fields = [f"{key}: {_text(text)}" for key, text in said.items() if text]
    return [f"  - {fields[0]}", *(f"    {field}" for field in fields[1:])]


def _identifier(kind: str, value: str, description: str) -> list[str]:
    return [f"  - type: {kind}", f"    value: {_text(value)}", f"    description: {_text(description)}"]


def _licences(licence: str) -> list[str]:
    """The identifiers that a reader of CFF 1.2 knows, one of which may be chosen; [] where CFF has no word for it."""
    parts = licence.split(" OR ")
    return parts if all(part in USUAL for part in parts) else []


def _licence(licence: str) -> list[str]:
    known = _licences(licence)
    if len(known) == 1:
        return [f"license: {_text(licence)}"]
    return ["license:", *(f"  - {_text(one)}" for one in dict.fromkeys(known))] if known else []


def _message(reference: Reference) -> str:
    if not reference.licence or _licences(reference.licence):
        return MESSAGE
    return f"{MESSAGE} Its licence, in SPDX: {reference.licence}."


def _text(text: str) -> str:
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
