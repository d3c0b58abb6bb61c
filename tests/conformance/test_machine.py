"""What is read of a machine, from folders laid out as kernels, installers and container engines leave them."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
from pathlib import Path

import pytest

from awo.canon.digest import sha256_hex
from awo.engine.machine import conventions
from awo.engine.machine.container import container
from awo.engine.machine.conventions import hash_seed, threads, time_zone
from awo.engine.machine.distributions import places, read_distributions
from awo.engine.machine.hardware import gpus
from awo.engine.machine.kept_distributions import MOST_KEPT, cache_folder, distributions
from awo.engine.machine.system_packages import system_packages

PLANTED = "s3cretT0ken"
ID = "0123456789abcdef" * 4


def put(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def install(site: Path, name: str, version: str, *more: str, **files: str) -> Path:
    """A package as an installer leaves it: METADATA with `more` header lines, and its other files."""
    folder = site / f"{name}-{version}.dist-info"
    put(
        folder, "METADATA", "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *more, "", "x"])
    )
    for file, text in files.items():
        put(folder, file.replace("_json", ".json"), text)
    return folder


# --- Python packages ----------------------------------------------------------------------------------


def test_a_package_has_the_digest_of_its_record_byte_for_byte_and_its_licence(tmp_path: Path) -> None:
    folder = install(tmp_path, "one", "1.0", "License-Expression: MIT OR Apache-2.0")
    record = b"one/__init__.py,sha256=abc,3\r\n"
    (folder / "RECORD").write_bytes(record)
    (found,) = read_distributions(places([str(tmp_path)]), [])
    assert (found.name, found.version, found.licence) == ("one", "1.0", "MIT OR Apache-2.0")
    assert found.record_sha256 == sha256_hex(record)


def test_a_licence_in_the_description_is_none(tmp_path: Path) -> None:
    install(tmp_path, "one", "1.0", "", "License-Expression: MIT")
    (found,) = read_distributions(places([str(tmp_path)]), [])
    assert found.licence == ""


def test_a_package_from_a_repository_has_its_commit_and_no_password(tmp_path: Path) -> None:
    url = {
        "url": f"https://u:{PLANTED}@host.example/a.git?t={PLANTED}",
        "vcs_info": {"vcs": "git", "commit_id": "a" * 40},
    }
    install(tmp_path, "one", "1", direct_url_json=json.dumps(url))
    archive = {"url": f"file:///home/{PLANTED}/b.whl", "archive_info": {"hashes": {"sha256": "b" * 64}}}
    install(tmp_path, "two", "1", direct_url_json=json.dumps(archive))
    bad = {"url": [PLANTED], "vcs_info": {"commit_id": PLANTED}}
    install(tmp_path, "three", "1", direct_url_json=json.dumps(bad))
    found = {one.name: one for one in read_distributions(places([str(tmp_path)]), [])}
    assert (found["one"].address, found["one"].commit) == ("https://host.example/a.git", "a" * 40)
    assert found["two"].archive_sha256 == "b" * 64
    assert PLANTED not in repr(found)


def test_a_package_that_stands_twice_on_the_path_counts_as_python_finds_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (install(first, "one", "1") / "RECORD").write_text("first")
    (install(second, "one", "1") / "RECORD").write_text("second")
    install(second, "one", "2")
    found = read_distributions(places([str(first), str(second)]), [])
    assert [(one.version, one.record_sha256) for one in found] == [("1", sha256_hex(b"first")), ("2", "")]


def test_what_this_interpreter_finds_is_what_python_itself_finds() -> None:
    import importlib.metadata

    ours = {f"{one.name}=={one.version}" for one in distributions(None)}
    assert ours == {f"{one.metadata['Name']}=={one.version}" for one in importlib.metadata.distributions()}


def test_the_cache_answers_until_something_is_installed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, cache = tmp_path / "site", tmp_path / "cache"
    folder = install(site, "one", "1.0", RECORD="a")
    monkeypatch.setattr("sys.path", [str(site)])
    before = distributions(cache)
    (kept,) = cache.iterdir()
    text = kept.read_bytes().replace(b'"1.0"', b'"9.9"')
    kept.write_bytes(text)
    assert distributions(cache)[0].version == "9.9"  # so it was the cache that answered
    put(folder, "RECORD", "another list of files")
    assert distributions(cache) != before
    assert distributions(cache)[0].version == "1.0"


@pytest.mark.parametrize("spoiled", [b"", b"{", b'{"format":"awo/distributions/v1"}', b"\xff" * 9, b"[1]"])
def test_a_broken_cache_is_read_over_and_mended(
    spoiled: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "one", "1.0")
    monkeypatch.setattr("sys.path", [str(tmp_path / "site")])
    whole = distributions(tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    good = kept.read_bytes()
    kept.write_bytes(spoiled)
    assert distributions(tmp_path / "cache") == whole
    assert kept.read_bytes() == good


def test_a_cache_of_another_machine_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr("sys.path", [str(tmp_path / "a")])
    install(tmp_path / "a", "one", "1.0")
    distributions(cache)
    (first,) = cache.iterdir()
    other = first.read_bytes()
    install(tmp_path / "a", "two", "1.0")
    assert len(distributions(cache)) == 2
    (second,) = set(cache.iterdir()) - {first}
    second.write_bytes(other)
    assert len(distributions(cache)) == 2


def test_a_file_of_the_cache_that_others_may_write_or_that_is_no_file_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, cache = tmp_path / "site", tmp_path / "cache"
    monkeypatch.setattr("sys.path", [str(site)])
    install(site, "a", "1.0", RECORD="a")
    before = distributions(cache)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes().replace(b'"1.0"', b'"9.9"'))
    kept.chmod(0o666)
    assert distributions(cache) == before
    kept.unlink()
    os.mkfifo(kept)
    assert distributions(cache) == before


@pytest.mark.parametrize("given", ["cache", "", "./x"])
def test_a_cache_is_never_made_where_one_happens_to_be(given: str) -> None:
    assert cache_folder({"XDG_CACHE_HOME": given}) == Path.home() / ".cache/awo/distributions"


def test_a_cache_that_cannot_be_written_stops_nothing_and_an_old_one_is_thinned_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "one", "1.0")
    monkeypatch.setattr("sys.path", [str(tmp_path / "site")])
    blocked = put(tmp_path, "file") / "cache"
    assert len(distributions(blocked)) == 1
    cache = tmp_path / "cache"
    for number in range(MOST_KEPT + 5):
        os.utime(put(cache, f"{number}.json"), (number, number))
    distributions(cache)
    assert len(list(cache.iterdir())) == MOST_KEPT
    assert not (cache / "0.json").exists()


# --- the system ---------------------------------------------------------------------------------------


def test_packages_of_dpkg_are_those_that_are_installed(tmp_path: Path) -> None:
    put(tmp_path, "etc/os-release", 'ID=debian\nVERSION_ID="12"\nNAME="x"\n')
    status = (
        "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3\nDescription: x\n Version: 9\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        f"Package: odd name {PLANTED}\nStatus: install ok installed\nVersion: 1\n"
    )
    put(tmp_path, "var/lib/dpkg/status", status)
    assert system_packages(tmp_path) == {
        "looked": "found",
        "manager": "dpkg",
        "system": "debian",
        "system_version": "12",
        "found": [{"name": "a", "version": "1:2-3", "architecture": "amd64"}],
    }


def test_packages_of_apk_are_read(tmp_path: Path) -> None:
    put(tmp_path, "lib/apk/db/installed", "C:Q1xx=\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nP:busybox\nV:1.36-r2\nA:x86_64\n")
    assert [one["name"] for one in system_packages(tmp_path)["found"]] == ["busybox", "musl"]


def rpm_header(**tags: tuple[int, int, bytes]) -> bytes:
    """A header as rpm writes it: tag, kind and value of each."""
    index, data = b"", b""
    for tag, kind, value in tags.values():
        data += b"\0" * (-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), 1)
        data += value
    return struct.pack(">II", len(tags), len(data)) + index + data


def rpm_database(root: Path, *headers: bytes) -> None:
    path = put(root, "var/lib/rpm/rpmdb.sqlite")
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(one,) for one in headers])
    database.close()


def test_packages_of_rpm_are_read_from_its_database_and_nothing_is_made_beside_it(tmp_path: Path) -> None:
    header = rpm_header(
        name=(1000, 6, b"libx\0"),
        version=(1001, 6, b"1.0\0"),
        release=(1002, 6, b"3.fc43\0"),
        epoch=(1003, 4, struct.pack(">i", 2)),
        summary=(1004, 9, b"a library\0"),
        arch=(1022, 6, b"x86_64\0"),
    )
    rpm_database(tmp_path, header)
    assert system_packages(tmp_path) == {
        "looked": "found",
        "manager": "rpm",
        "found": [{"name": "libx", "version": "2:1.0-3.fc43", "architecture": "x86_64"}],
    }
    assert [path.name for path in (tmp_path / "var/lib/rpm").iterdir()] == ["rpmdb.sqlite"]


@pytest.mark.parametrize("header", [b"", b"\0" * 7, struct.pack(">II", 9, 9), struct.pack(">II", 2**31, 2**31)])
def test_a_damaged_database_could_not_be_looked_into_which_is_not_that_there_is_none(
    header: bytes, tmp_path: Path
) -> None:
    rpm_database(tmp_path, header)
    assert system_packages(tmp_path)["looked"] == "could not look"
    assert system_packages(tmp_path / "empty") == {"looked": "none found"}


def test_an_older_database_of_rpm_is_said_to_be_unread(tmp_path: Path) -> None:
    put(tmp_path, "var/lib/rpm/Packages", "berkeley")
    found = system_packages(tmp_path)
    assert (found["looked"], found["manager"]) == ("could not look", "rpm")


# --- graphics, containers -----------------------------------------------------------------------------


def test_graphics_processors_are_told_with_driver_and_without_what_names_the_machine(tmp_path: Path) -> None:
    put(tmp_path, "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat\nGCC")
    information = f"Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\nGPU UUID: \t GPU-{PLANTED}\n"
    put(tmp_path, "proc/driver/nvidia/gpus/0000:01:00.0/information", information)
    put(tmp_path, "sys/class/drm/card0/device/vendor", "0x1002\n")
    put(tmp_path, "sys/class/drm/card0/device/device", "0x744c\n")
    put(tmp_path, "sys/class/drm/card0-DP-1/status", "connected")
    put(tmp_path, "sys/module/amdgpu/version", "6.8.5\n")
    drivers = tmp_path / "sys/bus/amdgpu"
    drivers.mkdir(parents=True)
    (tmp_path / "sys/class/drm/card0/device/driver").symlink_to(drivers)
    assert gpus(tmp_path) == {
        "looked": "found",
        "devices": [
            {"driver": "nvidia", "name": "NVIDIA H100 80GB HBM3"},
            {"driver": "amdgpu", "vendor": "0x1002", "device": "0x744c"},
        ],
        "drivers": {"nvidia": "535.104.05", "amdgpu": "6.8.5"},
    }


def test_no_graphics_processor_is_not_the_same_as_nowhere_to_look(tmp_path: Path) -> None:
    (tmp_path / "sys/class").mkdir(parents=True)
    assert gpus(tmp_path)["looked"] == "none found"
    assert gpus(tmp_path / "elsewhere")["looked"] == "could not look"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"proc/self/cgroup": "0::/\n"}, {"looked": "none found"}),
        ({"proc/self/cgroup": "0::/\n", ".dockerenv": ""}, {"looked": "found", "kind": "docker"}),
        (
            {
                "proc/self/mountinfo": f"1 2 0:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname",
                ".dockerenv": "",
            },
            {"looked": "found", "kind": "docker", "id": ID},
        ),
        (
            {"proc/self/cgroup": "0::/", "run/.containerenv": f'engine="podman"\nname="x"\nimageid="{ID}"\n'},
            {"looked": "found", "kind": "podman", "image_id": f"sha256:{ID}"},
        ),
        ({"proc/self/cgroup": f"0::/kubepods/pod1/{ID}\n"}, {"looked": "found", "kind": "kubernetes", "id": ID}),
        ({}, {"looked": "could not look", "why": "this system has no /proc"}),
    ],
)
def test_a_container_is_known_by_what_its_engine_leaves(
    files: dict[str, str], told: dict[str, str], tmp_path: Path
) -> None:
    for name, text in files.items():
        put(tmp_path, name, text)
    assert container({}, tmp_path) == told


def test_the_digest_of_an_image_is_taken_only_where_it_is_one(tmp_path: Path) -> None:
    assert container({"AWO_CONTAINER_DIGEST": f"sha256:{ID}"}, tmp_path)["digest"] == f"sha256:{ID}"
    for bad in (PLANTED, f"sha256:{ID}{PLANTED}", f"{PLANTED}@sha256:{ID}", f"sha256:{ID}\n"):
        told = container({"AWO_CONTAINER_DIGEST": bad}, tmp_path)
        assert "digest" not in told
        assert "digest_refused" in told
        assert PLANTED not in str(told)


# --- conventions --------------------------------------------------------------------------------------


def test_settings_of_threads_are_recorded_where_they_are_numbers_or_known_words_and_nothing_else_is() -> None:
    given = {"OMP_NUM_THREADS": "4", "MKL_DYNAMIC": "true", "OPENBLAS_NUM_THREADS": PLANTED, "HOME": PLANTED}
    given |= {"NUMBA_NUM_THREADS": "1234567", "OMP_THREAD_LIMIT": "", "OMP_PLACES": "cores"}
    assert threads(given) == {
        "OMP_NUM_THREADS": "4",
        "MKL_DYNAMIC": "true",
        "OPENBLAS_NUM_THREADS": conventions.OTHER,
        "NUMBA_NUM_THREADS": conventions.OTHER,
    }


def test_the_seed_of_hashes_is_a_number_or_random() -> None:
    assert hash_seed({}) in ("random", "0")
    assert hash_seed({"PYTHONHASHSEED": PLANTED}) in ("random", "0")


@pytest.mark.parametrize(
    ("environment", "link", "told"),
    [
        ({"TZ": "Europe/Berlin"}, "", "Europe/Berlin"),
        ({"TZ": ":UTC"}, "", "UTC"),
        ({"TZ": PLANTED}, "zoneinfo/UTC", "unknown"),
        ({"TZ": "../../etc/passwd"}, "zoneinfo/UTC", "unknown"),
        ({}, "/usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ({}, f"/somewhere/zoneinfo/{PLANTED}", "unknown"),
        ({}, "", "unknown"),
    ],
)
def test_a_time_zone_is_told_by_a_name_of_the_zone_database_or_not_at_all(
    environment: dict[str, str], link: str, told: str, tmp_path: Path
) -> None:
    if link:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/localtime").symlink_to(link)
    assert time_zone(environment, tmp_path)["name"] == told
