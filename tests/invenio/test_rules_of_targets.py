"""The real InvenioRDM passes the suite that every publishing target passes."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.deposits import ABOUT, new_deposit
from tests.invenio.conftest import Running

from awo.publish.targets.invenio import open_invenio
from awo.publish.targets.opening import Wanted
from awo.testing.publishing_targets import CHECKS, Trial

LARGE_BYTES = 3_000_000
"""Under the quota that the server of the tests gives."""

numbers = itertools.count()


@pytest.fixture
def at_invenio(invenio: Running, tmp_path: Path) -> Trial:
    base = f"http://127.0.0.1:{invenio.port}"
    wanted = Wanted(f"invenio:{base}", {"INVENIO_TOKEN": invenio.token})
    return Trial(
        open=lambda: open_invenio(wanted),
        deposit=new_deposit(next(numbers), kind="invenio", place=base, seal_sha256=secrets.token_hex(32)),
        about=ABOUT,
        folder=tmp_path,
        large_bytes=LARGE_BYTES,
        secrets=(invenio.token,),
        has_drafts=True,
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_real_invenio_keeps_the_rules_of_targets(check: Callable[[Trial], None], at_invenio: Trial) -> None:
    check(at_invenio)
