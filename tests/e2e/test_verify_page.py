"""verify.html in a real browser, from a file, without a network: it finds what `awo verify` finds, and nothing acts."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, sync_playwright
from tests.e2e.installed import Project
from tests.security_key import NOT_TOUCHED, TOUCHED, SecurityKey
from tests.vectors import make, redacted
from tests.vectors.builder import RUN_ID, gzip_of, in_bundle_order, member, tar_of
from tests.vectors.stories import Vector, approved, completed

import awo.verify
from awo.canon.json import encode_sorted
from awo.canon.ustar import END
from awo.evidence.layout import BESIDE
from awo.sign.sshkeys import SK_ECDSA, SK_ED25519
from awo.verify.checks import CHECKS
from awo.verify.judge import verify

PAGE = Path(awo.verify.__file__).parent / "standalone" / "verify.html"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MUTATIONS = 50
LARGE_BYTES = 60 << 20

JUDGE = """async ([kind, files, trust, name]) => {
  const bytes = text => Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
  const source = kind === "bundle" ? new File([bytes(files)], name)
    : files.map(([path, data]) => [path, new File([bytes(data)], path)]);
  const found = await awo.verify(source, {trust: trust === null ? null : awo.readSigners(bytes(trust)), top: name});
  return {verdict: found.verdict, checks: found.checks.map(one => [one.id, one.title, one.verdict])};
}"""
CHECK_SIGNATURE = """async ([armored, message]) => {
  const bytes = text => Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
  try { return (await awo.checkSignature(bytes(armored), bytes(message), "awo-decision")).isTouched; }
  catch (problem) { return problem.message; }
}"""


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass(frozen=True)
class Opened:
    """The page in a browser, every address that it asked for, and every complaint of the browser about it."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    """The page, opened from its file in one browser for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        opened = Opened(browser.new_page())
        opened.page.on("request", lambda request: opened.asked.append(request.url))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("console", lambda said: opened.complaints.append(said.text))
        opened.page.goto(PAGE.as_uri())
        yield opened
        browser.close()


@pytest.fixture
def page(opened: Opened) -> Iterator[Page]:
    """The page for one test, after which it has asked for nothing but itself, and broken nothing."""
    yield opened.page
    assert all(url.startswith(("file://", "blob:")) for url in opened.asked), opened.asked
    assert opened.complaints == []


def judged(page: Page, source: bytes | Mapping[str, bytes], trust: str | None = None) -> Any:
    """What the page finds in a bundle, or in a folder given by its files."""
    listed = None if trust is None else b64(trust.encode())
    if isinstance(source, bytes):
        return page.evaluate(JUDGE, ["bundle", b64(source), listed, make.BUNDLE])
    return page.evaluate(JUDGE, ["folder", [[path, b64(data)] for path, data in source.items()], listed, RUN_ID])


def by_verdict(found: Any, verdict: str) -> list[str]:
    return [id_ for id_, _, said in found["checks"] if said == verdict]


def choose(page: Page, name: str, data: bytes | Path) -> None:
    """Chooses a bundle as a person does, and waits for the verdict."""
    page.goto(PAGE.as_uri())
    if isinstance(data, Path):
        page.set_input_files("#bundle", data)
    else:
        page.set_input_files("#bundle", {"name": name, "mimeType": "application/gzip", "buffer": data})
    page.wait_for_selector("#verdict", timeout=60_000)


GOOD = gzip_of(tar_of(approved().freeze()))


# --- the source ---------------------------------------------------------------------------------------------------


def test_the_policy_of_the_page_names_its_one_style_and_its_one_script_and_nothing_else() -> None:
    text = PAGE.read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    for name in ("style", "script"):
        inside = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert len(inside) == 1
        expected = b64(hashlib.sha256(inside[0].encode()).digest())
        assert f"{name}-src 'sha256-{expected}'" in policy[1], f"{name}-src must be 'sha256-{expected}'"
    assert policy[1].startswith("default-src 'none'; connect-src 'none'; ")


