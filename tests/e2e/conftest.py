"""Projects for the end-to-end tests: empty, at a gate, and sealed. The last two are made once and copied."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.installed import Project
from tests.e2e.multi_model import MULTI_MODEL, lay_out


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with nothing in it."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def at_gate_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("at_gate"))
    project.enrol_reviewer()
    lay_out(project)
    project.awo("run", MULTI_MODEL).expect(78)
    return project


@pytest.fixture(scope="session")
def sealed_once(at_gate_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = at_gate_once.copy(tmp_path_factory.mktemp("sealed"))
    project.approve().expect(0)
    project.awo("resume", "latest").expect(0)
    return project


@pytest.fixture
def at_gate(at_gate_once: Project, tmp_path: Path) -> Project:
    """A project whose only run waits for the reviewer."""
    return at_gate_once.copy(tmp_path)


@pytest.fixture
def sealed(sealed_once: Project, tmp_path: Path) -> Project:
    """A project whose only run was approved, ran to its end and is sealed."""
    return sealed_once.copy(tmp_path)
