"""The scan finds each kind of secret and personal data, wherever it stands, and nothing in our own records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from awo.errors import ScanFindings, UsageError
from awo.evidence.exchanges import FORMAT, Body, Exchange, encode, frame
from awo.evidence.redaction import Waiver
from awo.publish.scan import candidates as candidates_file
from awo.publish.scan.findings import Scanned, masked, read_waivers
from awo.publish.scan.scanner import Scanner
from awo.publish.scan.secrets import LEFT_OUT, RULES

RESPONSES = "outputs/ask/responses.jsonl"
_LETTERS = "aB3dE6gH1jK4mN7pQ0sT5vW8yZ2bC9fG"


def letters(count: int) -> str:
    return (_LETTERS * 4)[:count]


PLANTED = {
    "aws-key": "AKIA" + "Z7Q2M4N8B6V3C1X5",
    "azure-key": "AccountKey=" + letters(86) + "==",
    "password-in-url": "https://robot:" + "hunter2sword" + "@db.internal/x",
    "discord-token": "M" + letters(23) + "." + letters(6) + "." + letters(27),
    "github-token": "ghp_" + letters(36),
    "gitlab-token": "glpat-" + letters(20),
    "json-web-token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0." + letters(43),
    "mailchimp-key": "0123456789abcdef" * 2 + "-us12",
    "npm-token": "//registry.host/:_authToken=npm_" + letters(36),
    "openai-key": "sk-" + letters(20) + "T3BlbkFJ" + letters(20),
    "private-key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nAAAA\n-----END",
    "pypi-token": "pypi-AgEIcHlwaS5vcmc" + letters(70),
    "sendgrid-key": "SG." + letters(22) + "." + letters(43),
    "slack-token": "https://hooks." + "slack.com/services/T0000AAAA/B0000AAAA/" + letters(24),
    "square-secret": "sq0csp-" + letters(43),
    "stripe-key": "sk_live_" + letters(24),
    "telegram-token": "123456789:" + letters(35),
    "twilio-key": "SK" + "0123456789abcdef" * 2,
    "anthropic-key": "sk-ant-" + "api03-" + letters(40),
    "google-key": "AIza" + letters(35),
    "groq-key": "gsk_" + letters(52),
    "hugging-face-token": "hf_" + letters(34),
    "xai-key": "xai-" + letters(60),
    "email": "jane.roe@" + "hospital-nord.de",
    "phone": "+49 30 " + "901820 12",
    "iban": "DE89 3704 0044 " + "0532 0130 00",
    "card": "4111 1111 " + "1111 1111",
    "id-be": "85.07.30-" + "033.28",
    "id-br": "390.533." + "447-05",
    "id-ch": "756.9217." + "0769.85",
    "id-cn": "360426199101" + "010071",
    "id-es": "54362315K",
    "id-fi": "131052-" + "308T",
    "id-fr": "2950574" + "637025" + "91",
    "id-it": "RCCMNL83" + "S18D969H",
    "id-mx": "BOXW310820" + "HNERXN09",
    "id-se": "880320-" + "0016",
}
"""Something of every kind that the scan knows, in pieces, so that no scan of this source finds them."""

SPELLINGS = {
    "spoken": lambda text: f"please see {text} and answer",
    "quoted": lambda text: f"it said '{text}'",
    "after a line": lambda text: f"first line\n{text}\nlast line",
    "told in JSON": lambda text: json.dumps({"choices": [{"message": {"content": f"it is {text} "}}]}),
}


def scan(*files: tuple[str, bytes], waivers: tuple[Waiver, ...] = (), piece_bytes: int = 1 << 20) -> Scanned:
    scanner = Scanner(waivers)
    for path, data in files:
        scanner.begin(path)
        for start in range(0, len(data), piece_bytes):
            scanner.feed(data[start : start + piece_bytes])
        scanner.end()
    return scanner.scanned()


def line_of(text: str, *, is_ascii: bool = False) -> bytes:
    record = {"call": "r1", "model": "echo", "salt": "5e" * 16, "seed": 7, "text": text}
    return json.dumps(record, ensure_ascii=is_ascii, separators=(",", ":")).encode() + b"\n"


def test_every_rule_of_the_library_is_used_or_left_out_with_a_reason() -> None:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    classes: Any = get_mapping_from_secret_type_to_class()  # what it gives is typed in some readings only
    there = {plugin.__name__ for plugin in classes.values()}
    assert there == {rule.name for rule in RULES} | set(LEFT_OUT)


def test_something_of_every_kind_is_planted_here() -> None:
    assert {rule.kind for rule in RULES} <= set(PLANTED)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_in_an_answer_is_found_with_its_line_and_kind(kind: str, spelling: str) -> None:
    plain = line_of("nothing to see")
    found = scan((RESPONSES, plain * 2 + line_of(SPELLINGS[spelling](PLANTED[kind])) + plain)).findings
    assert [(one.path, one.line) for one in found if one.kind == kind] == [(RESPONSES, 3)]
    assert {one.key for one in found} <= {"text", "content"}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_in_a_plain_file_is_found(kind: str) -> None:
    found = scan(("outputs/a/files/notes.md", f"# Notes\n\nsee {PLANTED[kind]} there\n".encode())).findings
    assert (kind, 3) in [(one.kind, one.line) for one in found]


@pytest.mark.parametrize("kind", PLANTED)
def test_nothing_that_is_said_holds_what_was_found(kind: str) -> None:
    done = scan((RESPONSES, line_of(f"see {PLANTED[kind]} there")))
    with pytest.raises(ScanFindings) as error:
        done.refuse_findings("awo export x")
    said = f"{error.value}{error.value.as_dict()}{done.as_dict()}{done.findings!r}"
    for secret in [PLANTED[kind], *re.findall(r"[\w.-]{7,}", PLANTED[kind])]:
        if secret not in ("hospital-nord.de", "OPENSSH", "PRIVATE", "registry.host", "-----BEGIN", "services"):
            assert secret not in said


def test_escaped_characters_hide_nothing() -> None:
    escaped = line_of("ask x").replace(b"ask x", rb"ask jane.roe\u0040hospital-nord.de and \u0041KIAZ7Q2M4N8B6V3C1X5")
    inner = json.dumps({"a": escaped.decode()}).encode()
    for line in (escaped, line_of(escaped.decode()), line_of(inner.decode(), is_ascii=True)):
        assert {one.kind for one in scan((RESPONSES, line)).findings} == {"email", "aws-key"}
    slashes = line_of("see x").replace(b"see x", rb"https:\/\/robot:hunter2sword@db.internal\/x")
    assert [one.kind for one in scan((RESPONSES, slashes)).findings] == ["password-in-url"]


def test_an_exchange_is_unpacked_and_counted() -> None:
    def one(text: str) -> bytes:
        content = json.dumps({"messages": [{"content": text}]})
        body = Body(headers=[], encoding="utf-8", content=content)
        nothing = Body(headers=[], encoding="utf-8", content="")
        said = Exchange(
            format=FORMAT, salt="ab" * 16, step="ask", call="r1", model="m", sent_at="2026-01-02T03:04:05.000000Z",
            elapsed_ms=1, method="POST", url="http://127.0.0.1/v1", request=body, status=200, response=nothing,
            error="",
        )  # fmt: skip
        return frame(encode(said))

    data = one("hello") + one("hello") + one(PLANTED["github-token"])
    for piece_bytes in (1 << 20, 7):
        found = scan(("audit/raw/00001.jsonl.gz", data), piece_bytes=piece_bytes).findings
        assert [(one.kind, one.line) for one in found] == [("github-token", 3)]


def test_where_the_pieces_of_a_file_end_changes_nothing() -> None:
    data = b"".join(line_of(f"{number} {PLANTED['email'] if number % 50 == 0 else ''}") for number in range(200))
    whole = scan((RESPONSES, data)).findings
    assert [one.line for one in whole] == [1, 51, 101, 151]
    assert scan((RESPONSES, data), piece_bytes=13).findings == whole


def test_a_long_line_is_found_in_blocks_of_lines() -> None:
    plain = line_of("word " * 20_000)
    data = plain * 8 + line_of("word " * 90_000 + PLANTED["iban"]) + plain
    assert [(one.kind, one.line) for one in scan((RESPONSES, data), piece_bytes=1 << 16).findings] == [("iban", 9)]


HARMLESS = {
    "digests": {"sha256": "4111111111111111" * 4, "salt": "3704004405320130" * 2},
    "floats": {"score": 0.4111111111111111, "p": 0.30000000000000004, "text": "p = 0.4111111111111111"},
    "seeds": {"seed": 4111111111111111, "params": {"seed": 5555555555554444}},
    "times": {"at": "2026-01-02T03:04:05.123456Z", "text": "run_2026-01-02T03-04-05Z-2"},
    "code": {"text": "@dataclass\nclass A: ...\ngit@github.com:someone/thing.git  pip install a==1.2.3.4"},
    "sums": {"text": "x = 3 +1234567890123, y+49301234567, a+b"},
    "keys": {"key": "SHA256:" + letters(43), "text": "sk-ssh-ed25519@openssh.com ssh-ed25519 " + letters(68)},
    "examples": {"text": "ask alice@example.org, bob@mail.example.com or c@d.test"},
    "prose": {"text": "The password is secret. api_key = none. Call 555 0100 and pay 12.345.678 EUR."},
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_our_records_and_answers_are_full_of_is_no_finding(what: str) -> None:
    record = json.dumps(HARMLESS[what], separators=(",", ":")).encode() + b"\n"
    texts = json.dumps(HARMLESS[what], indent=2).encode()
    assert scan((RESPONSES, record), ("outputs/a/output.json", texts)).findings == []


def test_people_who_signed_are_expected_wherever_they_stand_and_others_are_not() -> None:
    me, other = "jane.roe@hospital-nord.de", "patient.nine@hospital-nord.de"
    files = (
        ("audit/allowed_signers", f'{me} namespaces="awo-seal" ssh-ed25519 {letters(60)} {me}\n'.encode()),
        ("audit/decisions/0001-review.json", json.dumps({"comment": f"ask {other}", "signer": me}).encode()),
        (
            "audit/journal.jsonl",
            json.dumps({"kind": "run_started", "starter": {"id": "joe@hospital-nord.de"}}).encode(),
        ),
        ("report.md", f"approved by {me}, started by joe@hospital-nord.de\n".encode()),
    )
    done = scan(*files)
    assert [(one.kind, one.where, one.key) for one in done.findings] == [
        ("email", "audit/decisions/0001-review.json:1", "comment")
    ]
    assert done.signers == 2


def test_the_id_of_a_finding_says_nothing_of_the_text() -> None:
    first = scan((RESPONSES, line_of("a@hospital-nord.de"))).findings[0]
    second = scan((RESPONSES, line_of("bb@klinik-sued.de"))).findings[0]
    assert first.id == second.id
    assert first.id != scan((RESPONSES, line_of("x") + line_of("a@hospital-nord.de"))).findings[0].id


def test_a_secret_that_is_a_key_or_the_name_of_a_file_is_found_and_not_printed() -> None:
    key, name = PLANTED["github-token"], PLANTED["hugging-face-token"]
    line = json.dumps({key: PLANTED["email"]}).encode()
    done = scan((f"outputs/note/files/{name}.json", line))
    assert {(one.kind, one.line) for one in done.findings} == {
        ("hugging-face-token", 0),
        ("github-token", 1),
        ("email", 1),
    }
    printed = json.dumps(done.as_dict(), ensure_ascii=False) + "".join(map(str, done.findings))
    assert [text for text in (key, name) if text in printed] == []
    assert printed.count("outputs/note/files/hf… (") == 6


def test_a_redacted_file_has_the_findings_of_its_lines_under_the_name_of_the_whole() -> None:
    shown = {
        "leaf": "",
        "shown": {"/text": {"json": json.dumps(PLANTED["email"]), "salt": "00" * 16}},
        "skeleton": "{}",
    }
    withheld = {"leaf": "00" * 32, "shown": {}, "skeleton": ""}
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in (withheld, shown))
    found = scan((f"{RESPONSES}.partial", lines)).findings
    whole = scan((RESPONSES, line_of("x") + line_of(PLANTED["email"]))).findings
    assert [(one.id, one.where) for one in found] == [(one.id, one.where) for one in whole]


def test_a_file_that_is_no_text_is_not_looked_into_and_named() -> None:
    done = scan(("outputs/a/files/x.png", b"\x89PNG\0" + PLANTED["email"].encode()))
    assert (done.findings, done.binaries) == ([], ("outputs/a/files/x.png",))


def test_a_waiver_lets_one_finding_pass_or_a_kind_in_some_files() -> None:
    files = (
        (RESPONSES, line_of(PLANTED["email"]) + line_of(PLANTED["phone"])),
        ("report.md", PLANTED["email"].encode()),
    )
    email, phone, report = scan(*files).findings
    waivers = (
        Waiver(finding=phone.id, where="", reason="a number for the press"),
        Waiver(finding="email", where="outputs/*", reason="made-up people"),
        Waiver(finding="iban", where="", reason="none there"),
    )
    done = scan(*files, waivers=waivers)
    assert (done.findings, list(done.waived), list(done.unused)) == ([report], [email, phone], [waivers[2]])
    assert {(one.finding, one.where) for one in done.waivers} == {(phone.id, phone.where), ("email", "outputs/*")}
    with pytest.raises(ScanFindings, match="1 place"):
        done.refuse_findings("awo export x")


def test_at_most_twenty_findings_are_listed() -> None:
    done = scan((RESPONSES, b"".join(line_of(f"p{number}@hospital-nord.de") for number in range(50))))
    with pytest.raises(ScanFindings) as error:
        done.refuse_findings("awo export x")
    assert (len(error.value.findings), error.value.more) == (20, 30)
    assert "and 30 more" in str(error.value)


@pytest.mark.parametrize("given", ["email-1", "email-1=", "=why", "email-1=  ", "email-1=" + "x" * 2000])
def test_a_waiver_without_finding_or_reason_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="names a finding and says why"):
        read_waivers([given])


def test_a_short_secret_is_masked_whole() -> None:
    assert masked("email", "a@b.de") == "… (6 characters)"
    assert masked("password-in-url", "correct horse battery") == "… (21 characters)"


def test_every_mark_of_a_rule_is_in_the_file_of_candidates() -> None:
    def offsets(text: str) -> Iterator[int]:
        return candidates_file.candidates(text.encode())

    assert [kind for kind, text in PLANTED.items() if not list(offsets(f'{{"text":"see {text} there"}}'))] == []
    assert list(offsets('{"text":"a line of prose, with 12 numbers (3.5, 2026) and x_y-z."}')) == []
