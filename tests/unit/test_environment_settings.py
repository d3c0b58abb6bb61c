"""[environment] of awo.toml: what it says, and what of it is refused."""

from __future__ import annotations

import pytest

from awo.errors import UsageError
from awo.gate.environment import USUAL, EnvironmentSettings
from awo.gate.project import read_policy


def test_neither_the_system_nor_uncommitted_text_is_recorded_unless_it_is_said() -> None:
    assert read_policy("", where="awo.toml").environment == USUAL == EnvironmentSettings(False, False)


def test_the_table_is_read() -> None:
    policy = read_policy("[environment]\nsystem_packages = true\ndiff = true\n", where="awo.toml")
    assert policy.environment == EnvironmentSettings(system_packages=True, diff=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[environment]\ndiff = 1", "environment.diff"),
        ("[environment]\nsystem_package = true", "system_packages"),
        ("environment = true", "environment"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_policy(text, where="awo.toml")
