"""A run as small as it gets and a publication of it in this process: what the tests of repositories send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.installed import Project

from awo import api
from awo.errors import AwoError
from awo.publish.sending import Sent, Silent
from awo.publish.targets.opening import Wanted

CITATION = """\
cff-version: 1.2.0
message: Cite it.
title: A run of echoes
abstract: Two <b>bold</b> & plain words.
authors:
  - family-names: Carberry
    given-names: Josiah
    orcid: https://orcid.org/0000-0002-1825-0097
    affiliation: Brown
  - name: The Echo Group
license: CC-BY-4.0
keywords: [echo, test]
repository-code: https://example.org/code
"""

WORKFLOW = {
    "name": "echoes",
    "steps": [{"id": "ask", "op": "fanout_generate", "prompt": "Say yes", "models": ["echo"]}],
}


def sealed_run(top: Path, citation: str = CITATION) -> Project:
    """A project with one sealed run, which has a seal of its own."""
    project = Project(top)
    project.write("w.json", json.dumps(WORKFLOW))
    project.write("CITATION.cff", citation)
    project.awo("run", "w.json").expect(0)
    return project


def publish(
    project: Project, address: str, environment: Mapping[str, str], *, is_yes: bool, name: str = "latest"
) -> Sent:
    """Publishes from this process, as `awo publish` does but for the scan and the verdict."""
    here = api.find_project(project.root)
    wanted = Wanted(address, environment)
    job = api.publication(here, wanted, str(project.latest()) if name == "latest" else name)
    key = project.top / "config" / "awo" / "keys"
    own = next(path for path in sorted(key.iterdir()) if path.suffix != ".pub")
    done = job.done_before()
    return done or job.send(lambda: api.identity(here, own, "runner@example.org", str), Silent(), is_yes=is_yes)


def tries(project: Project, address: str, environment: Mapping[str, str], *, is_yes: bool) -> AwoError | Sent:
    """As `publish`; an error as a value."""
    try:
        return publish(project, address, environment, is_yes=is_yes)
    except AwoError as error:
        return error


def forget_wait(project: Project) -> None:
    """Lets the time pass that a request may still be at work at the place: the deposit was asked for long ago."""
    for path in project.runs.glob("publications/*/*.deposit.json"):
        said = json.loads(path.read_bytes())
        path.write_bytes(
            json.dumps(said | {"at": "2026-01-01T00:00:00.000000Z"}, sort_keys=True, separators=(",", ":")).encode()
        )


def deposit_of(project: Project) -> dict[str, object]:
    """The one deposit file of the project."""
    (path,) = project.runs.glob("publications/*/*.deposit.json")
    found = json.loads(path.read_bytes())
    assert isinstance(found, dict)
    return found
