"""`--as slsa`: a sealed run as two in-toto Statements in DSSE envelopes, SLSA's provenance and AWO's own.

docs/spec/run-v1.md says what stands where. Source: SLSA 1.2, "Build: Provenance".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec

from awo.canon.json import canonical
from awo.derive.facts import RunFacts
from awo.errors import AwoError
from awo.evidence.human_review import STATEMENT_TYPE, Subject
from awo.evidence.layout import INPUT, JOURNAL, RAW
from awo.evidence.records import Seal
from awo.publish.described.shapes import Described
from awo.publish.forms.run_statement import (
    MOST_OUTPUTS,
    outputs_of,
    run_statement,
    subject_files,
    subjects_of,
    weights_of,
)
from awo.publish.forms.sealed import intact_seal, refuse_altered_files
from awo.publish.forms.seam import Wanted, Written
from awo.publish.placing import new_file, refuse_place
from awo.sign.dsse import IN_TOTO, keyid_of, pem_of, sign_envelope

PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = "urn:awo:build-type:run:v1"
BUILDER: Final = "urn:awo:builder:v1"
MOST_FILES_READ: Final = 1_000
"""Files that a workflow reads which are dependencies one by one; input.json, a dependency too, lists all of them."""
MOST_BYPRODUCTS: Final = 100

_RECORDED_MACHINE: Final = (("python", "version"), ("platform", "system"), ("platform", "machine"))


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A part of SLSA's predicate, in its spelling; what is empty is left out."""


class Resource(_Part, frozen=True):
    """in-toto's ResourceDescriptor: something by its name, its URI or its digests."""

    name: str = ""
    uri: str = ""
    digest: dict[str, str] = {}
    annotations: dict[str, str] = {}


class BuildDefinition(_Part, frozen=True):
    build_type: str
    external_parameters: dict[str, Any]
    internal_parameters: dict[str, Any] = {}
    resolved_dependencies: list[Resource] = []


class Builder(_Part, frozen=True):
    id: str
    version: dict[str, str] = {}


class BuildMetadata(_Part, frozen=True):
    invocation_id: str
    started_on: str
    finished_on: str


class RunDetails(_Part, frozen=True):
    builder: Builder
    metadata: BuildMetadata
    byproducts: list[Resource] = []


class Provenance(_Part, frozen=True):
    build_definition: BuildDefinition
    run_details: RunDetails


class ProvenanceStatement(_Part, frozen=True):
    """The payload of the first envelope."""

    type_: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    subject: list[Subject]
    predicate_type: Literal["https://slsa.dev/provenance/v1"]
    predicate: Provenance


class Slsa:
    """Implements `awo.publish.forms.seam.Form`."""

    ending = ".provenance.intoto.jsonl"
    holds = "facts"
    is_signed = True
    of_sealed = True

    def write(self, wanted: Wanted) -> Written:
        """As `Form.write`. Reads every file that is a subject."""
        signer, described = wanted.signer, wanted.described
        if signer is None:
            raise AwoError("an attestation was to be written without a key")
        out = wanted.place(self.ending)
        refuse_place(wanted.folder, out, "--output")
        seal = intact_seal(wanted.folder, described)
        subjects = subject_files(described)
        refuse_altered_files(wanted.folder, subjects)
        statements = (
            canonical(provenance_of(described, seal)),
            canonical(run_statement(described, seal, signer.key.fingerprint)),
        )
        lines = [sign_envelope(statement, IN_TOTO, signer) for statement in statements]
        with new_file(out, "--output") as stream:
            stream.write(b"".join(line + b"\n" for line in lines))
        keyid = keyid_of(signer.key)
        return Written(
            out,
            {
                "statements": len(lines),
                "subjects": len(subjects),
                "keyid": keyid,
                "public_key": pem_of(signer.key),
            },
            (f"statements: {len(lines)}, each about {len(subjects)} files", f"key id: {keyid}"),
        )


