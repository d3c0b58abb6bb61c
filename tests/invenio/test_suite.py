"""The suite for publishing targets over the stub of the older API; test_rules_of_targets.py has the real one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.deposits import ABOUT, new_deposit
from tests.invenio.deposit_stub import TOKEN, deposit_stub

from awo.canon.digest import sha256_hex
from awo.publish.targets.invenio import open_invenio
from awo.publish.targets.opening import Wanted
from awo.testing.publishing_targets import CHECKS, Trial

numbers = itertools.count(1)


def trial_at(base: str, token: str, folder: Path) -> Trial:
    number = next(numbers)
    wanted = Wanted(f"invenio:{base}", {"INVENIO_TOKEN": token})
    deposit = new_deposit(number, kind="invenio", place=base, seal_sha256=sha256_hex(b"%d" % number))
    return Trial(lambda: open_invenio(wanted), deposit, ABOUT, folder, 1 << 20, (token,), has_drafts=True)


@pytest.fixture
def older() -> Iterator[str]:
    with deposit_stub() as stub:
        yield stub.base


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_older_api_is_a_target(check: Callable[[Trial], Any], older: str, tmp_path: Path) -> None:
    check(trial_at(older, TOKEN, tmp_path))
