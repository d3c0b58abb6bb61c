"""Packages as CycloneDX components: the package's address (purl), its licence, and which digest is of what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

_TYPES: Final = {"dpkg": "deb", "rpm": "rpm", "apk": "apk"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WEB = re.compile(r"https?://[\x21-\x7e]+")


def python_component(row: Mapping[str, Any]) -> dict[str, Any]:
    """An installed Python package. `row` has at least a `name`; see docs/environment.md for the rest.

    The digest that AWO records is of the package's RECORD, not of an archive, so it stands at a file of that name
    inside the package. `hashes` of the package itself are there only where the installer recorded its archive's.
    """
    name, version = _text(row, "name"), _text(row, "version")
    component: dict[str, Any] = {"type": "library", "bom-ref": f"pypi:{name}@{version}", "name": name}
    if version:
        component["version"] = version
    if _DIGEST.fullmatch(archive := _text(row, "archive_sha256")):
        component["hashes"] = [_sha256(archive)]
    if licence := _text(row, "licence"):
        component["licenses"] = [{"expression": licence, "acknowledgement": "declared"}]
    address, commit = _text(row, "address"), _text(row, "commit")
    if purl := _purl(name, version, address, commit, is_editable=bool(row.get("editable"))):
        component["purl"] = purl
    if _WEB.fullmatch(address):
        kind = "vcs" if commit else "distribution"
        component["externalReferences"] = [{"type": kind, "url": quote(address, safe=":/@[]%+~._-")}]
    if _DIGEST.fullmatch(record := _text(row, "record_sha256")):
        place = f"{name}-{version}.dist-info/RECORD"
        inside = {"type": "file", "bom-ref": f"pypi:{name}@{version}/RECORD#{record[:16]}", "name": place}
        component["components"] = [inside | {"hashes": [_sha256(record)]}]
    properties = [("commit", commit), ("editable", "true" if row.get("editable") is True else "")]
    told = [{"name": f"awo:package:{key}", "value": value} for key, value in properties if value]
    return component | ({"properties": told} if told else {})


def system_component(row: Mapping[str, Any], manager: str, system: str) -> dict[str, Any]:
    """A package of the operating system. Without the name of the system there is no purl: it would be a guess."""
    name, version, arch = _text(row, "name"), _text(row, "version"), _text(row, "architecture")
    kind = _TYPES.get(manager, "")
    ref = f"{manager or 'system'}:{name}@{version}{f'?arch={arch}' if arch else ''}"
    component: dict[str, Any] = {"type": "library", "bom-ref": ref, "name": name}
    if version:
        component["version"] = version
    if kind and system and version:
        epoch = ""
        if kind == "rpm" and ":" in version:
            epoch, _, version = version.partition(":")
        told = "&".join(f"{key}={_quoted(value)}" for key, value in (("arch", arch), ("epoch", epoch)) if value)
        place = f"pkg:{kind}/{_quoted(system.lower())}/{_quoted(name)}@{_quoted(version)}"
        component["purl"] = f"{place}?{told}" if told else place
    return component


def _purl(name: str, version: str, address: str, commit: str, *, is_editable: bool) -> str:
    """The address in the index of Python packages; with the repository where it came from one. A package from a
    folder, or from an address that is not told, has none."""
    if is_editable or (address and not _WEB.fullmatch(address)):
        return ""
    plain = f"pkg:pypi/{_quoted(re.sub(r'[-_]+', '-', name).lower())}{f'@{_quoted(version)}' if version else ''}"
    if not address:
        return plain
    where = (
        f"vcs_url=git%2B{quote(address, safe='')}%40{commit}" if commit else f"download_url={quote(address, safe='')}"
    )
    return f"{plain}?{where}"


def _quoted(text: str) -> str:
    return quote(text, safe="._~:-")


def _sha256(content: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": content}


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key, "")
    return value if isinstance(value, str) else ""
