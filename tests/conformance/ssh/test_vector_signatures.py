"""Every signature of the good vectors is one to the real ssh-keygen, by the list that the package carries."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from tests.conformance.ssh.openssh import Judge
from tests.vectors.builder import RUN_ID
from tests.vectors.make import HERE

from awo.canon import time
from awo.evidence.layout import ALLOWED_SIGNERS, DECISIONS, SEAL

GOOD = sorted(
    path
    for path in (HERE / "good").iterdir()
    if (path / RUN_ID / SEAL).exists() and (path / RUN_ID / ALLOWED_SIGNERS).exists()  # a redaction may withhold it
)


def signed_in(run: Path) -> list[tuple[Path, str, str, str]]:
    """What is signed in a package: file, signer's id, namespace, time."""
    found = []
    for path in (run / SEAL, *sorted((run / DECISIONS).glob("*.json"))):
        if path.name.endswith(".authority.json"):
            continue
        said = json.loads(path.read_bytes())
        who = said["sealer"] if path == run / SEAL else said["signer"]
        found.append((path, who["id"], "awo-seal" if path == run / SEAL else "awo-decision", said["at"]))
    return found


def as_openssh(at: str) -> str:
    moment: datetime = time.read(at)
    return f"-Overify-time={moment:%Y%m%d%H%M%S}Z"


@pytest.mark.parametrize("vector", GOOD, ids=lambda path: path.name)
def test_ssh_keygen_accepts_every_signature_for_its_signer_namespace_and_time_only(
    vector: Path, tmp_path: Path
) -> None:
    run = vector / RUN_ID
    judge = Judge(tmp_path, (run / ALLOWED_SIGNERS).read_text())
    signed = signed_in(run)
    assert len(signed) == 1 + len(list((run / DECISIONS).glob("*.json.sig")))
    for path, who, namespace, at in signed:
        armored, data = path.with_name(f"{path.name}.sig").read_bytes(), path.read_bytes()
        assert judge(armored, data, as_openssh(at), who=who, namespace=namespace)
        assert not judge(armored, data + b" ", as_openssh(at), who=who, namespace=namespace)
        other = "awo-seal" if namespace == "awo-decision" else "awo-decision"
        assert not judge(armored, data, as_openssh(at), who=who, namespace=other)
        assert not judge(armored, data, as_openssh(at), who="nobody@example.org", namespace=namespace)


def test_ssh_keygen_refuses_a_decision_that_another_signed(tmp_path: Path) -> None:
    run = HERE / "bad" / "EP-4.3" / RUN_ID
    (decision,) = [one for one in signed_in(run) if one[2] == "awo-decision"]
    path, who, namespace, at = decision
    judge = Judge(tmp_path, (run / ALLOWED_SIGNERS).read_text())
    armored = path.with_name(f"{path.name}.sig").read_bytes()
    assert not judge(armored, path.read_bytes(), as_openssh(at), who=who, namespace=namespace)
