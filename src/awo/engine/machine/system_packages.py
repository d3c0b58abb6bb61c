"""The packages of the operating system, read from the package manager's own files; no package manager is started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from awo.engine.machine.looked import FOUND, NONE, could_not, one_line, text_of

ROOT: Final = Path("/")
DPKG: Final = "var/lib/dpkg/status"
APK: Final = "lib/apk/db/installed"
RPM: Final = ("var/lib/rpm", "usr/lib/sysimage/rpm")
RPM_FILE: Final = "rpmdb.sqlite"
LARGEST_BYTES: Final = 256 << 20

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~^_-]{0,199}")

Package = dict[str, str]


def system_packages(root: Path = ROOT) -> dict[str, Any]:
    """`manager` (dpkg, apk or rpm), `system` and `system_version` by os-release, and under `found` name, version and
    architecture of each package, sorted."""
    return _found(root) | _system(root)


def _system(root: Path) -> dict[str, str]:
    """Which system it is, by /etc/os-release or /usr/lib/os-release."""
    text = text_of(root / "etc/os-release") or text_of(root / "usr/lib/os-release")
    said = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in text.splitlines())}
    known = {"system": said.get("ID", ""), "system_version": said.get("VERSION_ID", "")}
    return {key: value for key, value in known.items() if _PLAIN.fullmatch(value)}


def _found(root: Path) -> dict[str, Any]:
    try:
        if (root / DPKG).is_file():
            return _told("dpkg", dpkg_packages(_text(root / DPKG)))
        if (root / APK).is_file():
            return _told("apk", apk_packages(_text(root / APK)))
        for folder in RPM:
            if (root / folder / RPM_FILE).is_file():
                from awo.engine.machine.rpm_database import read_rpm_database

                return _told("rpm", read_rpm_database(root / folder / RPM_FILE))
            if (root / folder).is_dir() and any((root / folder).iterdir()):
                return could_not(f"the rpm database is older than {RPM_FILE}") | {"manager": "rpm"}
        if any((root / "var/lib/dpkg/status.d").glob("*")):
            texts = [_text(one) for one in (root / "var/lib/dpkg/status.d").iterdir() if one.suffix != ".md5sums"]
            return _told("dpkg", (package for text in texts for package in dpkg_packages(text, needs_status=False)))
    except OSError as error:
        return could_not(error.strerror or "the list of packages cannot be read")
    except ValueError as error:
        return could_not(one_line(str(error)))
    return {"looked": NONE}


def dpkg_packages(text: str, *, needs_status: bool = True) -> Iterator[Package]:
    """From dpkg's status file: what is installed. Images without dpkg have the same words and no status."""
    for paragraph in text.split("\n\n"):
        said = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[:1] not in " \t")
        if not needs_status or said.get("Status", "").endswith(" installed"):
            yield {key: said.get(name, "") for key, name in _DPKG_NAMES.items()}


def apk_packages(text: str) -> Iterator[Package]:
    """From apk's database: a letter, a colon and a value on each line."""
    for paragraph in text.split("\n\n"):
        said = {line[:1]: line[2:] for line in paragraph.splitlines() if line[1:2] == ":"}
        yield {key: said.get(letter, "") for key, letter in _APK_LETTERS.items()}


_DPKG_NAMES: Final = {"name": "Package", "version": "Version", "architecture": "Architecture"}
_APK_LETTERS: Final = {"name": "P", "version": "V", "architecture": "A"}


def _told(manager: str, packages: Iterator[Package]) -> dict[str, Any]:
    found = sorted(
        (
            {key: text for key, text in one.items() if text}
            for one in packages
            if one["name"] and all(not text or _PLAIN.fullmatch(text) for text in one.values())
        ),
        key=lambda one: (one["name"], one.get("architecture", ""), one.get("version", "")),
    )
    return {"looked": FOUND if found else NONE, "manager": manager, "found": found}


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(LARGEST_BYTES).decode(errors="replace").replace("\r\n", "\n")
