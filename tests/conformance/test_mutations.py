"""Whatever single edit is made of a sealed package, both verifiers find it, and say where; neither ever breaks."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.conformance.mutated import NAMES, REAL, Sample, of_vector, real_run
from tests.conformance.mutating import BUNDLE, FOLDER_KINDS, PACKED_KINDS, Archive, Edit, draw, draw_packed
from tests.conformance.two_verifiers import LESS, Judges, Standalone

from awo.evidence.layout import REGISTRATION, TIME_STAMP, VERIFIERS
from awo.verify.verifiers import verifier

FOLDER_EDITS, BUNDLE_EDITS = 10, 4
"""Edits of each package in the usual run; `make campaign` makes them again with other seeds."""
SEEDS = range(1, 26)


@pytest.fixture(scope="module")
def sample_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sample]:
    @cache
    def found(name: str) -> Sample:
        if name != REAL:
            return of_vector(name)
        with pytest.MonkeyPatch.context() as patch:
            top = tmp_path_factory.mktemp("project")
            patch.setenv("XDG_CONFIG_HOME", str(top / "config"))
            return real_run(top)

    return found


@pytest.fixture(scope="module")
def standalone() -> Standalone:
    return Standalone()


def campaign(sample: Sample, seed: int, top: Path, standalone: Standalone) -> Counter[tuple[str, str]]:
    """How often each kind of edit was found, and how."""
    judges = Judges(sample, top, standalone)
    beside = {name: verifier(name) for name in VERIFIERS} if seed % 2 else {}
    archive = Archive(sample.files, sample.run_id, sample.mtime, beside)
    bundle = top / BUNDLE
    counted: Counter[tuple[str, str]] = Counter()
    for number in range(FOLDER_EDITS):
        chance = random.Random(f"{sample.name} {seed} {number}")
        edit = draw(chance, sample.files, sample.other)
        with about(sample, seed, number, edit.kind, edit.places):
            counted[edit.kind, judges.edited(edit)] += 1
    for number in range(FOLDER_EDITS, FOLDER_EDITS + BUNDLE_EDITS):
        chance = random.Random(f"{sample.name} {seed} {number}")
        packed = draw_packed(chance, archive, sample.other)
        with about(sample, seed, number, packed.kind, packed.places):
            counted[packed.kind, judges.packed(packed, archive, bundle)] += 1
    return counted


@contextlib.contextmanager
def about(sample: Sample, seed: int, number: int, kind: str, places: tuple[str, ...]) -> Iterator[None]:
    """Says of an error which edit it is about."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{sample.name}, seed {seed}, edit {number}: {kind}, {', '.join(places)}")
        raise


@pytest.mark.parametrize("name", [*NAMES, REAL])
def test_every_edit_is_found_by_both_verifiers_and_its_place_named(
    name: str, sample_of: Callable[[str], Sample], standalone: Standalone, tmp_path: Path
) -> None:
    assert campaign(sample_of(name), 0, tmp_path, standalone).total() == FOLDER_EDITS + BUNDLE_EDITS


@pytest.mark.parametrize(("name", "path"), [("registered", REGISTRATION), ("stamped", TIME_STAMP)])
def test_what_is_made_after_the_seal_can_be_taken_away_and_is_then_said_to_be_missing(
    name: str, path: str, standalone: Standalone, tmp_path: Path
) -> None:
    judges = Judges(of_vector(name), tmp_path, standalone)
    assert judges.edited(Edit("remove a file", (path,), {path: None})) == LESS


def test_a_campaign_makes_every_kind_of_edit_and_the_same_ones_again() -> None:
    sample = of_vector("approved")
    archive = Archive(sample.files, sample.run_id, sample.mtime, {})
    first, again = (
        [
            (
                draw(random.Random(number), sample.files, sample.other),
                draw_packed(random.Random(number), archive, sample.other),
            )
            for number in range(300)
        ]
        for _ in range(2)
    )
    assert first == again
    assert {edit.kind for edit, _ in first} == set(FOLDER_KINDS)
    assert {packed.kind for _, packed in first} == set(PACKED_KINDS)


@pytest.mark.campaign
@pytest.mark.parametrize("name", [*NAMES, REAL])
@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_edits_are_found_by_both_verifiers_and_their_places_named(
    seed: int, name: str, sample_of: Callable[[str], Sample], standalone: Standalone, tmp_path: Path
) -> None:
    assert campaign(sample_of(name), seed, tmp_path, standalone).total() == FOLDER_EDITS + BUNDLE_EDITS
