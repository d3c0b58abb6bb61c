"""Stands in for the search engine of InvenioRDM: keeps what is indexed, and finds documents by phrases in quotes."""

from __future__ import annotations

import json
import re
from typing import Any

import opensearchpy

DOCUMENT = re.compile(r"^/(?P<index>[^/]+)/_(?:doc|create)/(?P<id>[^/?]+)$")
SEARCH = re.compile(r"^/(?P<indices>[^/]+)/_search$")
PHRASE = re.compile(r'"([^"]+)"')

documents: dict[str, dict[str, Any]] = {}
"""By index, then by id."""

seen: list[tuple[str, str]] = []


def perform(
    self: object, method: str, url: str, params: Any = None, body: Any = None, headers: Any = None, **_: Any
) -> Any:
    """What the client of the search engine is given for an answer. The real one would send this over HTTP."""
    seen.append((method, url))
    if method == "HEAD":
        return True
    if found := DOCUMENT.match(url):
        return _document(method, found["index"], found["id"], body)
    if found := SEARCH.match(url):
        return _hits(_matching(found["indices"].split(","), body)) | {"aggregations": _counts(body)}
    if url.endswith("_msearch"):
        return {"responses": []}
    if url == "/":
        return {"version": {"number": "2.12.0", "distribution": "opensearch"}, "tagline": "a stand-in"}
    if "_bulk" in url:
        return {"took": 1, "errors": False, "items": []}
    if "_count" in url:
        return {"count": 0}
    return {"acknowledged": True}


def _document(method: str, index: str, name: str, body: Any) -> dict[str, Any]:
    kept = documents.setdefault(index, {})
    if method == "DELETE":
        kept.pop(name, None)
        return {"_id": name, "result": "deleted"}
    if method == "GET":
        return {"_id": name, "_version": 1, "found": name in kept, "_source": kept.get(name)}
    kept[name] = json.loads(body) if isinstance(body, str | bytes) else json.loads(json.dumps(body, default=str))
    return {"_id": name, "_version": 1, "result": "created"}


def _matching(indices: list[str], body: Any) -> list[tuple[str, str, Any]]:
    """Documents of these indices and of those whose alias they are; with phrases in the query, those that have all."""
    asked = json.dumps(body, default=str)
    phrases = PHRASE.findall(_query_of(body))
    if "query_string" in asked and not phrases:
        return []
    return [
        (index, name, document)
        for index, kept in documents.items()
        for name, document in kept.items()
        if any(index.startswith(wanted.partition("-v")[0]) for wanted in indices)
        and all(phrase in json.dumps(document) for phrase in phrases)
    ]


def _query_of(value: Any) -> str:
    if isinstance(value, dict):
        own = value.get("query_string", {})
        return str(own.get("query", "")) + "".join(_query_of(inner) for inner in value.values())
    return "".join(_query_of(inner) for inner in value) if isinstance(value, list) else ""


def _hits(found: list[tuple[str, str, Any]]) -> dict[str, Any]:
    return {
        "took": 1,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {
            "total": {"value": len(found), "relation": "eq"},
            "max_score": 1.0,
            "hits": [{"_index": index, "_id": name, "_score": 1.0, "_source": one} for index, name, one in found],
        },
    }


def _counts(asked: Any) -> dict[str, Any]:
    """Nothing is counted; each name that is asked for is there."""
    wanted: Any = (asked.get("aggs") or asked.get("aggregations") or {}) if isinstance(asked, dict) else {}
    return {name: {"buckets": [], "doc_count": 0} | _counts(inner) for name, inner in wanted.items()}


opensearchpy.Transport.perform_request = perform
