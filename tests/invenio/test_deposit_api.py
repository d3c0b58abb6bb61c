"""The older deposit API against a stub of our own: the whole life, and the network cut at each request in turn."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.deposits import new_deposit
from tests.e2e.installed import Project
from tests.invenio.cutting import Relay, relay_to
from tests.invenio.deposit_stub import TOKEN, Deposits, deposit_stub
from tests.invenio.sent_runs import deposit_of, forget_wait, publish, sealed_run, tries

from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.publish.sending import Sent
from awo.publish.targets.invenio import open_invenio
from awo.publish.targets.opening import Wanted

ENVIRONMENT = {"INVENIO_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return sealed_run(tmp_path_factory.mktemp("deposited"))


@pytest.fixture
def project(once: Project, tmp_path: Path) -> Project:
    return once.copy(tmp_path)


@pytest.fixture
def stub() -> Iterator[Deposits]:
    with deposit_stub() as found:
        yield found


@pytest.fixture
def relay(stub: Deposits) -> Iterator[Relay]:
    with relay_to(stub.port) as found:
        yield found


def test_a_server_without_the_records_api_is_spoken_to_in_the_older_one(project: Project, stub: Deposits) -> None:
    draft = publish(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=False)
    (number,) = stub.rows
    assert (draft.deposit.doi, draft.addendum) == (f"10.5072/zenodo.{number}", None)
    assert stub.rows[number]["submitted"] is False
    run = project.latest()
    assert set(stub.files[number]) == {f"{run.name}.tar.gz", "report.md", "SHA256SUMS"}
    assert stub.files[number]["report.md"] == (run / "report.md").read_bytes()
    said = stub.rows[number]["metadata"]
    assert [one["name"] for one in said["creators"]] == ["Carberry, Josiah", "The Echo Group"]
    assert said["license"] == "cc-by-4.0"
    assert "<b>" not in said["description"]
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; plain" in said["description"]

    done = publish(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=True)
    assert stub.rows[number]["submitted"] is True
    assert done.addendum is not None
    assert json.loads(done.addendum.read_bytes())["doi"] == f"10.5072/zenodo.{number}"
    assert publish(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=True).is_old
    assert len(stub.rows) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_network_that_goes_down_at_any_request_leaves_one_deposit_and_nothing_public(
    project: Project, relay: Relay, stub: Deposits, when: str
) -> None:
    address = f"invenio:{relay.base}"
    for number in range(200):
        relay.cut(number, "before" if when == "before" else "after")
        is_last = isinstance(done := tries(project, address, ENVIRONMENT, is_yes=False), Sent)
        assert len(stub.rows) <= 1
        assert not any(row["submitted"] for row in stub.rows.values())
        if is_last:
            break
        assert isinstance(done, CannotCheck)
        assert "Traceback" not in str(done)
        assert TOKEN not in str(done)
        forget_wait(project)
    else:
        pytest.fail("the command never came to its end")
    assert number > 5
    relay.up()
    done = publish(project, address, ENVIRONMENT, is_yes=True)
    assert done.addendum is not None
    assert [row["submitted"] for row in stub.rows.values()] == [True]


def test_a_published_record_whose_answer_was_lost_is_found_and_signed_for_later(
    project: Project, relay: Relay, stub: Deposits
) -> None:
    address = f"invenio:{relay.base}"
    publish(project, address, ENVIRONMENT, is_yes=False)
    relay.cut(0, "after", lambda method, path: path.endswith("/publish"))
    error = tries(project, address, ENVIRONMENT, is_yes=True)
    assert isinstance(error, CannotCheck)
    assert deposit_of(project)["phase"] == "sent"
    relay.up()
    done = publish(project, address, ENVIRONMENT, is_yes=False)
    assert done.addendum is not None
    assert relay.sent("POST", "/publish") == 1


def test_a_day_before_the_seal_is_that_of_another_work(project: Project, stub: Deposits) -> None:
    citation = (project.root / "CITATION.cff").read_text()
    project.write("CITATION.cff", f"{citation}date-released: 2019-05-04\n")
    publish(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=False)
    (row,) = stub.rows.values()
    assert not row["metadata"]["publication_date"].startswith("2019")


def test_what_somebody_else_put_into_the_draft_is_not_published_with_it(project: Project, stub: Deposits) -> None:
    publish(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=False)
    (number,) = stub.rows
    stub.files[number]["names of patients.csv"] = b"private"
    error = tries(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=True)
    assert isinstance(error, UsageError)
    assert error.got == "names of patients.csv"
    assert stub.rows[number]["submitted"] is False
    del stub.files[number]["names of patients.csv"]
    assert publish(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=True).addendum is not None


def test_bytes_that_changed_on_the_way_are_never_published(project: Project, stub: Deposits) -> None:
    stub.is_corrupting = True
    error = tries(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=True)
    assert isinstance(error, EvidenceError)
    assert "other bytes" in error.what
    assert not any(row["submitted"] for row in stub.rows.values())
    stub.is_corrupting = False
    assert publish(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=True).addendum is not None
    assert len(stub.rows) == 1


def test_a_token_that_is_not_let_in_is_named_and_never_shown(project: Project, stub: Deposits) -> None:
    wrong = "wrong-token-9876543210"
    error = tries(project, f"invenio:{stub.base}", {"INVENIO_TOKEN": wrong}, is_yes=True)
    assert isinstance(error, CannotCheck)
    assert "INVENIO_TOKEN" in error.hint
    assert wrong not in str(error)
    for path in project.runs.glob("publications/*/*"):
        assert wrong.encode() not in path.read_bytes()


def test_half_a_token_is_never_shown_where_a_long_answer_is_shortened() -> None:
    token = "planted-token-" + "7" * 40

    class Echo(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            body = json.dumps({"message": "x" * 280 + token}).encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        target = open_invenio(Wanted(f"invenio:http://127.0.0.1:{server.server_port}", {"INVENIO_TOKEN": token}))
        with pytest.raises(UsageError) as error:
            target.others(new_deposit(1, kind="invenio", place=target.place), [])
    assert "planted" not in str(error.value)
    assert "xxx" in str(error.value)


@pytest.mark.parametrize("access", ["closed", "embargoed", "restricted"])
def test_what_the_authors_keep_closed_is_not_published_and_nobody_is_asked(
    project: Project, stub: Deposits, access: str
) -> None:
    (project.root / ".zenodo.json").write_text(json.dumps({"title": "Not for everybody", "access_right": access}))
    error = tries(project, f"invenio:{stub.base}", ENVIRONMENT, is_yes=True)
    assert isinstance(error, UsageError)
    assert ".zenodo.json" in str(error)
    assert stub.rows == {}


def test_the_command_that_follows_a_draft_is_the_one_that_was_typed(project: Project, stub: Deposits) -> None:
    typed = ("--as", "runner@example.org", "--no-scan")
    done = project.awo("publish", f"invenio:{stub.base}", "latest", *typed, variables=ENVIRONMENT).expect(0)
    (following,) = (line for line in done.out.splitlines() if line.startswith("next:"))
    assert following.partition("then ")[2].startswith(f"awo publish invenio:{stub.base} {project.latest().name}")
    assert following.endswith("--as runner@example.org --no-scan --yes, which cannot be taken back")


ANSWERS = {
    "busy": (429, {"Retry-After": "17"}, b"{}", CannotCheck, "17 s"),
    "broken": (503, {}, b"<html>", CannotCheck, "status 503"),
    "full": (413, {}, b"", AwoError, "more room"),
    "quota": (400, {}, b'{"message": "Bucket quota exceeded."}', AwoError, "more room"),
    "licence": (
        400,
        {},
        b'{"message": "A validation error occurred.", "errors": [{"field": "metadata.license", "message": "Invalid"}]}',
        AwoError,
        "SPDX",
    ),
    "elsewhere": (302, {"Location": "http://127.0.0.1:1/"}, b"", CannotCheck, "no redirect"),
    "nonsense": (200, {}, b"[" * 100, EvidenceError, ""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_refusal_of_a_repository_is_one_clear_error_and_the_command_goes_on_after_it(
    project: Project, relay: Relay, stub: Deposits, name: str
) -> None:
    status, headers, body, kind, says = ANSWERS[name]
    relay.cut(-1, "before", lambda method, path: method != "GET")
    relay.answers[0] = (status, headers, body)
    error = tries(project, f"invenio:{relay.base}", ENVIRONMENT, is_yes=True)
    assert isinstance(error, kind), error
    assert says in str(error)
    assert stub.rows == {}
    relay.answers.clear()
    forget_wait(project)
    assert publish(project, f"invenio:{relay.base}", ENVIRONMENT, is_yes=True).addendum is not None
    assert len(stub.rows) == 1