def test_the_page_never_turns_text_into_markup_or_code_and_names_no_address() -> None:
    text = PAGE.read_text()
    dangerous = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|setTimeout\(['\"]|srcdoc"
    assert re.findall(dangerous, text) == []
    assert re.findall(r"\b(?:fetch|XMLHttpRequest|WebSocket|importScripts|sendBeacon)\b|https?://", text) == []


# --- what it computes with -----------------------------------------------------------------------------------------


def test_its_digests_are_those_of_the_browser(page: Page) -> None:
    wrong = page.evaluate("""async () => {
      const wrong = [];
      for (const size of [0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 239, 240, 4097, 65536]) {
        const data = crypto.getRandomValues(new Uint8Array(size));
        const whole = new awo.Sha256();
        for (let at = 0; at < size; at += 7) whole.update(data.subarray(at, at + 7));
        const expected = async name => awo.hex(new Uint8Array(await crypto.subtle.digest(name, data)));
        if (awo.hex(whole.digest()) !== await expected("SHA-256")) wrong.push(["SHA-256", size]);
        const once = awo.hex(new awo.Sha256().update(data).digest());
        if (once !== await expected("SHA-256")) wrong.push(["at once", size]);
        if (awo.hex(awo.sha512(data)) !== await expected("SHA-512")) wrong.push(["SHA-512", size]);
      }
      return wrong;
    }""")
    assert wrong == []


def test_its_fractions_are_spelled_as_the_package_spells_them(page: Page) -> None:
    chance = random.Random(6)
    numbers = [
        0.5,
        1.0,
        -0.0,
        1e16,
        1.5e-7,
        1e15,
        123456789012345680.0,
        0.00001,
        0.000009999,
        5e-324,
        1.7976931348623157e308,
    ]
    numbers += [chance.uniform(-1, 1) * 10.0 ** chance.randint(-20, 25) for _ in range(300)]
    assert page.evaluate("list => list.map(awo.fraction)", numbers) == [encode_sorted(one).decode() for one in numbers]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 2048"])
def test_a_signature_by_each_kind_of_key_holds_over_its_bytes_alone(page: Page, tmp_path: Path, kind: str) -> None:
    key, message = tmp_path / "key", tmp_path / "message"
    message.write_bytes(b"what was decided")
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", key, "-t", *kind.split()], check=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "awo-decision", "-f", key, message], check=True)
    armored = (tmp_path / "message.sig").read_bytes()
    assert page.evaluate(CHECK_SIGNATURE, [b64(armored), b64(b"what was decided")]) is False
    assert "does not hold" in page.evaluate(CHECK_SIGNATURE, [b64(armored), b64(b"what was denied")])


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
def test_a_signature_by_a_security_key_counts_only_when_it_was_touched(page: Page, algorithm: str) -> None:
    device, message = SecurityKey(algorithm, 7), b"what was decided"
    touched, not_touched = (device.sign(message, "awo-decision", flags=flags) for flags in (TOUCHED, NOT_TOUCHED))
    assert page.evaluate(CHECK_SIGNATURE, [b64(touched), b64(message)]) is True
    assert "without being touched" in page.evaluate(CHECK_SIGNATURE, [b64(not_touched), b64(message)])
    elsewhere = device.sign(message, "awo-seal", flags=TOUCHED)
    assert "another purpose" in page.evaluate(CHECK_SIGNATURE, [b64(elsewhere), b64(message)])


# --- it agrees with awo verify --------------------------------------------------------------------------------------


def as_given(vector: Vector) -> bytes | dict[str, bytes]:
    return vector.bundle or vector.package.files


def test_every_vector_is_judged_as_it_expects(page: Page) -> None:
    vectors = make.vectors()
    vectors |= {name: one for name, one in (redacted.good() | redacted.bad()).items() if name not in vectors}
    titles = {check.id: check.title for check in CHECKS}
    for name, vector in vectors.items():
        found = judged(page, as_given(vector), vector.trust)
        made = {id_: title for id_, title, _ in found["checks"]}
        assert made == {id_: titles[id_] for id_ in made}
        for said, expected in (("failed", vector.failed), ("not_checked", vector.not_checked)):
            assert by_verdict(found, said) == [id_ for id_ in expected if id_ in made], (name, said)
        if vector.failed:
            assert (found["verdict"] == "failed") == any(id_ in made for id_ in vector.failed), name


def test_a_redacted_package_passes_although_texts_are_withheld(page: Page) -> None:
    for vector in redacted.good().values():
        assert judged(page, as_given(vector), vector.trust)["verdict"] == "passed"


def mutated(chance: random.Random) -> bytes:
    """The good bundle with one thing done to it."""
    package = approved().freeze()
    files, path = package.files, chance.choice(sorted(package.files))
    data, other = files[path], chance.choice(sorted(package.files))
    place = chance.randrange(len(data))

    def spoil_gzip() -> bytes:
        at = chance.randrange(len(GOOD))
        return chance.choice(
            (
                GOOD[:at],
                GOOD[:at] + bytes([GOOD[at] ^ 1 << chance.randrange(8)]) + GOOD[at + 1 :],
                GOOD + b"\0",
                GOOD + GOOD,
            )
        )

    def swap_lines() -> bytes:
        lines = data.splitlines(keepends=True)
        chance.shuffle(lines)
        return b"".join(lines)

    acts: dict[str, Callable[[], Any]] = {
        "flip": lambda: files.update(
            {path: data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]}
        ),
        "cut": lambda: files.update({path: data[:place]}),
        "insert": lambda: files.update({path: data[:place] + chance.randbytes(3) + data[place:]}),
        "swap lines": lambda: files.update({path: swap_lines()}),
        "swap files": lambda: files.update({path: files[other], other: data}),
        "remove": lambda: files.pop(path),
        "add": lambda: files.update({f"{path}.copy": data}),
        "another run": lambda: files.update({path: completed().freeze().files.get(path, b"")}),
    }
    what = chance.choice([*acts, "gzip"])
    if what == "gzip":
        return spoil_gzip()
    acts[what]()
    members = (member(f"{RUN_ID}/{one}", files[one], package.mtime) for one in in_bundle_order(files))
    return gzip_of(b"".join(members) + END)


def test_mutated_bundles_fail_the_same_checks_as_with_awo_verify(page: Page, tmp_path: Path) -> None:
    chance = random.Random(2026)
    for number in range(MUTATIONS):
        bundle = mutated(chance)
        place = tmp_path / make.BUNDLE
        place.write_bytes(bundle)
        expected, found = verify(place), judged(page, bundle)
        made = {id_ for id_, _, _ in found["checks"]}
        failed = [one.check.id for one in expected.results("failed") if one.check.id in made]
        assert by_verdict(found, "failed") == failed, number
        assert (found["verdict"] == "failed") == (expected.verdict == "failed"), number


def test_what_stands_behind_the_run_in_a_bundle_is_known_by_name_and_in_one_order(page: Page) -> None:
    package = approved().freeze()
    tar = tar_of(package).removesuffix(END)
    verifier, cite, crate, parts = (member(BESIDE[n], b"anything", package.mtime) for n in (0, 2, 3, 4))
    for good in (verifier, crate, verifier + cite + crate + parts, cite + parts):
        assert judged(page, gzip_of(tar + good + END))["verdict"] == "passed"
    stray = member("note.txt", b"anything", package.mtime)
    for bad in (crate + cite, cite + cite, stray, cite + stray, parts + verifier):
        assert by_verdict(judged(page, gzip_of(tar + bad + END)), "failed") == ["EP-1.2"]
    assert judged(page, gzip_of(cite + tar + END))["verdict"] == "failed"


def test_a_key_that_lacks_or_is_not_ascii_is_no_canonical_json_for_the_page_and_for_awo_verify(
    page: Page, tmp_path: Path
) -> None:
    journal, seal = "audit/journal.jsonl", "audit/seal.json"
    for number, (path, before, after, check) in enumerate(
        (
            (seal, '"report_layout":0,', "", "EP-1.4"),
            (journal, '"report_layout":0,', "", "EP-1.5"),
            (journal, '},"kind":"environment_recorded"', ',"\u00b5":"x"},"kind":"environment_recorded"', "EP-1.5"),
        )
    ):
        package = approved().freeze()
        assert before.encode() in package.files[path]
        package.files[path] = package.files[path].replace(before.encode(), after.encode(), 1)
        judge = verify(package.write(tmp_path / str(number)))
        assert check in [one.check.id for one in judge.results("failed")]
        assert check in by_verdict(judged(page, package.files), "failed")


def test_a_real_run_that_was_exported_passes(page: Page, sealed: Project) -> None:
    bundle = sealed.top / "run.tar.gz"
    sealed.awo("export", "latest", "-o", str(bundle)).expect(0)
    choose(page, bundle.name, bundle)
    assert page.inner_text("#verdict") == "Verified"
    assert "alice@example.org" in page.inner_text("#result")


# --- what a person sees ---------------------------------------------------------------------------------------------


def test_a_dropped_bundle_is_judged_as_a_chosen_one(page: Page) -> None:
    page.goto(PAGE.as_uri())
    dropped = page.evaluate_handle(
        """data => { const moved = new DataTransfer();
        moved.items.add(new File([Uint8Array.from(atob(data), sign => sign.charCodeAt(0))], "run.tar.gz"));
        return moved; }""",
        b64(GOOD),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    page.wait_for_selector("#verdict")
    assert page.inner_text("#verdict") == "Verified"
    assert page.inner_text("[role=status]") == "Done: Verified."
    assert page.evaluate("document.activeElement.id") == "verdict"


def test_a_chosen_folder_and_a_chosen_list_of_signers_are_read(page: Page, tmp_path: Path) -> None:
    vector = make.vectors()["good/approved"]
    folder = vector.package.write(tmp_path / "runs")
    (tmp_path / "trust").write_text(vector.trust)
    page.goto(PAGE.as_uri())
    page.set_input_files("#trust", tmp_path / "trust")
    page.set_input_files("#folder", folder)
    page.wait_for_selector("#verdict")
    assert page.inner_text("#verdict") == "Verified"
    assert page.locator("ul.checks > li.passed").count() == page.locator("ul.checks > li").count()


def test_what_is_withheld_is_said_with_its_reason(page: Page) -> None:
    vector = redacted.good()["redacted-twice"]
    assert vector.bundle is not None
    choose(page, make.BUNDLE, vector.bundle)
    said = page.inner_text("section[aria-labelledby=withheld]")
    assert "a patient is named" in said
    assert "outputs/greet/responses.jsonl" in said
    assert page.inner_text("#verdict") == "Verified"
    assert "Of what is withheld the seal has only digests." in page.inner_text("section.verdict")


def test_of_a_file_that_is_no_bundle_nothing_is_said_of_a_run(page: Page) -> None:
    choose(page, "notes.txt", b"these are my notes")
    said = page.inner_text("section.verdict")
    assert "Does not verify" in said
    assert "not sealed" not in said
    assert "not finished" not in said


HOSTILE = (
    '<img src=x onerror="window.struck=1"> <script>window.struck=2</script> [here](javascript:window.struck=3) '
    "![x](https://example.invalid/x.png) <svg onload=window.struck=4> **<b>bold</b>** `</code><script>window.struck=5"
    "</script>` &lt;script&gt; \u202e reversed"
)


def test_hostile_texts_are_shown_and_do_nothing(page: Page) -> None:
    package = approved(comment=HOSTILE)
    blocks = (f"# {HOSTILE}", HOSTILE, f"- {HOSTILE}", f"| {HOSTILE} |\n| --- |\n| {HOSTILE} |", f"> {HOSTILE}")
    report = "\n\n".join((*blocks, f"```html\n{HOSTILE}\n```\n"))
    package.files["report.md"] = report.encode()
    package.files["outputs/onerror=window.struck=6 'x'.txt"] = b"x"
    choose(page, "<img src=x onerror=window.struck=7>.tar.gz", gzip_of(tar_of(package.freeze())))
    assert page.evaluate("window.struck === undefined")
    assert (
        page.locator(
            "#result :is(a, img, script, svg, iframe, object, embed, link, style, form, [onerror], [onload])"
        ).count()
        == 0
    )
    assert "<script>window.struck=2</script>" in page.inner_text("section[aria-labelledby=decisions]")
    shown = page.inner_text(".report")
    assert "<script>window.struck=2</script>" in shown
    assert "⟨U+202E⟩" in shown
    assert "\u202e" not in shown


def test_the_page_fits_a_narrow_screen_and_each_control_has_a_name(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    choose(page, make.BUNDLE, GOOD)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    unnamed = "[...document.querySelectorAll('input')].filter(one => !one.labels.length).length"
    assert page.evaluate(unnamed) == 0
    page.set_viewport_size({"width": 1000, "height": 800})


# --- large bundles ---------------------------------------------------------------------------------------------------


def test_a_large_bundle_is_read_in_a_stream_and_not_held(page: Page, tmp_path: Path) -> None:
    package = approved()
    block = random.Random(1).randbytes(1 << 20).hex().encode()
    package.files["outputs/save/files/large.txt"] = block * (LARGE_BYTES // len(block))
    size = len(package.files["outputs/save/files/large.txt"])
    tar = tar_of(package.freeze())
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = deflate.compress(tar) + deflate.flush()
    bundle = tmp_path / make.BUNDLE
    bundle.write_bytes(GOOD[:10] + packed + struct.pack("<II", zlib.crc32(tar), len(tar) & 0xFFFFFFFF))
    devtools = page.context.new_cdp_session(page)
    page.goto(PAGE.as_uri())
    before = held_bytes(devtools)
    page.set_input_files("#bundle", bundle)
    during = [held_bytes(devtools) for _ in iter(lambda: page.locator("#verdict").count(), 1)]
    assert len(during) > 1
    assert max((*during, held_bytes(devtools))) - before < size / 4
    assert page.locator("li.failed > .mono").all_inner_texts() == ["EP-2.7"]  # nobody recorded it


def held_bytes(devtools: CDPSession) -> int:
    """What the page holds after a collection: objects and the buffers behind them."""
    devtools.send("HeapProfiler.collectGarbage")
    usage = devtools.send("Runtime.getHeapUsage")
    return int(usage["usedSize"] + usage.get("backingStorageSize", 0))
