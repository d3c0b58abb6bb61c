"""The report: readable, the same each time, bounded, and deaf to whatever the texts in it say."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace
from tests.unit.a_run import KEY, Told, fanned, item, model, ref, reviewed_run, step, text_file
from tests.unit.a_run import cell as one_cell

from awo.derive import phrases
from awo.derive.markdown import cell, inline
from awo.derive.mermaid import STEPS_DRAWN, flowchart
from awo.derive.report import report
from awo.derive.report.shown import ITEMS_SHOWN, RESPONSES_READ, STEPS_DETAILED
from awo.evidence import events as ev
from awo.evidence.gates import Signer
from awo.evidence.records import NOBODY, DataRecord, PriceRecord

PARSER = MarkdownIt("commonmark").enable("table")

EVIL = (
    "</td></table><script>alert(1)</script> ![i](https://evil.example/i.png) [l](https://evil.example) "
    "| x | \n\n# Verified\n\n```\n~~~\n> [!NOTE]\n<!-- -->\x1b[2J\u202e javascript:x &lt; `c` \\"
)


def written(told: Told) -> str:
    return report(told.facts(), told)


def chapters(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


CHAPTERS_LINKED = ("#how-to-check-this-by-hand", "#decisions-of-people")


def kinds_and_links(text: str) -> tuple[set[str], set[str]]:
    """Every kind of token in a report, and every place that it links to."""
    kinds: set[str] = set()
    links: set[str] = set()

    def walk(tokens: list[Token]) -> None:
        for token in tokens:
            kinds.add(token.type)
            if token.type == "link_open":
                links.add(str(token.attrGet("href")))
            walk(token.children or [])

    walk(PARSER.parse(text))
    return kinds, links


def test_a_stranger_reads_outcome_answers_votes_checks_and_decisions() -> None:
    text = written(reviewed_run())
    assert text.startswith(
        "# Kettle reviews\n\n**Approved.** All of its 9 steps came to an end, "
        "and `bob@example.org` approved the results at the gate `gate`.\n"
    )
    assert chapters(text) == [
        "What was asked",
        "Steps",
        "Models",
        "Answers",
        "Votes",
        "Checks",
        "Texts written",
        "Programs run",
        "Decisions of people",
        "Deviations from the plan",
        "Stops, failures and retries",
        "Where it ran",
        "Files",
        "How to check this by hand",
    ]
    assert "| `first` | `second` | `warm` | `echo` |" in text
    assert "| No, the customer is not happy. | No, the customer is not happy. | The customer is⏎ indeed happy." in text
    assert "2 of 4 answers agree (50 %)." in text
    assert "| `check` | `vote.consensus_text` | `not happy` | passed |" in text
    assert "| `happy` | claim.yaml | can be tested |" in text
    assert "Exit code 0." in text
    assert "| `looked` | I have read every answer. | yes |" in text
    assert "| name | Bob Reviewer |" in text
    assert "> Read the reviews yourself." in text
    assert "`aaaaaaaaaaaa…`" in text
    assert "changes that no commit has" in text
    assert "the program ended with exit code 1" in text


def test_the_commands_to_check_by_hand_are_exact() -> None:
    text = written(reviewed_run())
    assert "\nsha256sum -c SHA256SUMS\n" in text
    assert (
        "\nssh-keygen -Y verify -f audit/allowed_signers -I alice@example.org -n awo-seal "
        "-s audit/seal.json.sig < audit/seal.json\n"
    ) in text
    assert (
        "\nssh-keygen -Y verify -f audit/allowed_signers -I bob@example.org -n awo-decision "
        "-Overify-time=20261123060903Z -s audit/decisions/0001-gate.json.sig < audit/decisions/0001-gate.json\n"
    ) in text
    assert "\nawo verify .\n" in text


def test_the_same_facts_give_the_same_bytes() -> None:
    assert written(reviewed_run()).encode() == written(reviewed_run()).encode()


def test_every_link_stays_in_the_folder() -> None:
    kinds, links = kinds_and_links(written(reviewed_run()))
    assert not kinds & {"html_block", "html_inline", "image"}
    assert "input.json" in links
    assert all(link in CHAPTERS_LINKED or re.fullmatch(r"[A-Za-z0-9_./-]+", link) for link in links)


def headings(text: str) -> list[str]:
    """The rank of every heading, in order."""
    return [token.tag for token in PARSER.parse(text) if token.type == "heading_open"]


def evil_run(evil: str) -> Told:
    """A run in which everybody says `evil` wherever the shapes let them."""
    told = Told(
        [
            step("ask", "fanout_generate", prompt=evil, models=["echo"]),
            step("vote", "consensus_vote", ["ask"]),
            step("check", "assert_contains", ["vote"], from_step=evil, field=evil, must_include=[evil]),
            step("scope", "scope_validate", claim={"id": evil, "statement": evil}),
            step("run", "command", argv=[evil]),
            step("text", "write_text", path="x.txt"),
            step("odd", evil or "x", x=evil),
            step("bad", "llm_map"),
            fanned("each", over=evil, matrix={evil: [evil, 1]}),
            step("gate", "audit_gate"),
        ],
        name=evil,
        description=evil,
        inputs={evil: evil, "n": {"deep": [evil, 1.5]}},
        files=[text_file(evil, evil)],
        models={
            evil: model(
                evil,
                evil,
                params={"stop": evil},
                price=PriceRecord(input_usd_per_mtok="1", output_usd_per_mtok="1", source=evil),
            )
        },
        data={evil: DataRecord(path=evil, format="csv", id_column=evil, rows=1, columns=[evil])},
    )
    told.start(environment={"cpu": evil, "git": {"commit": evil, "is_dirty": True, "diff_sha256": evil}, evil: evil})
    told.say(ev.ModelRecorded, model=evil, facts={"answered": evil, "weights_sha256": evil, "build": evil})
    told.say(ev.ModelRecorded, model=evil, facts={"answered": evil + "2"})
    told.begin("ask")
    told.answer("ask", evil, evil, evil)
    told.no_answer("ask", told.call("ask", evil), evil, evil)
    told.finish("ask", {})
    told.begin("vote")
    told.finish("vote", {"consensus_text": evil, "voters": [evil], "total_candidates": 1})
    told.begin("check")
    told.fail("check", evil, evil)
    told.begin("scope")
    told.finish("scope", {"claims": [{"id": evil, "source": evil, "problems": [evil]}]})
    told.begin("run")
    told.finish("run", {"exit_code": 1, "stdout_text": evil}, {"x y|z" + evil: b""})
    told.begin("text")
    told.finish("text", {"path": "outputs/text/files/x.txt", "size_bytes": 3}, {"x.txt": evil.encode(errors="replace")})
    told.begin("odd")
    told.finish("odd", {"said": evil})
    told.begin("bad")
    told.fail("bad", evil, evil)
    told.say(ev.LimitChanged, model=evil, in_flight=2, reason=ev.Reason(code=evil, message=evil))
    told.begin("each")
    told.say(ev.FannedOut, step="each", attempt=1, cells=4, asks=4)
    told.finish_cells(
        "each",
        [
            one_cell(0, {"text": evil, "model": evil}, item=evil, matrix={evil: evil}, row={evil: evil}),
            one_cell(1, {"odd": evil}, item=evil, repeat=1),
            one_cell(2, evil),
            one_cell(3, None, item=evil, status="failed", reason=ev.Reason(code=evil, message=evil)),
        ],
    )
    told.say(ev.TailCut, path=evil, cut_bytes=1, sha256="0" * 64)
    told.begin("gate")
    told.gate("gate", [item(evil, evil)], [ref(evil)])
    told.decide(
        "gate",
        "revise",
        signer=Signer(id=evil, name=evil, role=evil, key=KEY),
        comment=evil,
        required_changes=[evil],
        solo=True,
    )
    told.say(
        ev.DecisionRefused,
        gate="gate",
        verdict="approve",
        key="",
        signer=evil,
        reason=ev.Reason(code=evil, message=evil),
    )
    told.close("gate", "revised")
    told.end("rejected")
    return told


@settings(max_examples=30)
@given(
    st.just(EVIL)
    | st.text(alphabet=st.characters(codec="utf-8"), min_size=1)
    | st.text(alphabet="|`\\<>[]()!*_#\n -&;$@:~=1.", min_size=1)
)
def test_no_text_breaks_out_of_its_place(evil: str) -> None:
    text = written(evil_run(evil))
    kinds, links = kinds_and_links(text)
    assert not kinds & {"html_block", "html_inline", "image", "code_block", "hr", "ordered_list_open"}
    assert all(
        link in CHAPTERS_LINKED or re.fullmatch(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./-]*", link) for link in links
    )
    assert not set(text) & set("\x1b\r\x00\u202e\u2066")
    assert headings(text) == headings(written(evil_run("plain")))
    (picture,) = (token for token in PARSER.parse(text) if token.type == "fence" and token.info == "mermaid")
    assert len(picture.content.splitlines()) == len(flowchart(evil_run("plain").facts()).splitlines())


def test_a_decision_on_a_run_that_nobody_is_known_to_have_started_says_so() -> None:
    told = Told([step("gate", "audit_gate")])
    told.start(starter=NOBODY)
    told.begin("gate")
    told.gate("gate")
    assert "Nobody knows who started this run" not in written(told)
    told.decide("gate")
    told.close("gate")
    assert "Nobody knows who started this run" in written(told)


def test_a_decider_who_started_the_run_is_called_that_loudly() -> None:
    told = Told([step("gate", "audit_gate")])
    told.start(solo=True)
    told.begin("gate")
    told.gate("gate")
    signer = Signer(id="alice@example.org", name="Alice", role="reviewer", key=KEY)
    told.decide("gate", signer=signer, solo=True)
    told.close("gate")
    told.finish("gate", {"verdict": "approved", "decisions": []})
    told.end("approved")
    text = written(told)
    beginning = text[: text.index("## What was asked")]
    assert "**This is no independent review:** `alice@example.org` started this run and decided on it." in beginning
    assert text.count("**This is no independent review:**") == 2


def test_an_independent_decision_has_no_such_warning() -> None:
    assert "no independent review" not in written(reviewed_run())


def failing() -> Told:
    told = Told([step("one", "llm_map"), step("two", "assert_contains", must_include=["x"])])
    told.start()
    told.begin("one")
    told.lose("one", told.call("one", "echo"))
    told.answer("one", "echo", "?", "!", recovered=True)
    told.finish("one", {})
    told.begin("two")
    told.fail("two", "assertion_failed", "1 of 1 required texts do not occur")
    return told


def test_a_failure_and_calls_that_were_lost_or_found_are_told() -> None:
    text = written(failing())
    assert "**Not finished.** 1 step of 2 failed: `two`; `awo resume` tries again." in text
    assert "The outcome of 1 call is not known" in text
    assert "1 answer had reached the disk" in text
    assert "**failed**: 1 of 1 required texts do not occur" in text
    assert "The run has not ended" in text


@pytest.mark.parametrize(
    ("outcome", "beginning"),
    [("failed", "**Failed.** 1 step of 2 failed: `two`"), ("abandoned", "**Abandoned.** ")],
)
def test_the_first_sentence_says_how_it_ended(outcome: str, beginning: str) -> None:
    told = failing()
    told.end(outcome)
    assert beginning in written(told)


def test_a_run_that_waits_says_for_what() -> None:
    told = Told([step("gate", "audit_gate")])
    told.start()
    told.begin("gate")
    told.gate("gate")
    text = written(told)
    assert "**Waiting.** The run stands at the gate `gate` until a person decides." in text
    assert "audit/gate_pending.json" in text


def test_a_machine_that_is_the_same_after_a_resume_is_not_repeated() -> None:
    told = Told([step("one", "llm_map")])
    told.start(environment={"cpu": "one"})
    for cpu in ("one", "two"):
        told.say(ev.RunResumed, software=ev.Software(name="awo", version="2"))
        told.say(ev.EnvironmentRecorded, environment={"cpu": cpu})
    text = written(told)
    assert text.count("| cpu | one |") == 1
    assert text.count("on the same.") == 1
    assert text.index("on another or a changed machine:") < text.index("| cpu | two |")
    assert "A new process took the run up again twice." in text


def test_a_run_that_has_only_just_begun_has_a_report() -> None:
    told = Told([])
    told.start()
    assert "**Not finished.**" in written(told)


def test_a_model_that_answers_under_another_name_is_shown_with_it() -> None:
    told = Told([step("one", "llm_map")], models={"m": model("openai", "gpt-5-mini")})
    told.start()
    told.begin("one")
    told.answer("one", "m", "?", "!")
    told.lines["one"] = [msgspec.structs.replace(told.lines["one"][0], model_answered="gpt-5-mini-2026-08-07")]
    assert "| `m` | `openai`: gpt-5-mini | gpt-5-mini-2026-08-07 | 0 | 1 |" in written(told)


def test_more_than_four_models_stand_below_one_another() -> None:
    told = Told([step("ask", "fanout_generate")])
    told.start()
    told.begin("ask")
    for name in "abcde":
        told.answer("ask", name, "?", f"I am {name}.")
    told.finish("ask", {})
    text = written(told)
    assert "| model | answer |" in text
    assert "| `e` | I am e. |" in text


def test_a_result_of_another_shape_is_shown_as_it_is() -> None:
    told = Told([step("vote", "consensus_vote"), step("new", "some_plug_in")])
    told.start()
    for id_, value in (("vote", {"voters": "nobody"}), ("new", [1, 2.5])):
        told.begin(id_)
        told.finish(id_, value)
    text = written(told)
    assert '"voters": "nobody"' in text
    assert "## Other results" in text


def test_answers_that_are_not_whole_are_counted_by_model() -> None:
    told = Told([step("ask", "llm_map")])
    told.start()
    told.begin("ask")
    for text, ended in (("a", "stop"), ("b", "length"), ("c", "length"), ("d", "refusal"), ("e", "stop")):
        told.answer("ask", "m", "?", text)
        lines = told.lines["ask"]
        fault = "no number" if text == "e" else ""
        answered = "m-2" if text == "e" else "m-1"
        lines[-1] = replace(lines[-1], stop_reason=ended, schema_fault=fault, model_answered=answered)
    told.finish("ask", {})
    text = written(told)
    assert "| answers of | whole | cut off | refused | broke the schema | answered as |" in text
    assert "| `m` | 2 | 2 | 1 | 1 | `m-1` 4, `m-2` 1 |" in text


def test_whole_answers_need_no_table_of_their_ends() -> None:
    told = Told([step("ask", "llm_map")])
    told.start()
    told.begin("ask")
    told.answer("ask", "m", "?", "yes")
    told.finish("ask", {})
    assert "answers of" not in written(told)


def test_a_large_run_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awo.derive.report.endings.RESPONSES_COUNTED", 10)
    many = 1_000
    steps = [step(f"s{number}", "fanout_generate", [f"s{number - 1}"] if number else []) for number in range(many)]
    told = Told(steps)
    told.start()
    long = "word | \u202e " * 500
    for one in steps:
        told.begin(one.id)
        for name in "abcdef" if one.id == "s0" else "a":
            told.answer(one.id, name, long, long)
        told.finish(one.id, {"text": long})
    for number in range(200):
        told.answer("s0", "a", f"question {number}", long)
    text = written(told)
    assert len(text.encode()) < 1_000_000
    assert told.lines_read <= (RESPONSES_READ + 10) * STEPS_DETAILED
    assert told.values_read == 0
    assert f"The picture shows the first {STEPS_DRAWN - 1} of 1,000 steps." in text
    assert "900 more steps are not shown here" in text
    assert "975 more steps of this kind are not shown here" in text
    assert "more answers are not shown here" in text
    assert "The 50 largest of 1,001 files" in text


def fan_out_run(rows: int, failed: int = 0) -> Told:
    """A step over `rows` rows, of which the last `failed` failed."""
    told = Told(
        [fanned("classify")],
        data={"rows": DataRecord(path="rows.csv", format="csv", id_column="", rows=rows, columns=["text"])},
        files=[text_file("rows.csv", "text\n")],
    )
    told.start()
    told.begin("classify")
    told.say(ev.FannedOut, step="classify", attempt=1, cells=rows, asks=rows)
    told.answer("classify", "echo", "?", "!")
    done = [one_cell(n, {"text": f"answer {n}", "model": "echo"}) for n in range(rows - failed)]
    lost = [
        one_cell(n, None, status="failed", reason=ev.Reason(code="timeout", message=f"no answer to {n}"))
        for n in range(rows - failed, rows)
    ]
    told.finish_cells("classify", done + lost)
    return told


def test_a_fan_out_is_told_by_its_counts_its_first_failures_and_its_first_results() -> None:
    told = fan_out_run(1_200, failed=7)
    text = written(told)
    assert "| `rows` | `rows.csv` | 1,200 | text | the content |" in text
    assert "| `classify` | row of `rows` | 1,200 | 1,193 | 7 | 1 | done |" in text
    assert "| `row1193` |  | `timeout` | no answer to 1193 |" in text
    assert "More cells that failed: [`outputs/classify/items.jsonl`](outputs/classify/items.jsonl)." in text
    assert "| `row19` | text: the text of row 19 | answer 19 |" in text
    assert "answer 20" not in text
    assert "… and 1,180 more in [`outputs/classify/items.jsonl`](outputs/classify/items.jsonl)." in text
    assert told.items_read == ITEMS_SHOWN


def test_models_of_a_fan_out_stand_beside_one_another_and_repeats_are_numbered() -> None:
    told = Told([fanned("ask", "fanout_generate", matrix={"tone": ["kind", "dry"]}, repeats=2)])
    told.start()
    told.begin("ask")
    told.say(ev.FannedOut, step="ask", attempt=1, cells=2, asks=4)
    said = {"responses": [{"text": "A.", "model": "first"}, {"text": "B.", "model": "second"}], "count": 2}
    told.finish_cells("ask", [one_cell(n, said, matrix={"tone": "dry"}, repeat=n) for n in range(2)])
    text = written(told)
    assert "| row of `rows`, 2 × `tone`, 2 repeats |" in text
    assert "| cell | matrix | repeat | row | `first` | `second` |" in text
    assert "| `row1` | tone: dry | 1 | text: the text of row 1 | A. | B. |" in text


def test_a_fan_out_that_is_not_done_says_how_far_it_came() -> None:
    told = Told([fanned("ask")], budget_usd="5")
    told.start()
    told.begin("ask")
    told.say(ev.FannedOut, step="ask", attempt=1, cells=100, asks=100)
    told.answer("ask", "m", "?", "!", cell=3, worst_price="1", cost="0.5")
    told.lose("ask", told.call("ask", "m", cell=4, worst_price="0.25"))
    told.say(ev.BudgetReached, step="ask", budget="5", spent="0.5", unknown="0.25", worst="4.5")
    text = written(told)
    assert (
        "**Paused.** The budget of $5.00 is used up: $0.50 spent, $0.25 possibly spent, and the next call, of "
        "`ask`, could have cost $4.50. `awo resume --budget` goes on."
    ) in text
    assert "| `ask` | row of `rows` | 100 | 1 with a response |  | 1 | begun, not finished |" in text
    assert "Its cells have not all come to an end. What it has got so far: " in text
    assert "| money | $0.50 spent, $0.25 possibly spent, of a budget of $5.00 |" in text


def test_a_row_shows_its_first_columns_shortened() -> None:
    row = {"text": "x" * 100, "a": 1, "b": 2, "c": 3}
    told = fan_out_run(1)
    told.item_lines["outputs/classify/items.jsonl"] = [one_cell(0, {"text": "!", "model": "echo"}, row=row)]
    assert f"| `row0` | text: {'x' * 53}…, a: 1, b: 2, … | ! |" in written(told)


def test_the_turns_of_a_conversation_are_among_what_was_asked() -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Review: {{ item.text }}"}]
    told = Told([step("sort", "llm_map", messages=turns * 7)])
    told.start()
    text = written(told)
    assert "| `sort` | system | Be brief. |" in text
    assert text.count("| `sort` | user | Review: {{ item.text }} |") == 6
    assert "More turns: [`input.json`](input.json)." in text


def test_prices_are_shown_with_their_source_and_calls_without_one_are_not_hidden() -> None:
    price = PriceRecord(input_usd_per_mtok="0.15", output_usd_per_mtok="0.6", source="genai-prices 0.0.40")
    told = Told([step("one", "llm_map")], models={"m": model("openai", "gpt", price=price)})
    told.start()
    told.begin("one")
    told.answer("one", "m", "?", "!", worst_price="0.01", cost="0.000125")
    told.answer("one", "n", "?", "!", worst_price="", cost="")
    told.say(ev.BudgetSet, usd="3")
    text = written(told)
    assert "| `m` | $0.15 | $0.60 | genai-prices 0.0.40 | $0.000125 spent |" in text
    assert "| `n` | not known | not known |  | $0.00 spent, 1 call without a price |" in text
    assert "**Of 1 call no price is known" in text
    assert "The budget was changed while the run went on: none → $3.00." in text


def test_calls_that_failed_were_tried_again_or_were_reused_are_told_by_model_and_by_code() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    told.begin("one")
    for code in ("timeout", "rate_limited", "timeout"):
        told.no_answer("one", told.call("one", "m"), code)
    told.answer("one", "m", "?", "!", tries=2, because="timeout")
    told.reuse("one", "m")
    told.say(ev.LimitChanged, model="m", in_flight=8, reason=ev.Reason(code="rate_limited", message="rate limited"))
    told.say(ev.LimitChanged, model="m", in_flight=16, reason=ev.Reason(code="recovered", message="answers come again"))
    text = written(told)
    assert "| `m` | 1 | 3 | 1 |  | 1 |" in text
    assert "3 calls failed: 2 `timeout`, 1 `rate_limited`; 1 was a request's second sending or later." in text
    assert "| `m` | 2 | 8 | 16 | answers come again |" in text


def test_the_largest_report_of_hostile_texts_stays_bounded() -> None:
    evil = "\u202e" * 2_000
    steps = [step(f"s{number}", "fanout_generate") for number in range(40)]
    steps += [step(f"v{number}", "consensus_vote") for number in range(40)]
    steps += [step(f"w{number}", "odd") for number in range(40)]
    steps += [fanned(f"f{number}", "fanout_generate", over=evil) for number in range(40)]
    told = Told(steps, name=evil, description=evil, inputs={f"i{n}": evil for n in range(100)})
    told.start()
    for one in steps:
        told.begin(one.id)
        if one.op == "fanout_generate" and one.cells is None:
            for number in range(60):
                told.answer(one.id, f"m{number % 5}", f"{number % 12}{evil}", evil)
        if one.cells is not None:
            told.say(ev.FannedOut, step=one.id, attempt=1, cells=60, asks=240)
            said = {"responses": [{"text": evil, "model": evil + name} for name in "abcd"]}
            bad = {"status": "failed", "reason": ev.Reason(code=evil, message=evil)}
            told.finish_cells(
                one.id, [one_cell(n, said, item=evil, row={evil: evil}, **(bad if n % 2 else {})) for n in range(60)]
            )
            continue
        value = {"consensus_text": evil, "voters": [evil] * 50, "total_candidates": 50}
        value["groups"] = [{"text": evil, "voters": [evil] * 50} for _ in range(50)]
        told.finish(one.id, value if one.op == "consensus_vote" else {"x": evil})
    assert len(written(told).encode()) < 1_000_000


def test_the_picture_leaves_out_arrows_that_others_imply() -> None:
    steps = [step("a", "llm_map"), step("b", "llm_map", ["a"]), step("gate", "audit_gate", ["a", "b"])]
    told = Told(steps)
    told.start()
    arrows = [line.strip() for line in flowchart(told.facts()).splitlines() if "-->" in line]
    assert arrows == ["n0 --> n1", "n1 --> n2"]


def test_a_cell_is_inline_text_with_its_bars_escaped() -> None:
    assert cell("a|b") == "a\\|b"
    assert inline("a|b") == "a|b"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2026-11-23T06:09:00.003000Z", "3 ms"),
        ("2026-11-23T06:09:01.290000Z", "1.2 s"),
        ("2026-11-23T06:13:10.000000Z", "4 min 10 s"),
        ("2026-11-23T09:14:00.000000Z", "3 h 5 min"),
        ("2026-11-25T10:09:00.000000Z", "2 days 4 h"),
        ("2026-11-23T06:08:00.000000Z", "0 ms"),
        ("2026-99-99T06:08:00.000000Z", ""),
        ("", ""),
    ],
)
def test_a_duration_is_said_in_the_units_that_fit(end: str, said: str) -> None:
    assert phrases.between("2026-11-23T06:09:00.000000Z", end) == said


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_999, "1.0 MB"), (98_362_432, "98.4 MB")],
)
def test_a_size_is_said_in_powers_of_a_thousand(size_bytes: int, said: str) -> None:
    assert phrases.size(size_bytes) == said


def two_minds_run() -> Told:
    """A run at whose gate Bob approves twice, Cleo once, and Dan takes his approval back."""
    told = Told([step("gate", "audit_gate"), step("last", "write_text", ["gate"], path="a.txt", text="a")])
    told.start()
    told.begin("gate")
    told.gate("gate", [item("a", "Read?")])
    for name, verdict in (
        ("bob", "approve"),
        ("dan", "approve"),
        ("dan", "withdraw"),
        ("bob", "approve"),
        ("cleo", "approve"),
    ):
        told.decide("gate", verdict, signer=Signer(f"{name}@example.org", name.title(), "reviewer", "SHA256:abc"))
    told.close("gate")
    told.finish("gate", {})
    told.begin("last")
    told.finish("last", {})
    told.end("approved")
    return told


def test_the_first_page_names_each_person_whose_approval_stands_once() -> None:
    text = written(two_minds_run())
    assert "and `bob@example.org` and `cleo@example.org` approved the results at the gate `gate`.\n" in text
    assert "| people | 5 decisions at 1 gate; [who decided, and on what](#decisions-of-people) |" in text


def test_a_decision_that_no_longer_counts_says_so() -> None:
    text = written(two_minds_run())
    assert text.count("**approved**; their later decision took its place:\n") == 2
    assert text.count("**approved**:\n") == 2
    assert "answer of `bob@example.org` (replaced) " in text
