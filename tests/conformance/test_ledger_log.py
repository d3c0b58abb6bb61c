"""The ledger on disk: whole after a crash at any write, never branched by this machine, and told apart when altered."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ledger_entries import decided, run_id, sealed, started

from awo.errors import DiskTrouble, EvidenceError
from awo.evidence.ledger import Entry
from awo.ledger import disk, log
from awo.ledger.log import Ledger
from awo.ledger.origin import safe_name
from awo.ledger.reader import LedgerReader
from awo.sign.note import verify_note


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "runs" / "ledger", tmp_path / "keys", "My Project")


def texts(ledger: Ledger) -> list[str]:
    """Every entry, checked as it is read."""
    return [one.entry.run_id for one in ledger.reader().entries() if one.entry is not None]


def runs(count: int) -> list[str]:
    return [run_id(number) for number in range(count)]


class Killed(Exception):
    """Stands for `kill -9`."""


def test_the_first_entry_makes_a_key_of_its_own_outside_the_project(ledger: Ledger) -> None:
    assert ledger.append(started()) == 0
    signed = ledger.reader().signed
    assert signed is not None
    name = signed.state.origin.removeprefix("awo-ledger/")
    assert name.startswith("my-project-")
    assert stat.S_IMODE((ledger.keys / name).stat().st_mode) == 0o600
    (held,) = verify_note(signed.note, ledger.reader().keys())
    assert held.key.name == signed.state.origin


@pytest.mark.parametrize(("project", "name"), [("Übung 1!", "bung-1"), ("../..", "project"), ("x" * 90, "x" * 40)])
def test_the_name_of_a_folder_becomes_one_that_a_key_can_have(project: str, name: str) -> None:
    assert safe_name(project) == name


def test_entering_twice_changes_nothing_and_entering_more_adds_what_lacks(ledger: Ledger) -> None:
    ledger.enter([started()], is_new=True)
    ledger.append(started(1))
    assert [one.index for one in ledger.enter([started(), decided()])] == [0, 2]
    assert [one.index for one in ledger.enter([started(), decided()])] == [0, 2]
    assert [one.index for one in ledger.enter([started(), decided(), sealed()])] == [0, 2, 3]
    assert ledger.reader().size == 4


def test_a_folder_that_says_otherwise_than_the_ledger_is_refused(ledger: Ledger) -> None:
    ledger.enter([started(), decided()], is_new=True)
    others: list[list[Entry]] = [[started(journal="other")], [started()], [started(), sealed()]]
    for entries in others:
        with pytest.raises(EvidenceError, match="another entry of this run"):
            ledger.enter(entries)


WRITES: list[tuple[Any, str]] = [(log, "write_new"), (log, "_replace"), (log, "_remove_partial")]


@pytest.mark.parametrize("before", [0, 1, 254, 255])
@pytest.mark.parametrize("at", range(1, 6))
def test_a_crash_at_any_write_leaves_a_ledger_that_the_next_append_completes(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, before: int, at: int
) -> None:
    if before:
        ledger.append(*(started(number) for number in range(before)))
    count = 0

    def killing(real: Callable[..., object]) -> Callable[..., object]:
        def write(*args: Any, **named: Any) -> object:
            nonlocal count
            count += 1
            if count == at:
                raise Killed
            return real(*args, **named)

        return write

    with monkeypatch.context() as patched:
        for module, name in WRITES:
            patched.setattr(module, name, killing(getattr(module, name)))
        try:
            ledger.append(started(before), started(before + 1))
        except Killed:
            pass
        else:
            assert count < at  # fewer writes than this
    ledger.enter([started(before)])
    ledger.enter([started(before + 1)])
    assert texts(ledger) == runs(before + 2)


@pytest.mark.parametrize("part", [0, 1, 40])
def test_half_of_a_tile_that_a_crash_left_is_written_anew(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    ledger.append(started())
    real = disk.write_new

    def half(folder: Path, files: dict[str, bytes]) -> None:
        real(folder, {name: data[:part] for name, data in files.items()})
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(log, "write_new", half)
        with pytest.raises(Killed):
            ledger.append(started(1))
    ledger.append(started(1))
    assert texts(ledger) == runs(2)


def test_this_machine_signs_no_second_branch(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(started())
    shutil.copytree(ledger.folder, tmp_path / "older")
    ledger.append(started(1))
    rolled_back = Ledger(tmp_path / "older", ledger.keys, ledger.project)
    with pytest.raises(EvidenceError, match="does not continue what this machine has signed"):
        rolled_back.append(started(2))


def test_another_machine_signs_with_a_key_of_its_own_that_it_names(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(started())
    there = Ledger(ledger.folder, tmp_path / "keys of another machine", ledger.project)
    there.append(started(1))
    ledger.append(started(2))
    keys = ledger.reader().keys()
    assert len(keys) == 2
    assert len({key.name for key in keys}) == 1
    assert texts(there) == runs(3)


@pytest.mark.parametrize("path", ["tile/0/000.p/3", "tile/entries/000.p/3"])
@pytest.mark.parametrize("act", ["alter", "truncate", "remove", "link", "folder"])
def test_whatever_is_done_to_a_tile_or_bundle_is_found(ledger: Ledger, path: str, act: str) -> None:
    ledger.append(started(), started(1), started(2))
    place = ledger.folder / path
    data = place.read_bytes()
    place.unlink()
    match act:
        case "alter":
            place.write_bytes(data[:60] + bytes([data[60] ^ 1]) + data[61:])
        case "truncate":
            place.write_bytes(data[:-1])
        case "link":
            (ledger.folder / "elsewhere").write_bytes(data)
            place.symlink_to(ledger.folder / "elsewhere")
        case "folder":
            place.mkdir()
        case _:
            assert act == "remove"
    with pytest.raises(EvidenceError):
        texts(ledger)
    with pytest.raises(EvidenceError):
        ledger.append(started(3))


def test_an_entry_that_was_altered_together_with_its_full_tile_is_found(ledger: Ledger) -> None:
    from awo.canon.digest import leaf_hash
    from awo.ledger.tiles import decode_bundle, encode_bundle

    ledger.append(*(started(number) for number in range(260)))
    bundle, tile = ledger.folder / "tile/entries/000", ledger.folder / "tile/0/000"
    entries = decode_bundle(bundle.read_bytes(), 256, "")
    entries[7] = entries[8]
    bundle.write_bytes(encode_bundle(entries))
    tile.write_bytes(b"".join(leaf_hash(entry) for entry in entries))
    with pytest.raises(EvidenceError, match="altered"):
        texts(ledger)


def test_proofs_and_partial_tiles_outlive_the_tidying_of_a_full_one(ledger: Ledger) -> None:
    ledger.append(*(started(number) for number in range(200)))
    older = ledger.reader()
    ledger.append(*(started(number) for number in range(200, 300)))
    assert not (ledger.folder / "tile/0/000.p").exists()
    assert len(list(older.entries())) == 200  # from the beginning of the full tile
    signed = older.signed
    assert signed is not None
    assert ledger.reader().consistency(signed.state)


def test_a_ledger_that_cannot_be_made_says_how_to_do_without(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(DiskTrouble, match="cannot be written") as caught:
        Ledger(tmp_path / "runs" / "ledger", tmp_path / "keys", "x").refuse_unwritable()
    assert "enabled = false" in caught.value.hint


def test_a_ledger_that_another_program_made_is_not_signed(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(started())
    checkpoint = ledger.folder / "checkpoint"
    checkpoint.write_text(checkpoint.read_text().replace("awo-ledger/", "awo-ledger/../../"))
    with pytest.raises(EvidenceError, match="not made by AWO"):
        ledger.append(started(1))
    assert LedgerReader(tmp_path / "nothing").size == 0
