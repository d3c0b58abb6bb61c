"""The installed `awo publish` against the real InvenioRDM, killed and cut off at each step of the way."""

from __future__ import annotations

import json
import subprocess
import tarfile
import urllib.request
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.e2e.installed import AWO, Project
from tests.invenio.conftest import Running
from tests.invenio.cutting import Relay, When, changes
from tests.invenio.sent_runs import CITATION, deposit_of, forget_wait, publish, sealed_run, tries

from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.publish.sending import Sent


def asked(invenio: Running, path: str) -> Any:
    """What the repository itself says, asked without AWO."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{invenio.port}/api{path}", headers={"Authorization": f"Bearer {invenio.token}"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def deposits_with(invenio: Running, project: Project) -> list[dict[str, Any]]:
    """Every deposit there that names the seal of the project's run."""
    query = urllib.request.quote(f'"urn:awo:seal:{deposit_of(project)["seal_sha256"]}"')  # type: ignore[attr-defined]
    found: list[dict[str, Any]] = asked(invenio, f"/user/records?q={query}&size=25")["hits"]["hits"]
    return found


def test_the_whole_life_as_a_user_lives_it(invenio: Running, relay: Relay, tmp_path: Path) -> None:
    project = sealed_run(tmp_path)
    token = {"INVENIO_TOKEN": invenio.token}
    address, run = f"invenio:{relay.base}", project.latest()
    project.awo("publish", address).refused(7, "INVENIO_TOKEN", "no token")
    assert relay.passed == []

    said = project.awo("publish", address, "--json", variables=token).expect(0).json
    assert (said["phase"], said["published"], said["addendum"]) == ("sent", False, "")
    record = said["identifier"]
    draft = asked(invenio, f"/records/{record}/draft")
    assert (draft["is_published"], draft["pids"]["doi"]["identifier"]) == (False, said["doi"])
    files = {one["key"]: one for one in asked(invenio, f"/records/{record}/draft/files")["entries"]}
    assert {name: one["checksum"] for name, one in files.items()} == {
        one["name"]: one["checksum"] for one in said["files"]
    }
    metadata = draft["metadata"]
    assert metadata["resource_type"]["id"] == "dataset"
    assert metadata["creators"][0]["person_or_org"]["identifiers"] == [
        {"scheme": "orcid", "identifier": "0000-0002-1825-0097"}
    ]
    assert metadata["creators"][1]["person_or_org"] == {"type": "organizational", "name": "The Echo Group"}
    assert [one["id"] for one in metadata["rights"]] == ["cc-by-4.0"]
    assert "&lt;b&gt;bold&lt;/b&gt;" in metadata["description"]

    again = project.awo("publish", address, variables=token).expect(0)
    assert "--yes" in again.out
    assert relay.sent("POST", "/records") == 1
    assert sum(1 for method, _ in relay.passed if method == "PUT") == len(files)

    done = project.awo("publish", address, "latest", "--yes", "--json", variables=token).expect(0).json
    public = asked(invenio, f"/records/{record}")
    assert (public["is_published"], public["pids"]["doi"]["identifier"]) == (True, said["doi"])
    addendum = json.loads(Path(done["addendum"]).read_bytes())
    assert (addendum["doi"], addendum["identifier"], addendum["number"]) == (said["doi"], record, 1)
    signers = project.write("signers", f'{addendum["signer"]["id"]} namespaces="awo-addendum" {own_key(project)}')
    subprocess.run(
        [
            *("ssh-keygen", "-Y", "verify", "-f", signers, "-I", addendum["signer"]["id"]),
            *("-n", "awo-addendum", "-s", f"{done['addendum']}.sig"),
        ],
        input=Path(done["addendum"]).read_bytes(),
        check=True,
        capture_output=True,
    )

    with urllib.request.urlopen(
        f"http://127.0.0.1:{invenio.port}/api/records/{record}/files/{run.name}.tar.gz/content"
    ) as got:
        fetched = tmp_path / "fetched.tar.gz"
        fetched.write_bytes(got.read())
    assert project.awo("verify", fetched).code == 0
    with tarfile.open(fetched) as bundle:
        for name in ("CITATION.cff", "ro-crate-metadata.json"):
            member = bundle.extractfile(name)
            assert member is not None
            assert said["doi"] in member.read().decode(), name

    before = len(relay.passed)
    assert project.awo("publish", address, "latest", "--yes", "--json", variables=token).expect(0).json["before"]
    assert len(relay.passed) == before
    listed = project.awo("publish", "--list", "--json").expect(0).json
    assert [one["doi"] for one in listed["addenda"]] == [said["doi"]]
    assert project.awo("verify", "latest").code == 0
    said_nowhere(project, invenio.token)


def own_key(project: Project) -> str:
    (public,) = (project.top / "config" / "awo" / "keys").glob("*.pub")
    return public.read_text()


def said_nowhere(project: Project, token: str) -> None:
    """Fails where the token stands in any file below the project."""
    assert [path for path in project.top.rglob("*") if path.is_file() and token.encode() in path.read_bytes()] == []


