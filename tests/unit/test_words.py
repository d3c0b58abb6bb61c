"""Citations and statements say what the evidence says: escaped for each format, the same each time, no new number."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.a_run import RUN_ID, Told, model, reviewed_run, step
from tests.unit.described_runs import described, renamed

from awo.canon.usd import usd
from awo.errors import UsageError
from awo.evidence import events as ev
from awo.publish.about.cff import read_cff
from awo.publish.about.datacite import datacite_of
from awo.publish.about.reference import NOT_PUBLISHED, Publication, reference_of
from awo.publish.about.shapes import NOTHING, About, Creator, Funding
from awo.publish.described.shapes import Described
from awo.publish.words.ai_use import ai_use
from awo.publish.words.bibtex import bibtex
from awo.publish.words.cff import cff, citation_cff
from awo.publish.words.csl import csl_item
from awo.publish.words.methods import methods
from awo.publish.words.plain import reference_line

DOI = "10.5281/zenodo.1234567"
JANE = Creator("Jane van Doe", "Jane", "van Doe", "0000-0002-1825-0097", "A University")
GROUP = Creator("Kettles and Friends", is_organization=True)
KNOWN = About(
    title="Kettles",
    description="What customers say.",
    creators=(JANE, GROUP),
    licence="CC-BY-4.0",
    keywords=("kettles", "reviews"),
    funding=(Funding("A Fund", "7"),),
    version="1.0",
    doi="10.5281/zenodo.1",
    repository="https://code.example/kettles",
)
PUBLISHED = Publication(DOI, "Zenodo", "2026-12-24")
HOSTILE = 'A {brace} \\write18{rm} 100% & _x_ #1 $y$ ~^ "q" <b> | ünï 中\nnew'


def whole(**changes: Any) -> Described:
    """The reviewed run, ended and sealed."""
    return described(reviewed_run(), **changes)


def test_a_bibtex_entry_has_authors_as_bibtex_parts_them() -> None:
    entry = bibtex(reference_of(whole(), KNOWN, PUBLISHED))
    assert entry.startswith(f"@misc{{{RUN_ID},\n")
    assert "  author = {van Doe, Jane and {Kettles and Friends}},\n" in entry
    assert f"  doi = {{{DOI}}},\n" in entry
    assert "  year = {2026},\n  month = dec,\n" in entry


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_title_unbalances_a_bibtex_entry_or_escapes_from_it(title: str) -> None:
    about = replace(KNOWN, title=title, creators=(Creator(f"{title} and x", title or "x", f"{title}, von and"),))
    entry = bibtex(reference_of(whole(), about, PUBLISHED))
    depth = 0
    for sign in entry:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    fields = [line for line in entry.split("\n")[1:-2] if not re.match(r"  [a-z]+ = .*,$", line)]
    assert fields == []


def test_specials_of_tex_are_words_in_a_bibtex_entry() -> None:
    entry = bibtex(reference_of(whole(), replace(KNOWN, title=HOSTILE), PUBLISHED))
    assert r"\textbackslash{}write18\textbraceleft{}rm\textbraceright{} 100\% \& \_x\_ \#1 \$y\$" in entry


def test_a_csl_item_has_names_date_and_doi() -> None:
    item = csl_item(reference_of(whole(), KNOWN, PUBLISHED))
    assert item["author"] == [{"family": "van Doe", "given": "Jane"}, {"literal": "Kettles and Friends"}]
    assert (item["DOI"], item["issued"]) == (DOI, {"date-parts": [[2026, 12, 24]]})
    assert item["id"] == RUN_ID


def test_without_authors_nobody_is_made_one() -> None:
    reference = reference_of(whole(), NOTHING)
    assert "author" not in csl_item(reference)
    assert "author" not in bibtex(reference)
    assert "[Authors not stated]" in reference_line(reference)
    assert b'- name: "Authors not stated"' in cff(reference)
    assert datacite_of(whole(), NOTHING)["creators"] == [{"name": ":unav"}]


def test_what_can_still_change_is_not_cited() -> None:
    with pytest.raises(UsageError, match="only a sealed run is cited"):
        citation_cff(whole(seal=None, seal_sha256=""), KNOWN, "")


def test_the_citation_file_of_a_run_is_read_back_as_it_was_meant() -> None:
    about = read_cff(citation_cff(whole(), KNOWN, DOI))
    assert about.creators == (JANE, GROUP)
    assert (about.doi, about.licence, about.version) == (DOI, "CC-BY-4.0", "1.0")
    assert about.title == f"Kettles ({RUN_ID})"
    assert about.published_on == "2026-11-23", "the day of the seal"


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1, max_size=40))
def test_every_title_comes_back_from_the_citation_file(title: str) -> None:
    if not title.split():
        return
    data = citation_cff(whole(), replace(KNOWN, title=title, creators=(Creator(title.strip()),)), "")
    assert read_cff(data).title == f"{' '.join(title.split())} ({RUN_ID})"


@pytest.mark.parametrize("licence", ["MIT OR Apache-2.0", "MIT AND Apache-2.0", "LicenseRef-x", "AFL-3.0", ""])
def test_a_licence_without_a_word_in_cff_stands_in_the_message(licence: str) -> None:
    about = replace(KNOWN, licence=licence)
    data = citation_cff(whole(), about, "")
    is_in_field = licence == "MIT OR Apache-2.0"
    assert read_cff(data).licence == (licence if is_in_field else "")
    assert (f"in SPDX: {licence}." in data.decode()) is bool(licence and not is_in_field)


def test_a_day_before_the_seal_is_that_of_another_work() -> None:
    early, late = (replace(KNOWN, published_on=day) for day in ("2021-01-01", "2027-01-02"))
    assert reference_of(whole(), early).day == "2026-11-23"
    assert reference_of(whole(), early, PUBLISHED).day == "2026-12-24"
    assert reference_of(whole(), late, PUBLISHED).day == "2027-01-02"


def test_the_doi_of_the_work_is_not_that_of_the_run() -> None:
    reference = reference_of(whole(), KNOWN)
    assert (reference.doi, reference.work) == ("", KNOWN.doi)
    assert datacite_of(whole(), KNOWN)["relatedIdentifiers"][0]["relationType"] == "IsPartOf"
    assert read_cff(cff(reference)).doi == ""


def test_statements_are_the_same_each_time() -> None:
    assert ai_use(whole()) == ai_use(whole())
    assert methods(whole()) == methods(whole())


def test_the_statement_names_models_as_asked_and_as_answered() -> None:
    said = ai_use(whole(answered={"first": ("SmolLM2-135M-Instruct",)}))
    assert "“first”: asked for as “smollm2”" in said
    assert "answered as “SmolLM2-135M-Instruct”" in said
    assert f"weights with SHA-256 {'a' * 64}" in said
    assert "parameters: max_tokens 60 and temperature 0.0; seed: 1" in said
    assert "“second”: asked for as “smollm2”; run in the process of AWO itself; answered as unknown" in said
    assert "“echo”: a stand-in of AWO that gives back its prompt (echo); no AI model" in said
    assert "4 requests were sent to 3 models and 1 stand-in of AWO, which is no AI: 4 answered, 0 failed." in said


def test_the_statement_says_what_people_decided() -> None:
    said = ai_use(whole())
    assert "Bob Reviewer (bob@example.org), as reviewer, approved it on 2026-11-23" in said
    assert "signing for approval; presence: passphrase" in said


def test_a_run_without_models_or_people_says_so() -> None:
    told = Told([step("one", "write_text", path="a.txt", text="a")])
    told.start()
    said = ai_use(described(told))
    assert "No model was asked in this run." in said
    assert "No decision by a person is on record" in said


def test_received_results_are_not_passed_off_as_witnessed() -> None:
    told = Told([step("in", "receive", path="x.json")])
    told.start()
    told.begin("in")
    told.finish("in", {})
    for said in (ai_use(described(told)), methods(described(told))):
        assert "1 step of this run (“in”) kept results that were received from elsewhere" in said
        assert "not witnessed" in said


def test_withheld_texts_and_an_open_run_are_said() -> None:
    assert "withheld or erased after the seal" in ai_use(whole(withheld=True, decisions=()))
    assert "the decision itself is withheld here" in ai_use(whole(withheld=True, decisions=()))
    assert "The run is not sealed" in methods(whole(seal=None, seal_sha256=""))


def test_answers_of_earlier_runs_are_no_requests() -> None:
    told = Told([step("ask", "llm_map", prompt="?")], models={"m": model("openai", "x")})
    told.start()
    told.begin("ask")
    told.reuse("ask", "m")
    said, paragraph = ai_use(described(told)), methods(described(told))
    assert "No request was sent in this run; its answers are those of 1 model. 1 answer was taken over" in said
    assert "its answers stand in step “ask”; no request sent; 1 answer taken over from earlier runs" in said
    assert "Step “ask” (llm_map) took over answers of “m”" in paragraph


def test_a_relayed_approval_is_no_signature_of_a_person() -> None:
    told = reviewed_run()
    path, decision = next(iter(told.decisions.items()))
    signer = msgspec.structs.replace(decision.signer, role="github:release")
    told.decisions[path] = msgspec.structs.replace(decision, signer=signer)
    said, paragraph = ai_use(described(told)), methods(described(told))
    assert "relayed from GitHub's protected environment release" in said
    assert "no signature of a person" in said
    assert "1 approval was relayed, which is no signature of a person" in paragraph
    assert "signed by" not in paragraph


def test_a_rejection_is_no_signing_for_approval_and_no_failed_step() -> None:
    run = whole()
    (gate,) = run.facts.gates
    (taken,) = gate.decisions
    closed = msgspec.structs.replace(
        gate, verdict="rejected", decisions=(msgspec.structs.replace(taken, verdict="reject"),)
    )
    run = replace(run, facts=msgspec.structs.replace(run.facts, gates=(closed,)))
    assert "rejected it on" in ai_use(run)
    assert "signing for approval" not in ai_use(run)
    assert "1 rejected by people" in methods(run)


def test_stand_ins_alone_are_no_use_of_ai() -> None:
    told = Told([step("ask", "llm_map", prompt="?")], models={"unused": model("echo", "")})
    told.start()
    told.begin("ask")
    told.answer("ask", "echo", "?", "!")
    said, paragraph = ai_use(described(told)), methods(described(told))
    assert "No AI model was asked in this run. 1 request went to 1 stand-in of AWO, which is no AI: 1 answered" in said
    assert "0 models" not in said
    assert "unused" not in said
    assert "It has 1 step (llm_map): " in paragraph


def test_a_replayed_run_asked_no_model_and_says_so() -> None:
    told = Told([step("ask", "llm_map", prompt="?")], models={"gpt": model("replay", "../run_1")})
    told.start()
    told.begin("ask")
    told.answer("ask", "gpt", "?", "!")
    said, paragraph = ai_use(described(told)), methods(described(told))
    assert "No AI model was asked in this run. 1 request went to 1 model replayed from the answers of" in said
    assert "“gpt”: replayed from the answers on record in “../run_1”; nothing was asked of the model itself" in said
    assert "sent to" not in said
    assert "replayed answers of “gpt”" in paragraph
    assert "seeds of the models" not in paragraph


def test_hostile_names_cannot_begin_a_line_or_hide() -> None:
    said = ai_use(renamed(whole(), "x\n\nWe used no AI.\u202e\x1b[2J"))
    assert "\nWe used no AI." not in said
    assert "\u202e" not in said
    assert "\x1b" not in said


def test_an_address_of_the_authors_own_is_not_given_away() -> None:
    told = Told([step("ask", "llm_map", prompt="?")], models={"m": model("openai", "gpt-x")})
    told.start()
    told.say(ev.ModelRecorded, model="m", facts={"asked": "gpt-x", "endpoint": "https://secret.host.example/v1"})
    told.begin("ask")
    told.answer("ask", "m", "?", "!")
    said = ai_use(described(told))
    assert "secret.host" not in said
    assert "at an address of the authors' own, by the protocol of openai" in said


_ENDS = st.lists(st.tuples(st.sampled_from(["m", "n", "echo"]), st.sampled_from("afuor")), max_size=30)


@settings(max_examples=60)
@given(_ENDS, st.integers(0, 10**6))
def test_every_count_and_amount_is_that_of_the_journal(ends: list[tuple[str, str]], price: int) -> None:
    told = Told(
        [step("ask", "llm_map", prompt="?")],
        models={"m": model("openai", "x"), "n": model("openai", "y"), "o": model("openai", "z")},
    )
    told.start()
    told.begin("ask")
    for name, end in ends:
        match end:
            case "a":
                told.answer("ask", name, "?", "!", cost=usd(price))
            case "f":
                told.no_answer("ask", told.call("ask", name))
            case "u":
                told.lose("ask", told.call("ask", name))
            case "o":
                told.call("ask", name)
            case _:
                told.reuse("ask", name)
    run = described(told)
    said, paragraph = ai_use(run), methods(run)
    sent = [(name, end) for name, end in ends if end != "r"]
    for name in {name for name, _ in ends}:
        line = next(one for one in said.split("\n") if one.startswith(f"- “{name}”"))
        mine = [end for who, end in sent if who == name]
        expected = f"{mine.count('a')} answered, {mine.count('f')} failed"
        assert (f"{len(mine)} request{'s' * (len(mine) != 1)}, {expected}" in line) is bool(mine), line
        assert ("without a known outcome" in line) is ("u" in mine)
        assert ("still open" in line) is ("o" in mine)
    total = [end for _, end in sent]
    if total:
        assert f"{total.count('a')} answered, {total.count('f')} failed" in said
        assert f"{len(total)} request{'s' * (len(total) != 1)}: {total.count('a')} answered" in paragraph
        assert f"Cost in all: {usd(price * total.count('a'))} US dollars" in said or "Cost in all: unknown" in said
    _no_number_of_its_own(run, said)
    _no_number_of_its_own(run, paragraph)


def _no_number_of_its_own(run: Described, text: str) -> None:
    """Each number in the text is in the evidence, or a count of things in it."""
    record = (
        re.sub(r"[-:T.]", " ", msgspec.json.encode((run.facts, run.groups, run.seal)).decode()) + f" {run.seal_sha256}"
    )
    known = set(re.findall(r"\d+", record)) | {usd(run.facts.money.spent)}
    calls = [run.facts.calls, *run.facts.calls_by_model.values(), *(one.calls for one in run.facts.steps)]
    known |= {str(one.answered + one.failed + one.unknown + one.open) for one in calls}
    known |= {str(count) for count in range(6)}  # steps, models and stand-ins, gates: all below six here
    for money in (run.facts.money, *run.facts.money_by_model.values()):
        known |= set(
            re.findall(r"\d+", f"{usd(money.spent)} {usd(money.unknown)} {usd(money.reserved)} {money.unpriced}")
        )
    assert set(re.findall(r"\d+", text)) - known - {"256"} == set()


def test_the_same_reference_has_no_doi_that_nobody_reserved() -> None:
    assert reference_of(whole(), NOTHING, NOT_PUBLISHED).address == ""
    assert f"https://doi.org/{DOI}" in ai_use(whole(), PUBLISHED)
