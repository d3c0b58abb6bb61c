"""A software bill of materials of a run in CycloneDX JSON: packages, system, models, as the evidence has them.

From the journal alone, so that it can be made anywhere and is the same bytes each time. What was not recorded is left
out. Source: CycloneDX 1.6 (ECMA-424).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from awo.canon.json import encode_sorted, pretty
from awo.derive.facts import RunFacts
from awo.publish.forms.sbom_packages import python_component, system_component

SPEC_VERSION: Final = "1.6"
"""The one place that says which CycloneDX this is; tests hold it against cyclonedx-python-lib."""

_NAMESPACE: Final = uuid.UUID("6b1f1f6e-3c0c-5b0e-9a55-0d4a1c7f7a3e")
LONGEST_FACT: Final = 300

Component = dict[str, Any]


def sbom_bytes(facts: RunFacts, at: str) -> bytes:
    """`sbom_of` as the bytes of a file."""
    return pretty(sbom_of(facts, at))


def sbom_of(facts: RunFacts, at: str) -> dict[str, Any]:
    """The bill of materials of a run that was sealed or ended `at` this time.

    Its serial number follows from the run's id and the root of its journal: the same run has one number. A run that
    was taken up on another machine has what both had.
    """
    components = list(_unique(_components(facts)))
    run = {"type": "application", "bom-ref": facts.run_id, "name": facts.input.name or facts.run_id}
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{facts.run_id} {facts.checkpoint.root}')}",
        "version": 1,
        "metadata": {
            "timestamp": at,
            "lifecycles": [{"phase": "operations"}],
            "tools": {
                "components": [{"type": "application", "name": facts.software.name, "version": facts.software.version}]
            },
            "component": run | _properties(_of_run(facts)),
        },
        "components": components,
        "dependencies": [{"ref": facts.run_id, "dependsOn": [one["bom-ref"] for one in components]}],
        "compositions": [{"aggregate": "incomplete", "assemblies": [facts.run_id]}],
    }


def _of_run(facts: RunFacts) -> Iterator[tuple[str, object]]:
    yield "run_id", facts.run_id
    yield "journal_root", facts.checkpoint.root
    yield "journal_events", facts.checkpoint.size
    yield "input_sha256", facts.input_file.sha256
    for one in facts.environments[:1]:
        git = _mapping(one.environment, "git")
        for key in ("commit", "remote", "branch", "is_dirty", "diff_sha256"):
            yield f"git:{key}", git.get(key)


def _components(facts: RunFacts) -> Iterator[Component]:
    for one in facts.environments:
        yield from _of_environment(one.environment)
    for name in dict.fromkeys((*facts.input.models, *facts.models)):
        yield _model(name, facts)


def _of_environment(said: Mapping[str, Any]) -> Iterator[Component]:
    python, platform = _mapping(said, "python"), _mapping(said, "platform")
    if text_in(python, "implementation"):
        yield _named("platform", python["implementation"], text_in(python, "version"))
    if text_in(platform, "system"):
        machine = _properties([("machine", platform.get("machine"))])
        yield _named("operating-system", platform["system"], text_in(platform, "release")) | machine
    yield from _image(_mapping(said, "container"))
    for name, version in sorted(_mapping(_mapping(said, "gpu"), "drivers").items()):
        if isinstance(version, str) and name:
            yield _named("device-driver", name, version)
    distributions = _rows(_mapping(said, "distributions").get("found"))
    for row in distributions or _from_names(said.get("packages")):
        if text_in(row, "name"):
            yield python_component(row)
    system = _mapping(said, "system_packages")
    for row in _rows(system.get("found")):
        if text_in(row, "name"):
            yield system_component(row, text_in(system, "manager"), text_in(system, "system"))


def _from_names(packages: object) -> list[Mapping[str, Any]]:
    """The packages of a run that has no more than their names and versions."""
    names = [one for one in packages if isinstance(one, str)] if isinstance(packages, list) else []
    return [{"name": name, "version": version} for name, _, version in (one.partition("==") for one in names)]


def _image(said: Mapping[str, Any]) -> Iterator[Component]:
    digest = text_in(said, "digest") or text_in(said, "image_id")
    kind, _, content = digest.partition(":")
    if kind == "sha256" and len(content) == 64:
        image = _named("container", f"image of the {text_in(said, 'kind') or 'unknown'} container", digest)
        claimed = "AWO_CONTAINER_DIGEST" if text_in(said, "digest") else "the container engine"
        yield image | {"hashes": [_sha256(content)]} | _properties([("digest_by", claimed)])


def _model(name: str, facts: RunFacts) -> Component:
    """A model as it was asked for, and what it said of itself; `hashes` are those of its weights."""
    record, known = facts.input.models.get(name), facts.models.get(name)
    said: Mapping[str, Any] = known.facts if known is not None else {}
    backend = text_in(said, "backend") or (record.backend if record is not None else name)
    asked = text_in(said, "asked") or (record.model if record is not None else name)
    component: Component = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{name}",
        "name": text_in(said, "answered") or asked or name,
    }
    weights = text_in(said, "weights_sha256")
    if len(weights) == 64 and set(weights) <= set("0123456789abcdef"):
        component["hashes"] = [_sha256(weights)]
    told: list[tuple[str, object]] = [
        ("model:name", name),
        ("model:provider", backend),
        ("model:asked", asked),
        ("model:answered", text_in(said, "answered")),
        ("model:has_changed", known.has_changed if known is not None and known.has_changed else None),
    ]
    if record is not None:
        told.append(("model:seed", record.seed))
        told += [(f"model:param:{key}", value) for key, value in sorted(record.params.items())]
    told += [(f"model:fact:{key}", said[key]) for key in sorted(set(said) - {"backend", "asked", "answered"})]
    return component | _properties(told)


def _unique(components: Iterable[Component]) -> Iterator[Component]:
    """Each component once, each with a name of its own in `bom-ref`."""
    seen: dict[str, int] = {}
    written: set[bytes] = set()
    for one in components:
        spelled = encode_sorted(one)
        if spelled in written:
            continue
        written.add(spelled)
        ref = one["bom-ref"]
        seen[ref] = number = seen.get(ref, 0) + 1
        yield one if number == 1 else one | {"bom-ref": f"{ref}#{number}"}


def _named(kind: str, name: str, version: str) -> Component:
    found = {"type": kind, "bom-ref": f"{kind}:{name}@{version}", "name": name}
    return found | ({"version": version} if version else {})


def _properties(told: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """What CycloneDX has no word for, under names of ours; nothing for what is not known, or too long for a fact."""
    found = [{"name": f"awo:{name}", "value": text} for name, value in told if (text := _spelled(value))]
    return {"properties": found} if found else {}


def _spelled(value: object) -> str:
    if value is None or value in ("", [], {}):
        return ""
    text = value if isinstance(value, str) else encode_sorted(value).decode()
    return text if len(text) <= LONGEST_FACT else ""


def _sha256(content: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": content}


def text_in(said: Mapping[str, Any], key: str) -> str:
    """A text of a mapping that anybody may have written; '' for none."""
    value = said.get(key, "")
    return value if isinstance(value, str) else ""


def _mapping(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = said.get(key)
    return value if isinstance(value, Mapping) else {}


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