def provenance_of(described: Described, seal: Seal) -> ProvenanceStatement:
    """SLSA's provenance of a sealed run. Touches no disk."""
    facts = described.facts
    return ProvenanceStatement(
        type_=STATEMENT_TYPE,
        subject=subjects_of(described),
        predicate_type=PREDICATE_TYPE,
        predicate=Provenance(
            build_definition=BuildDefinition(
                build_type=BUILD_TYPE,
                external_parameters=_external(facts),
                internal_parameters=_internal(described),
                resolved_dependencies=list(_dependencies(described)),
            ),
            run_details=RunDetails(
                builder=Builder(id=BUILDER, version={facts.software.name: facts.software.version}),
                metadata=BuildMetadata(
                    invocation_id=facts.run_id,
                    started_on=_second(facts.started_at),
                    finished_on=_second(facts.ended_at or seal.at),
                ),
                byproducts=list(_byproducts(described)),
            ),
        ),
    )


def _external(facts: RunFacts) -> dict[str, Any]:
    """What whoever started the run had in their hand. Values and texts stand in input.json, here by its digest."""
    plan = facts.input
    said = {
        "supersedes": facts.supersedes,
        "revises": plan.revises,
        "rescores": plan.rescores,
        "budgetUsd": facts.budget_usd,
    }
    return {
        "workflow": {"path": plan.source.path, "sha256": plan.source.sha256},
        "input": {"path": INPUT, "sha256": facts.input_file.sha256},
        "seed": str(plan.seed),
        "startedBy": facts.starter.id,
        **{key: value for key, value in said.items() if value},
    }


def _internal(described: Described) -> dict[str, Any]:
    facts, outputs = described.facts, len(outputs_of(described))
    return {
        "journal": {"size": facts.checkpoint.size, "root": facts.checkpoint.root},
        "filesRead": len(facts.input.files),
        "filesReadAreDependencies": len(facts.input.files) <= MOST_FILES_READ,
        "outputs": outputs,
        "outputsAreSubjects": outputs <= MOST_OUTPUTS,
        "withheld": described.withheld,
        **_machine(facts),
    }


def _machine(facts: RunFacts) -> dict[str, Any]:
    found = _environment(facts)
    said = {f"{part}_{key}": _text(_mapping(found.get(part)).get(key)) for part, key in _RECORDED_MACHINE}
    known = {name: text for name, text in said.items() if text}
    return {"machine": known} if known else {}


def _dependencies(described: Described) -> Iterator[Resource]:
    facts = described.facts
    plan = facts.input
    yield Resource(name=plan.source.path, digest={"sha256": plan.source.sha256}, annotations={"kind": "workflow"})
    yield Resource(name=INPUT, digest={"sha256": facts.input_file.sha256}, annotations={"kind": "plan"})
    if len(plan.files) <= MOST_FILES_READ:
        for file in plan.files:
            yield Resource(name=file.path, digest={"sha256": file.sha256}, annotations={"kind": "file"})
    for name, asked in plan.models.items():
        weights = weights_of(described, name)
        answered = ", ".join(described.answered.get(name, ())[:5])
        yield Resource(
            name=name,
            uri=f"urn:awo:model:{_uri(asked.backend)}/{_uri(asked.model)}",
            digest={"sha256": weights} if weights else {},
            annotations={"kind": "model", "backend": asked.backend, "model": asked.model}
            | ({"answered": answered} if answered else {}),
        )
    yield from _repository(facts)


def _repository(facts: RunFacts) -> Iterator[Resource]:
    git = _mapping(_environment(facts).get("git"))
    commit, remote = _text(git.get("commit")), _text(git.get("remote"))
    if len(commit) not in (40, 64) or set(commit) - set("0123456789abcdef"):
        return
    changed = {"uncommitted": _text(git.get("diff_sha256"))} if git.get("is_dirty") is True else {}
    yield Resource(
        name="repository",
        uri=f"git+{quote(remote, safe=':/@._~-')}@{commit}" if "://" in remote else "",
        digest={"gitCommit": commit},
        annotations={"kind": "repository"} | changed,
    )


def _byproducts(described: Described) -> Iterator[Resource]:
    """The journal, and the exchanges with models as they crossed the wire."""
    found = [file for file in described.files if file.path == JOURNAL or file.path.startswith(f"{RAW}/")]
    for file in found[:MOST_BYPRODUCTS]:
        yield Resource(name=file.path, digest={"sha256": file.sha256})


def _environment(facts: RunFacts) -> Mapping[str, Any]:
    return facts.environments[0].environment if facts.environments else {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _uri(text: str) -> str:
    return quote(text, safe="/", errors="surrogatepass")


def _second(at: str) -> str:
    """A time as in-toto spells it: without fractions. run/v1 has the exact ones."""
    return f"{at[:19]}Z"
