"""The bill of materials says what the evidence says, no more, and the same bytes each time."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.a_run import Told, model, reviewed_run, step

from awo.evidence import events as ev
from awo.publish.forms.sbom import sbom_bytes, sbom_of

AT = "2026-11-23T06:10:00.000000Z"
COMMIT = "c" * 40


def told_with(environment: dict[str, Any], **changes: Any) -> Told:
    """A run without steps on a machine of which this was recorded."""
    told = Told([step("one", "write_text", path="a.txt", text="a")], **changes)
    told.start(environment=environment)
    return told


def found(told: Told, kind: str) -> dict[str, dict[str, Any]]:
    """The components of a kind, by name."""
    return {one["name"]: one for one in sbom_of(told.facts(), AT)["components"] if one["type"] == kind}


def properties(component: dict[str, Any]) -> dict[str, str]:
    """What a component says in words of ours."""
    return {one["name"].removeprefix("awo:"): one["value"] for one in component.get("properties", [])}


def packages(*rows: dict[str, Any]) -> dict[str, Any]:
    """An environment in which these packages are installed."""
    return {"distributions": {"hashed": "RECORD", "found": list(rows)}}


def test_the_same_run_gives_the_same_bytes_and_the_same_serial_number() -> None:
    one, other = (sbom_bytes(reviewed_run().facts(), AT) for _ in range(2))
    assert one == other
    assert b'"serialNumber": "urn:uuid:' in one


def test_another_journal_gives_another_serial_number() -> None:
    one, other = (sbom_of(reviewed_run(said=said).facts(), AT)["serialNumber"] for said in ("No.", "Yes."))
    assert one != other


def test_a_run_recorded_before_packages_had_digests_still_gives_its_packages() -> None:
    libraries = found(reviewed_run(), "library")
    assert set(libraries) == {"awo", "msgspec"}
    assert libraries["msgspec"]["version"] == "0.22.0"
    assert libraries["msgspec"]["purl"] == "pkg:pypi/msgspec@0.22.0"
    assert not [one for one in libraries.values() if "hashes" in one or "components" in one]


def test_a_run_that_recorded_nothing_of_its_machine_gives_its_models_and_invents_nothing() -> None:
    told = told_with({}, models={"one": model("openai", "gpt-x", params={"temperature": 0.5}, seed=3)})
    components = sbom_of(told.facts(), AT)["components"]
    assert [one["type"] for one in components if one["type"] != "platform"] == ["machine-learning-model"]


def test_the_digest_of_a_record_stands_at_the_file_and_not_at_the_package() -> None:
    told = told_with(packages({"name": "My_Package", "version": "1.0+x", "record_sha256": "a" * 64, "licence": "MIT"}))
    (package,) = found(told, "library").values()
    assert "hashes" not in package
    assert package["purl"] == "pkg:pypi/my-package@1.0%2Bx"
    assert package["licenses"] == [{"expression": "MIT", "acknowledgement": "declared"}]
    (record,) = package["components"]
    assert (record["type"], record["name"]) == ("file", "My_Package-1.0+x.dist-info/RECORD")
    assert record["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


@pytest.mark.parametrize(
    ("origin", "purl"),
    [
        (
            {"address": "https://host.example/a.git", "commit": COMMIT},
            f"pkg:pypi/p@1?vcs_url=git%2Bhttps%3A%2F%2Fhost.example%2Fa.git%40{COMMIT}",
        ),
        ({"address": "https://host.example/p.whl"}, "pkg:pypi/p@1?download_url=https%3A%2F%2Fhost.example%2Fp.whl"),
        ({"address": "a folder of the machine", "editable": True}, None),
        ({"address": "not recorded: it could hold a password", "commit": COMMIT}, None),
    ],
)
def test_a_package_from_elsewhere_is_not_said_to_be_that_of_the_index(origin: dict[str, Any], purl: str | None) -> None:
    (package,) = found(told_with(packages({"name": "p", "version": "1", **origin})), "library").values()
    assert package.get("purl") == purl


def test_the_archive_of_a_package_gives_its_hash() -> None:
    told = told_with(packages({"name": "p", "version": "1", "archive_sha256": "b" * 64}))
    (package,) = found(told, "library").values()
    assert package["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]


@pytest.mark.parametrize(
    ("manager", "system", "version", "purl"),
    [
        ("dpkg", "debian", "1:2.3-4", "pkg:deb/debian/libx@1:2.3-4?arch=amd64"),
        ("rpm", "fedora", "2:1.0-3.fc43", "pkg:rpm/fedora/libx@1.0-3.fc43?arch=amd64&epoch=2"),
        ("apk", "alpine", "1.0-r0", "pkg:apk/alpine/libx@1.0-r0?arch=amd64"),
        ("dpkg", "", "1.0", None),
        ("pacman", "arch", "1.0", None),
    ],
)
def test_system_packages_have_an_address_where_the_system_is_known(
    manager: str, system: str, version: str, purl: str | None
) -> None:
    row = {"name": "libx", "version": version, "architecture": "amd64"}
    told = told_with({"system_packages": {"looked": "found", "manager": manager, "system": system, "found": [row]}})
    (package,) = found(told, "library").values()
    assert package.get("purl") == purl


def test_a_model_says_what_was_asked_what_answered_and_of_which_weights() -> None:
    models = {
        name: properties(one)
        for one in sbom_of(reviewed_run().facts(), AT)["components"]
        if one["type"] == "machine-learning-model"
        for name in [properties(one)["model:name"]]
    }
    assert set(models) >= {"first", "second", "warm"}
    assert models["warm"]["model:param:temperature"] == "0.9"
    assert models["warm"]["model:seed"] == "3"
    assert models["first"]["model:asked"] == "smollm2"
    assert models["first"]["model:answered"] == "SmolLM2-135M-Instruct"
    assert models["first"]["model:provider"] == "llama"
    first = found(reviewed_run(), "machine-learning-model")["SmolLM2-135M-Instruct"]
    assert first["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


def test_a_model_that_never_answered_has_no_hash_and_no_answered_name() -> None:
    told = told_with({}, models={"one": model("openai", "gpt-x")})
    component = found(told, "machine-learning-model")["gpt-x"]
    assert "hashes" not in component
    assert "model:answered" not in properties(component)


def test_a_run_taken_up_on_another_machine_has_what_both_had() -> None:
    told = told_with(packages({"name": "p", "version": "1"}, {"name": "q", "version": "1"}))
    told.say(ev.EnvironmentRecorded, environment=packages({"name": "p", "version": "2"}, {"name": "q", "version": "1"}))
    bom = sbom_of(told.facts(), AT)
    refs = [one["bom-ref"] for one in bom["components"] if one["type"] == "library"]
    assert refs == ["pypi:p@1", "pypi:q@1", "pypi:p@2"]
    assert bom["dependencies"] == [{"ref": told.facts().run_id, "dependsOn": [r["bom-ref"] for r in bom["components"]]}]


HOSTILE: list[Any] = [None, 7, "text", [1, {"name": 5}], {"found": "x"}, {"found": [{"name": ["a"]}, 3]}, {"name": {}}]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_strangers_wrote_into_an_environment_gives_a_bill_of_materials_all_the_same(value: Any) -> None:
    names = ("python", "platform", "container", "gpu", "distributions", "packages", "system_packages", "git")
    assert sbom_of(told_with(dict.fromkeys(names, value)).facts(), AT)["specVersion"]
