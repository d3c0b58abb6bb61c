"""No file of the project names a package registry's host or a place on somebody's machine."""

from __future__ import annotations

import re
from pathlib import Path

_DOT = r"\."
_REGISTRIES = [
    ("pypi", "org"),
    ("python" + "hosted", "org"),
    ("npmjs", "org"),
    ("debian", "org"),
    ("golang", "org"),
    ("crates", "io"),
]
_FOLDERS = ["work", "root", "opt/" + "pypi", "opt/" + "wheels", "home/[a-z]+", "Users/[A-Za-z]+", "tmp/" + "probe"]

FORBIDDEN = re.compile(
    "|".join(
        [rf"\b{name}{_DOT}{ending}\b(?!/x/mod/)" for name, ending in _REGISTRIES]  # a Go program must name its imports
        + [rf"(?<![\w.*~}}-])/{folder}/" for folder in _FOLDERS]
        + [r"--(?:extra-)?index" + "-url", r"--find" + "-links"]
    )
)


def findings(text: str) -> list[str]:
    """The forbidden pieces of `text`, each with its line number."""
    lines = enumerate(text.splitlines(), start=1)
    return [f"{number}: {found.group()}" for number, line in lines for found in FORBIDDEN.finditer(line)]


def test_a_host_and_a_path_are_found() -> None:
    text = "/".join(["see https:", "", "files." + "python" + "hosted" + ".org", "x"]) + "\nopen('/" + "work/main')\n"
    assert [finding[:2] for finding in findings(text)] == ["1:", "2:"]
    assert findings("./root/here, a/root/plan and run.org") == []


def test_no_file_of_the_project_names_a_registry_or_a_machine(project_files: list[Path], root: Path) -> None:
    found: dict[str, list[str]] = {}
    for path in project_files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if places := findings(text):
            found[str(path.relative_to(root))] = places
    assert found == {}


def test_no_package_or_other_binary_lies_among_the_files_of_the_project(project_files: list[Path], root: Path) -> None:
    binary = [path.relative_to(root) for path in project_files if b"\x00" in path.read_bytes()[:4096]]
    assert [str(path) for path in binary if path.parts[:2] != ("tests", "vectors")] == []