def steps(run: str) -> list[tuple[str, str]]:
    """Method and end of the path of every request of a publication that changes something, in their order."""
    found = [("POST", "/records"), ("POST", "/draft/pids/doi")]
    for name in (f"{run}.tar.gz", "report.md", "SHA256SUMS"):
        found += [("POST", "/draft/files"), ("PUT", f"/{name}/content"), ("POST", f"/{name}/commit")]
    return [*found, ("POST", "/actions/publish")]


def is_this(step: tuple[str, str]) -> Callable[[str, str], bool]:
    return lambda method, path: method == step[0] and path.partition("?")[0].endswith(step[1])


def test_a_process_killed_at_each_step_leaves_one_record_with_every_file(
    invenio: Running, relay: Relay, tmp_path: Path
) -> None:
    """`kill -9` once the repository has carried out the step, before it answers."""
    project = sealed_run(tmp_path)
    environment = project.environment | {"INVENIO_TOKEN": invenio.token}
    command = ["publish", f"invenio:{relay.base}", "latest", "--yes", "--no-scan"]
    for step in steps(project.latest().name):
        process = subprocess.Popen(
            [AWO, *command], cwd=project.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        relay.at_cut = process.kill
        relay.cut(0, "after", is_this(step))
        _, said = process.communicate(timeout=60)
        assert process.returncode == -9, (step, said.decode())
        (one,) = deposits_with(invenio, project)
        assert one["is_published"] == (step[1] == "/actions/publish")
    relay.up()
    project.awo(*command, variables={"INVENIO_TOKEN": invenio.token}).expect(0)
    (record,) = deposits_with(invenio, project)
    assert len(asked(invenio, f"/records/{record['id']}/files")["entries"]) == 3
    assert relay.sent("POST", "/api/records") == relay.sent("POST", "/actions/publish") == 1
    assert sum(1 for _, path in relay.passed if path.endswith("/content")) == 3
    assert project.awo("publish", "--list", "--json").expect(0).json["sound"]


def test_a_network_cut_at_each_step_never_makes_a_second_deposit_nor_publishes(
    invenio: Running, relay: Relay, tmp_path: Path
) -> None:
    """Each step is first cut off before the repository has it, then after it was carried out."""
    project, environment = sealed_run(tmp_path), {"INVENIO_TOKEN": invenio.token}
    address, ways = f"invenio:{relay.base}", get_args(When)
    for step, when in product(steps(project.latest().name)[:-1], ways):
        relay.cut(0, when, is_this(step))
        done = tries(project, address, environment, is_yes=False)
        assert isinstance(done, CannotCheck), (step, when, done)
        assert invenio.token not in str(done)
        found = deposits_with(invenio, project)
        assert len(found) <= 1
        assert not any(one["is_published"] for one in found)
        forget_wait(project)
    relay.up()
    assert isinstance(tries(project, address, environment, is_yes=False), Sent)
    for when in ways:
        relay.cut(0, when, is_this(("POST", "/actions/publish")))
        assert isinstance(tries(project, address, environment, is_yes=True), CannotCheck)
    relay.up()
    done = publish(project, address, environment, is_yes=False)  # found public: only the addendum was left
    assert done.addendum is not None
    assert len(deposits_with(invenio, project)) == relay.sent("POST", "/actions/publish") == 1


def test_a_draft_that_was_asked_for_a_moment_ago_is_not_asked_for_again(
    invenio: Running, relay: Relay, tmp_path: Path
) -> None:
    project, environment = sealed_run(tmp_path), {"INVENIO_TOKEN": invenio.token}
    relay.cut(0, "before", changes)
    assert isinstance(tries(project, f"invenio:{relay.base}", environment, is_yes=True), CannotCheck)
    assert deposit_of(project)["phase"] == "asked"
    relay.up()
    error = tries(project, f"invenio:{relay.base}", environment, is_yes=True)
    assert isinstance(error, CannotCheck)
    assert "a moment ago" in error.what
    assert relay.sent("POST", "/api/records") == 0


def test_what_becomes_public_is_what_was_in_the_draft(invenio: Running, relay: Relay, tmp_path: Path) -> None:
    project, environment = sealed_run(tmp_path), {"INVENIO_TOKEN": invenio.token}
    address = f"invenio:{relay.base}"
    first = publish(project, address, environment, is_yes=False)
    project.write("CITATION.cff", CITATION.replace("A run of echoes", "Another title"))
    error = tries(project, address, environment, is_yes=True)
    assert isinstance(error, EvidenceError)
    assert "changed between draft and publish" in error.what
    assert relay.sent("POST", "/publish") == 0
    second = publish(project, address, environment, is_yes=False)
    assert second.deposit.identifier == first.deposit.identifier
    assert second.deposit.doi == first.deposit.doi
    assert asked(invenio, f"/records/{first.deposit.identifier}/draft")["metadata"]["title"] == "Another title"
    done = publish(project, address, environment, is_yes=True)
    files = {
        one["key"]: one["checksum"] for one in asked(invenio, f"/records/{done.deposit.identifier}/files")["entries"]
    }
    assert files == {one.name: one.checksum for one in done.deposit.arrivals}


BAD = {
    "orcid": ("0000-0002-1825-0097", "0000-0002-1825-0098", 0, "0000-0002-1825-0098"),
    "spdx": ("CC-BY-4.0", "CC-BY-4.0-maybe", 0, "CC-BY-4.0-maybe"),
    "unknown_there": ("CC-BY-4.0", "EUPL-1.2", 1, "licence"),
    "nobody": (CITATION.partition("authors:")[2].partition("license:")[0], " []\n", 0, ""),
}


@pytest.mark.parametrize("name", BAD)
def test_metadata_that_cannot_be_taken_are_refused_before_anything_is_made(
    invenio: Running, relay: Relay, tmp_path: Path, name: str
) -> None:
    good, bad, posts, says = BAD[name]
    assert good in CITATION
    project = sealed_run(tmp_path, CITATION.replace(good, bad))
    error = tries(project, f"invenio:{relay.base}", {"INVENIO_TOKEN": invenio.token}, is_yes=True)
    assert isinstance(error, UsageError), error
    assert says in str(error)
    assert relay.sent("POST", "/records") == posts
    project.write("CITATION.cff", CITATION)
    assert publish(project, f"invenio:{relay.base}", {"INVENIO_TOKEN": invenio.token}, is_yes=True).addendum


def test_a_redacted_bundle_is_sent_as_it_is(invenio: Running, relay: Relay, tmp_path: Path) -> None:
    project = sealed_run(tmp_path)
    project.write("policy.yaml", "format: awo/redaction-policy/v1\nreason: for the test\nshow:\n  files: [report.md]\n")
    project.awo("redact", "latest", "--policy", "policy.yaml", "--no-scan").expect(0)
    (bundle,) = project.runs.glob("*.redacted.tar.gz")
    said = project.awo(
        "publish", f"invenio:{relay.base}", bundle, "--yes", "--json", variables={"INVENIO_TOKEN": invenio.token}
    ).expect(0)
    url = f"http://127.0.0.1:{invenio.port}/api/records/{said.json['identifier']}/files/{bundle.name}/content"
    with urllib.request.urlopen(url) as got:
        assert got.read() == bundle.read_bytes()


def test_a_whole_bundle_in_the_draft_never_becomes_public_with_the_redacted_one(
    invenio: Running, relay: Relay, tmp_path: Path
) -> None:
    project = sealed_run(tmp_path)
    environment, address = {"INVENIO_TOKEN": invenio.token}, f"invenio:{relay.base}"
    draft = publish(project, address, environment, is_yes=False).deposit.identifier
    project.write("policy.yaml", "format: awo/redaction-policy/v1\nreason: for the test\nlike: answers-only\n")
    project.awo("redact", "latest", "--policy", "policy.yaml", "--no-scan").expect(0)
    (bundle,) = project.runs.glob("*.redacted.tar.gz")
    for words in ([], ["--yes"], ["--yes"]):
        done = project.awo("publish", address, bundle, *words, variables=environment)
        done.refused(2, "would become public", f"{project.latest().name}.tar.gz", "report.md", "delete them")
    assert relay.sent("POST", "/publish") == 0
    for name in (f"{project.latest().name}.tar.gz", "report.md"):  # as a person does on the draft's page
        gone = urllib.request.Request(
            f"http://127.0.0.1:{invenio.port}/api/records/{draft}/draft/files/{name}",
            method="DELETE",
            headers={"Authorization": f"Bearer {invenio.token}"},
        )
        urllib.request.urlopen(gone).close()
    said = project.awo("publish", address, bundle, "--yes", "--json", variables=environment).expect(0).json
    assert {one["key"] for one in asked(invenio, f"/records/{draft}/files")["entries"]} == {bundle.name, "SHA256SUMS"}
    assert said["identifier"] == draft


def test_a_bundle_that_does_not_verify_is_not_sent(invenio: Running, relay: Relay, tmp_path: Path) -> None:
    project = sealed_run(tmp_path)
    project.awo("export", "--no-scan").expect(0)
    (bundle,) = project.runs.glob("*.tar.gz")
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    done = project.awo(
        "publish", f"invenio:{relay.base}", bundle, "--no-scan", variables={"INVENIO_TOKEN": invenio.token}
    )
    assert done.code in (3, 7)
    assert relay.passed == []


def test_a_token_that_may_not_deposit_is_told_so(relay: Relay, tmp_path: Path) -> None:
    project = sealed_run(tmp_path)
    error = tries(project, f"invenio:{relay.base}", {"INVENIO_TOKEN": "not-a-token-of-anyone"}, is_yes=True)
    assert isinstance(error, AwoError)
    assert error.exit_code == 7
    assert "INVENIO_TOKEN" in error.hint
    assert "not-a-token-of-anyone" not in str(error)
