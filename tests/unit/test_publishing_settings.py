"""[seal] and [scan] of awo.toml: what they say, and what of them is refused."""

from __future__ import annotations

import pytest

from awo.errors import UsageError
from awo.evidence.redaction import Waiver
from awo.gate.project import read_policy

WAIVER = 'finding = "email", where = "outputs/*", reason = "made-up people"'


def test_nothing_is_immutable_and_nothing_waived_unless_it_is_said() -> None:
    policy = read_policy("", where="awo.toml")
    assert (policy.immutable, policy.waivers) == (False, ())


def test_both_tables_are_read() -> None:
    policy = read_policy(f"[seal]\nimmutable = true\n[scan]\nwaive = [{{{WAIVER}}}]\n", where="awo.toml")
    assert policy.immutable is True
    assert policy.waivers == (Waiver(finding="email", where="outputs/*", reason="made-up people"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[seal]\nimmutable = 1", "seal.immutable"),
        ("[seal]\nimutable = true", "immutable"),
        ("[scan]\nwaive = 3", "scan.waive"),
        ("[scan]\nwaive = [3]", "number 1"),
        ('[scan]\nwaive = [{finding = "email", reason = ""}]', "number 1"),
        ('[scan]\nwaive = [{finding = "", reason = "why"}]', "number 1"),
        ('[scan]\nwaive = [{finding = "a", reason = "why", path = "x"}]', "path"),
        ('[scan]\nwaive = [{finding = "a", reason = "why\\u202e"}]', "number 1"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_policy(text, where="awo.toml")
