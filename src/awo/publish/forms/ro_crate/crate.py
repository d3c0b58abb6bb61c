"""Puts the crate together: the root, what it conforms to, and everything that it mentions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from awo.canon.digest import sha256_hex
from awo.errors import AwoError
from awo.evidence.layout import CITATION, CRATE, README, SBOM, VERIFIERS
from awo.publish.about.shapes import About
from awo.publish.described.shapes import Described
from awo.publish.forms.ro_crate import not_stated
from awo.publish.forms.ro_crate.actions import Actions, pinned_paths
from awo.publish.forms.ro_crate.authors import add_about, web_address
from awo.publish.forms.ro_crate.files import PackageFiles, add_file
from awo.publish.forms.ro_crate.graph import Graph, Ref, ref_to
from awo.publish.forms.ro_crate.parts import parts_of
from awo.publish.forms.ro_crate.people import add_people
from awo.publish.forms.ro_crate.software import AWO, add_awo, add_environment
from awo.publish.forms.ro_crate.versions import CONTEXT, RO_CRATE, RUN_PROFILES, WORKFLOW_RO_CRATE
from awo.publish.forms.ro_crate.workflow import add_inputs, add_workflow

ROOT: Final = "./"


def crate_of(described: Described, about: About, beside: Mapping[str, bytes], doi: str = "") -> dict[str, Any]:
    """`ro-crate-metadata.json` as a value: the crate whose root has the run's folder and the files `beside` it.

    Pure. `described` is of a sealed run; `beside` has the bytes of the other files at the root by name; `doi` is the
    run's own, bare, '' without one. What is not on record is left out, or, where a profile asks for it, named as not
    stated. Source: RO-Crate 1.1 and the Workflow Run RO-Crate profiles (versions.py).
    """
    graph, run_id = Graph(), described.run_id
    _add_descriptor(graph)
    graph.add(ROOT, "Dataset")
    parts = parts_of(described)
    files = PackageFiles(graph, run_id, described.files, pinned_paths(described, parts))
    others = [_beside(graph, described, name, data) for name, data in sorted(beside.items()) if name != CRATE]
    add_awo(graph, described)
    add_people(graph, described)
    root = add_about(graph, described, about, doi)
    inputs = add_inputs(graph, described)
    actions = Actions(graph, described, files)
    for part in parts:
        actions.add_part(part)
    actions.add_run(inputs, add_environment(graph, described, run_id))
    shared = {
        "license": root["license"],
        "creator": root["author"],
        "sdPublisher": root["publisher"],
        "url": web_address(about.repository) or not_stated.address(graph),
    }
    workflow = add_workflow(graph, described, files, parts, actions.tools, shared)
    graph.extend(
        ROOT,
        **root,
        conformsTo=[_profile(graph, one.address, one.name, one.version) for one in RUN_PROFILES],
        mainEntity=workflow,
        hasPart=[files.root, *others],
        mentions=actions.mentioned,
    )
    return {"@context": list(CONTEXT), "@graph": list(graph)}


def crate_bytes(described: Described, about: About, beside: Mapping[str, bytes], doi: str = "") -> bytes:
    """`crate_of` as JSON with one entity a line. The same run and the same words give the same bytes."""
    crate = crate_of(described, about, beside, doi)
    try:
        context = msgspec.json.encode(crate["@context"])
        entities = b",\n".join(map(msgspec.json.encode, crate["@graph"]))
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise AwoError("the crate of this run cannot be written as JSON", where=CRATE, got=str(error)) from error
    return b'{"@context": %b,\n"@graph": [\n%b\n]}\n' % (context, entities)


def _add_descriptor(graph: Graph) -> None:
    graph.add(
        CRATE,
        "CreativeWork",
        about=ref_to(ROOT),
        conformsTo=[ref_to(RO_CRATE), ref_to(WORKFLOW_RO_CRATE.address)],
    )


def _profile(graph: Graph, address: str, name: str, version: str) -> Ref:
    return graph.add(address, "CreativeWork", name=name, version=version)


def _beside(graph: Graph, described: Described, name: str, data: bytes) -> Ref:
    told_of = {README: ROOT, CITATION: ROOT, SBOM: AWO} | dict.fromkeys(VERIFIERS, f"{described.run_id}/")
    return add_file(graph, name, len(data), sha256_hex(data), about=told_of.get(name, ""))
