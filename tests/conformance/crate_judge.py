"""Run by the interpreter of .venv-peers: what the official validator says of crates, as one JSON object by crate.

`crate_judge.py CACHE CRATE…` validates each crate (a folder or a zip) against Provenance Run Crate at RECOMMENDED
level, which includes REQUIRED, without a network. The one context that our crates name comes from the package
`rocrate` 0.13, the last that has the official one of RO-Crate 1.1.
"""

# mypy: disable-error-code="import-not-found"

import io
import json
import sys
from importlib.resources import files
from pathlib import Path

import requests
from requests_cache import CachedSession
from rocrate_validator import models, services
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
JSON_LD = "application/ld+json"


def seed(cache: Path) -> None:
    """Puts the context into the cache that the validator reads, under its address."""
    body = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
    said = json.loads(body)
    assert said["@id"] == CONTEXT, said["@id"]
    session = CachedSession(cache_name=str(cache), expire_after=-1, backend="sqlite")
    asked = requests.Request("GET", CONTEXT, headers={"Accept": JSON_LD}).prepare()
    answer = requests.Response()
    answer.status_code, answer.url, answer.request, answer.encoding = 200, CONTEXT, asked, "utf-8"
    answer.headers["Content-Type"] = JSON_LD
    answer.raw = HTTPResponse(io.BytesIO(body), {"Content-Type": JSON_LD}, 200, preload_content=False)
    answer._content, answer._content_consumed = body, True
    session.cache.save_response(answer, session.cache.create_key(asked), None)


def judge(crate: str, cache: Path) -> list[dict[str, str]]:
    """Every issue of one crate."""
    settings = services.ValidationSettings(
        rocrate_uri=crate,
        profile_identifier="provenance-run-crate",
        requirement_severity=models.Severity.RECOMMENDED,
        offline=True,
        cache_path=cache,
    )
    return [
        {
            "check": issue.check.identifier,
            "severity": issue.severity.name,
            "message": str(issue.message),
            "entity": str(issue.violatingEntity or ""),
            "value": str(issue.violatingPropertyValue or ""),
        }
        for issue in services.validate(settings).get_issues()
    ]


if __name__ == "__main__":
    place = Path(sys.argv[1])
    seed(place)
    print(json.dumps({crate: judge(crate, place) for crate in sys.argv[2:]}))
