"""A reference as CSL-JSON: what Zotero, Pandoc and every processor of CSL styles read."""

from __future__ import annotations

from typing import Any

from awo.publish.about.reference import MEDIUM, Reference
from awo.publish.about.shapes import Creator


def csl_item(reference: Reference) -> dict[str, Any]:
    """One item of type `dataset`, its id the run's; CSL-JSON is a list of such items.

    Texts stand as they are: a processor may take `<i>` in them for italics, and does nothing else with them. Source:
    CSL 1.0.2, csl-data.json.
    """
    said: dict[str, Any] = {
        "id": reference.run_id,
        "type": "dataset",
        "title": reference.title,
        "author": [_name(one) for one in reference.creators],
        "issued": {"date-parts": [[int(part) for part in reference.day.split("-")]]},
        "publisher": reference.publisher,
        "version": reference.version,
        "genre": MEDIUM,
        "DOI": reference.doi,
        "URL": reference.address,
        "abstract": reference.abstract,
        "keyword": ", ".join(reference.keywords),
        "note": f"Recorded with {reference.software}. SHA-256 of audit/seal.json: {reference.seal_sha256}.",
    }
    return {key: value for key, value in said.items() if value}


def _name(one: Creator) -> dict[str, str]:
    if not one.family:
        return {"literal": one.name}
    return {"family": one.family} | ({"given": one.given} if one.given else {})
