"""Time stamps of a real authority: `openssl ts` accepts what we keep, we find what is wrong, and nothing crashes."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.time_authority import Authority, serving
from tests.vectors import registered
from tests.vectors.builder import Package
from tests.vectors.stories import completed

from awo import plugins
from awo.api.projects import Project
from awo.api.stamping import authorities, stamp_run
from awo.canon.json import canonical
from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.evidence import layout
from awo.gate.project import Policy, read_policy
from awo.gate.timing import TimeSettings
from awo.publish.stamping import ask
from awo.seal.seal import make_read_only
from awo.sign.timestamp import Roots, new_request, read_roots, read_stamp, why_untrusted
from awo.verify.judge import verify
from awo.verify.report import CheckResult, Report, exit_code

DATA = b"the bytes of a seal"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stamped(authority: Authority) -> bytes:
    return authority.stamp(DATA)


@pytest.fixture(scope="module")
def roots(authority: Authority) -> Roots:
    return read_roots(authority.root.read_bytes(), "root.pem")


def says(stamp: bytes, roots: Roots, data: bytes = DATA) -> str:
    """The whole judgement of a stamp: 'trusted', or why not."""
    try:
        if not read_stamp(stamp, "stamp").is_over(data):
            return "over something else"
        return why_untrusted(stamp, data, roots) or "trusted"
    except EvidenceError as error:
        return error.what


# --- what a stamp says ------------------------------------------------------------------------------------


def test_a_stamp_says_when_by_whom_and_over_what(stamped: bytes, roots: Roots) -> None:
    stamp = read_stamp(stamped, "stamp")
    assert abs((stamp.at - datetime.now(UTC)).total_seconds()) < 3600
    assert (stamp.authority, stamp.policy, stamp.hash_name) == ("CN=Test authority", "1.2.3.4.1", "SHA-256")
    assert says(stamped, roots) == "trusted"


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_stronger_digests_are_accepted(authority: Authority, roots: Roots, digest: str) -> None:
    assert says(authority.stamp(DATA, digest), roots) == "trusted"


def test_a_weak_digest_is_refused(authority: Authority, roots: Roots) -> None:
    assert says(authority.stamp(DATA, "sha1"), roots) == "the time stamp is over a weak digest"


def test_an_authority_with_an_rsa_key_is_accepted(tmp_path: Path, roots: Roots) -> None:
    other = Authority(tmp_path, key="rsa")
    stamp = other.stamp(DATA)
    assert says(stamp, read_roots(other.root.read_bytes(), "root.pem")) == "trusted"
    assert says(stamp, roots) == "unable to get local issuer certificate"


def test_a_certificate_that_had_ended_is_not_trusted_and_one_that_ends_later_is(tmp_path: Path) -> None:
    old = Authority(tmp_path)
    stamp = old.stamp(DATA)
    old.certify(ends="20020101000000Z")
    ended = old.stamp(DATA)
    known = read_roots(old.root.read_bytes(), "root.pem")
    assert says(stamp, known) == "trusted"
    assert says(ended, known) == "certificate has expired"


def test_a_certificate_for_something_else_is_not_trusted(tmp_path: Path, stamped: bytes) -> None:
    """openssl makes no such stamp itself, so the purpose of a certificate that fits is changed in its bytes."""
    purpose, other = bytes.fromhex("06082b06010505070308"), bytes.fromhex("06082b06010505070301")
    assert purpose in stamped
    root = read_roots(Authority(tmp_path).root.read_bytes(), "root.pem")
    assert says(stamped.replace(purpose, other), root) == (
        "the time stamp was signed with another certificate than it carries"
    )


@pytest.mark.parametrize(
    ("purpose", "said"),
    [
        ("critical,timeStamping", "trusted"),
        ("timeStamping", "unsuitable certificate purpose"),
        ("critical,codeSigning", "unsuitable certificate purpose"),
        ("critical,timeStamping,codeSigning", "unsuitable certificate purpose"),
    ],
)
def test_a_trusted_authority_stamps_with_certificates_for_time_stamps_alone(
    tmp_path: Path, purpose: str, said: str
) -> None:
    authority = Authority(tmp_path)
    stamp = authority.stamp_as(purpose, DATA)
    assert says(stamp, read_roots(authority.root.read_bytes(), "root.pem")) == said
    (tmp_path / "stamp").write_bytes(stamp)
    assert authority.openssl_says(tmp_path / "stamp", tmp_path / "data") == (said == "trusted")


def test_a_stamp_over_something_else_is_found(stamped: bytes, roots: Roots) -> None:
    assert says(stamped, roots, DATA + b"x") == "over something else"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_no_bit_of_a_stamp_changes_unseen_even_without_roots(stamped: bytes, data: st.DataObject) -> None:
    changed = bytearray(stamped)
    changed[data.draw(st.integers(0, len(stamped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        is_over = read_stamp(bytes(changed), "stamp").is_over(DATA)
    except EvidenceError:
        is_over = False
    assert not is_over


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_a_cut_or_longer_stamp_and_any_bytes_are_refused(stamped: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(stamped) - 1))
    tail = data.draw(st.binary(max_size=40))
    if stamped[:place] + tail != stamped:
        with pytest.raises(EvidenceError):
            read_stamp(stamped[:place] + tail, "stamp")
    with pytest.raises(EvidenceError):
        read_stamp(stamped + (tail or b"x"), "stamp")
    with pytest.raises(EvidenceError):
        read_stamp(tail, "stamp")


def test_a_refusal_of_the_authority_is_no_stamp(authority: Authority) -> None:
    with pytest.raises(EvidenceError, match="did not grant"):
        read_stamp(authority.answer(b"garbage"), "stamp")


def test_a_stamp_that_is_too_large_is_refused() -> None:
    with pytest.raises(EvidenceError, match="too large"):
        read_stamp(b"\x30" * ((1 << 20) + 1), "stamp")


def test_without_the_library_nothing_is_said_and_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "missing_modules", list)
    for act in (lambda: new_request(DATA), lambda: read_stamp(DATA, "stamp")):
        with pytest.raises(CannotCheck) as caught:
            act()
        assert caught.value.hint == "pip install 'awo[time]'"


# --- roots ------------------------------------------------------------------------------------------------


def test_roots_are_read_from_pem_and_from_the_system(authority: Authority, tmp_path: Path) -> None:
    found, name = authorities(str(authority.root))
    assert found is not None
    assert (len(found.certificates), name) == (1, str(authority.root))
    assert authorities("") == (None, "")
    both = tmp_path / "both.pem"
    both.write_bytes(authority.root.read_bytes() * 2 + b"text\n" + (authority.folder / "authority.pem").read_bytes())
    assert len((authorities(str(both))[0] or Roots(())).certificates) == 2


def test_the_store_of_the_system_vouches_for_no_authority_of_ours(
    stamped: bytes, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store.pem"
    store.write_bytes(b"-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    with pytest.raises(UsageError, match="no certificate"):
        authorities("system")
    store.write_bytes(store.read_bytes() + authority.root.read_bytes())
    found, _ = authorities("system")
    assert found is not None
    assert says(stamped, found) == "trusted"


@pytest.mark.parametrize("text", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "roots.pem"
    path.write_bytes(text)
    with pytest.raises(UsageError):
        authorities(str(path))
    with pytest.raises(UsageError):
        authorities(str(tmp_path / "nowhere.pem"))


# --- asking for one ---------------------------------------------------------------------------------------


def test_an_authority_is_asked_over_http_and_openssl_accepts_what_it_gave(authority: Authority, tmp_path: Path) -> None:
    with serving(authority.honest) as url:
        given = ask(url, DATA)
    (tmp_path / "stamp").write_bytes(given.data)
    (tmp_path / "data").write_bytes(DATA)
    assert authority.openssl_says(tmp_path / "stamp", tmp_path / "data")
    (tmp_path / "data").write_bytes(DATA + b"x")
    assert not authority.openssl_says(tmp_path / "stamp", tmp_path / "data")


def test_an_old_stamp_played_again_and_one_of_something_else_are_refused(authority: Authority) -> None:
    old = authority.stamp(DATA)
    with serving(lambda query: (200, "application/timestamp-reply", old)) as url:
        with pytest.raises(EvidenceError, match="nonce"):
            ask(url, DATA)
        with pytest.raises(EvidenceError, match="something else"):
            ask(url, DATA + b"x")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "application/timestamp-reply", b"garbage"), "not a time stamp"),
        ((200, "application/timestamp-reply", b""), "not a time stamp"),
        ((200, "application/timestamp-reply", bytes((1 << 20) + 1)), "too much"),
        ((200, "text/html", b"<html>"), "no authority"),
        ((500, "application/timestamp-reply", b""), "gives no time stamp"),
        ((302, "text/html", b""), "redirect"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: tuple[int, str, bytes], said: str) -> None:
    with serving(lambda query: answer) as url, pytest.raises(AwoError, match=said):
        ask(url, DATA)


def test_a_server_that_never_answers_and_one_that_is_down_are_said(authority: Authority) -> None:
    release = threading.Event()

    def hanging(query: bytes) -> tuple[int, str, bytes]:
        release.wait(20)
        return 200, "application/timestamp-reply", b""

    with serving(hanging) as url:
        with pytest.raises(CannotCheck, match="in time"):
            ask(url, DATA, timeout_s=0.2)
        release.set()
    with pytest.raises(CannotCheck, match="cannot be reached"):
        ask(url, DATA)


# --- on a run ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return completed().freeze().write(tmp_path)


def judged(folder: Path, roots: Roots | None) -> tuple[CheckResult, Report]:
    report = verify(folder, roots=roots, roots_name="roots.pem")
    return next(one for one in report.checks if one.check.id == "EP-6.3"), report


def test_a_sealed_run_is_stamped_and_stays_read_only(
    folder: Path, authority: Authority, roots: Roots, tmp_path: Path
) -> None:
    make_read_only(folder)
    with serving(authority.honest) as url:
        here = Project(tmp_path, tmp_path, Policy(time=TimeSettings(url, stamp=False)))
        first = stamp_run(here, folder)
        again = stamp_run(here, folder, url)
    assert again.stamp.serial_number != first.stamp.serial_number
    assert again.path == folder / layout.TIME_STAMP
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder / layout.AUDIT, again.path)}
    assert modes == {0o555, 0o444}
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name]
    assert authority.openssl_says(again.path, folder / layout.SEAL)
    result, report = judged(folder, roots)
    assert result.verdict == "passed"
    assert "the seal was there by" in result.notes[0]
    assert exit_code(report) == 0
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_run_that_is_not_sealed_and_an_unnamed_authority_are_refused(tmp_path: Path, folder: Path) -> None:
    here = Project(tmp_path, tmp_path, Policy())
    with pytest.raises(UsageError, match="no authority"):
        stamp_run(here, folder)
    (folder / layout.SEAL_SIGNATURE).unlink()
    with pytest.raises(UsageError, match="not sealed"):
        stamp_run(here, folder, "http://127.0.0.1:1/")


def test_a_stamp_that_would_speak_against_the_run_is_not_written(authority: Authority, tmp_path: Path) -> None:
    folder = completed().freeze(at="2999-01-01T00:00:00.000000Z").write(tmp_path)
    with serving(authority.honest) as url, pytest.raises(EvidenceError, match="before that of the seal"):
        stamp_run(Project(tmp_path, tmp_path, Policy()), folder, url)
    assert not (folder / layout.TIME_STAMP).exists()


def test_without_roots_a_stamp_is_not_checked_and_says_what_it_claims(
    folder: Path, authority: Authority, tmp_path: Path
) -> None:
    (folder / layout.TIME_STAMP).write_bytes(authority.stamp((folder / layout.SEAL).read_bytes()))
    result, report = judged(folder, None)
    assert (result.verdict, exit_code(report)) == ("not_checked", 0)
    finding = result.findings[0]
    assert "by CN=Test authority" in finding.got
    assert "--tsa-roots" in finding.hint
    other = read_roots(Authority(tmp_path / "other").root.read_bytes(), "other.pem")
    result, report = judged(folder, other)
    assert result.verdict == "not_checked"
    assert "unable to get local issuer" in result.findings[0].what
    assert exit_code(report, frozenset({"registration"})) == 7


def test_a_run_without_a_stamp_is_not_checked(folder: Path, roots: Roots) -> None:
    assert judged(folder, roots)[0].verdict == "not_checked"


@pytest.mark.parametrize("has_roots", [True, False])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda stamp: b"garbage", "not a time stamp"),
        (lambda stamp: b"", "not a time stamp"),
        (lambda stamp: stamp[:-4] + bytes(4), "does not hold"),
    ],
)
def test_a_stamp_that_is_altered_fails(
    folder: Path, authority: Authority, roots: Roots, has_roots: bool, change: Callable[[bytes], bytes], said: str
) -> None:
    stamp = authority.stamp((folder / layout.SEAL).read_bytes())
    (folder / layout.TIME_STAMP).write_bytes(change(stamp))
    result, report = judged(folder, roots if has_roots else None)
    assert result.verdict == "failed"
    assert said in result.findings[0].what
    assert exit_code(report) == 3


def test_a_stamp_of_another_seal_and_one_before_the_seal_fail(
    folder: Path, authority: Authority, roots: Roots, tmp_path: Path
) -> None:
    (folder / layout.TIME_STAMP).write_bytes(authority.stamp(b"another seal"))
    assert "something else than the seal" in judged(folder, roots)[0].findings[0].what
    early: Package = completed().freeze(at="2999-01-01T00:00:00.000000Z")
    later = early.write(tmp_path / "later")
    (later / layout.TIME_STAMP).write_bytes(authority.stamp(early.files[layout.SEAL]))
    assert "earlier than the seal" in judged(later, roots)[0].findings[0].what


def stamped_checkpoint(stamp: Callable[[str], bytes]) -> Package:
    """A registered package with a time stamp over the text of its checkpoint."""
    package = registered.good()["registered"].package
    record = json.loads(package.files[layout.REGISTRATION])
    text = record["checkpoint"].partition("\n\n")[0] + "\n"
    record["stamp"] = base64.b64encode(stamp(text)).decode()
    package.put(layout.REGISTRATION, canonical(record))
    return package


def test_a_stamp_over_the_checkpoint_of_the_ledger_is_checked(
    authority: Authority, roots: Roots, tmp_path: Path
) -> None:
    right = stamped_checkpoint(lambda text: authority.stamp(text.encode())).write(tmp_path / "right")
    result, _ = judged(right, roots)
    assert (result.verdict, result.notes[0][:34]) == ("passed", "the checkpoint of the ledger was t")
    wrong = stamped_checkpoint(lambda text: authority.stamp(text.encode()[:-1])).write(tmp_path / "wrong")
    assert "something else than the checkpoint" in judged(wrong, roots)[0].findings[0].what
    package = stamped_checkpoint(lambda text: b"\x00")
    spelled = package.files[layout.REGISTRATION].replace(b'"stamp":"AA=="', b'"stamp":"AB=="')
    package.put(layout.REGISTRATION, spelled)
    assert "one spelling" in judged(package.write(tmp_path / "spelled"), roots)[0].findings[0].what


def test_without_the_library_a_stamp_is_not_checked(
    folder: Path, stamped: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / layout.TIME_STAMP).write_bytes(stamped)
    monkeypatch.setattr(plugins, "missing_modules", list)
    result, _ = judged(folder, None)
    assert (result.verdict, result.findings[0].hint) == ("not_checked", "pip install 'awo[time]'")


# --- settings ---------------------------------------------------------------------------------------------


def test_awo_toml_names_the_authority() -> None:
    text = '[time]\nauthority = "https://tsa.example.org/"\nstamp = true\n'
    assert read_policy(text, where="awo.toml").time == TimeSettings("https://tsa.example.org/", stamp=True)
    assert read_policy("", where="awo.toml").time == TimeSettings()


@pytest.mark.parametrize(
    "text", ["authority = 3", 'authority = "ftp://x"', "stamp = true", 'stamp = "yes"', 'authoritty = "https://x"']
)
def test_a_wrong_setting_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_policy(f"[time]\n{text}\n", where="awo.toml")
