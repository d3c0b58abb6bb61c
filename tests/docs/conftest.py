"""What the tests of documents read: the files that belong to the project."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def project_files(root: Path) -> list[Path]:
    """Every file that is tracked by git or would be."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout.decode()
    files = [root / name for name in listing.split("\0") if name]
    return sorted(path for path in files if path.is_file())


@pytest.fixture(scope="session")
def documents(project_files: list[Path]) -> list[Path]:
    """Every Markdown file of the project that people read; broken ones of the tests are not among them."""
    return [path for path in project_files if path.suffix == ".md" and "vectors" not in path.parts]
