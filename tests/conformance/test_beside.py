"""What stands behind a run's folder in a bundle: six names, once each, in their order; two readers agree on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.conformance.two_verifiers import Standalone
from tests.vectors.builder import Package, gzip_of, member, tar_of
from tests.vectors.stories import approved

from awo.canon.ustar import END
from awo.evidence.layout import BESIDE
from awo.verify.judge import verify

NAMES = (
    (BESIDE, "passed"),
    (BESIDE[2:], "passed"),
    (BESIDE[3:4], "passed"),
    ((), "passed"),
    ((BESIDE[3], BESIDE[2]), "failed"),
    ((BESIDE[2], BESIDE[2]), "failed"),
    ((BESIDE[4], BESIDE[0]), "failed"),
    (("CITATION.txt",), "failed"),
    (("CITATION.cff/x",), "failed"),
    ((BESIDE[2], "x"), "failed"),
)
"""Names behind the run's folder, in this order, and what is thought of the bundle."""


@pytest.fixture(scope="module")
def package() -> Package:
    return approved().freeze()


@pytest.fixture(scope="module")
def standalone() -> Standalone:
    return Standalone()


@pytest.mark.parametrize(("names", "verdict"), NAMES)
def test_files_about_a_run_are_passed_over_in_their_order_alone(
    package: Package, standalone: Standalone, tmp_path: Path, names: Sequence[str], verdict: str
) -> None:
    beside = b"".join(member(name, b"title: anything\n", package.mtime) for name in names)
    bundle, trust = tmp_path / "b.tar.gz", tmp_path / "trust"
    bundle.write_bytes(gzip_of(tar_of(package).removesuffix(END) + beside + END))
    trust.write_bytes(package.files["audit/allowed_signers"])
    report = verify(bundle)
    assert report.verdict == verdict, report.as_dict(frozenset())
    assert standalone.ask(bundle, trust)[0] == (0 if verdict == "passed" else 3)


def test_a_file_about_a_run_that_stands_before_it_is_refused(
    package: Package, standalone: Standalone, tmp_path: Path
) -> None:
    bundle, trust = tmp_path / "b.tar.gz", tmp_path / "trust"
    bundle.write_bytes(gzip_of(member(BESIDE[2], b"x", package.mtime) + tar_of(package)))
    trust.write_bytes(package.files["audit/allowed_signers"])
    assert verify(bundle).verdict == "failed"
    assert standalone.ask(bundle, trust)[0] == 3
