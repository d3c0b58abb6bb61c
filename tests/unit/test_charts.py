"""Pictures: the same bytes for the same values, plain SVG whatever the labels say, and nothing left out unsaid."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from tests.unit import science
from tests.unit.a_run import Told, step

from awo.derive.charts import picture as frame
from awo.derive.charts.agreement import Raters, agreement_picture
from awo.derive.charts.differences import Paired, differences_picture
from awo.derive.charts.estimates import Metric, scores_picture
from awo.derive.charts.gallery import gallery
from awo.derive.charts.gathering import drawings
from awo.derive.charts.labels import LABEL_CHARACTERS, label
from awo.derive.charts.models import CostOfScore, Latencies, Priced, cost_picture, latency_picture
from awo.derive.charts.picture import Picture
from awo.derive.numbers import NOTHING
from awo.errors import CannotCheck
from awo.evidence.statistics import MetricResult

EVIL = "</text><script>alert(1)</script><!-- --> ]]> &amp; $\\frac{1}{0}$ \x00\x1b[2J\u202e\ud800 日本 https://evil.example"
SVG = "{http://www.w3.org/2000/svg}"


def scores(result: MetricResult, name: str = "accuracy") -> Picture:
    return scores_picture([Metric("stats", name, result, 0.95)])


def latencies(model: str) -> Latencies:
    return Latencies(model, 20, 0, 10, 200, 900, 9_000)


def priced(model: str, usd: float) -> Priced:
    return Priced(model, 0.5, 0.4, 0.6, usd, 20)


def every_kind(name: str) -> dict[str, Callable[[], Picture]]:
    """One picture of each kind in which `name` is whatever has a name."""
    value = science.comparison(name, name + "b", 0.1, factor=name, score=name, where={name: name})
    return {
        "scores": lambda: scores(science.metric({name: 0.3, name + "b": None}, by=name or "x"), name),
        "differences": lambda: differences_picture([Paired(name, name, value, 0.95)]),
        "agreement": lambda: agreement_picture([Raters(name, name, science.agreement([name, "b", "c"], [0.1, None]))]),
        "cost": lambda: cost_picture([CostOfScore(name, name, [priced(name, 0.1), priced("b", 0)])], 1),
        "latency": lambda: latency_picture([latencies(name), latencies("b")]),
    }


def texts(drawn: Picture) -> list[str]:
    """Every text of a picture."""
    return [element.text or "" for element in ET.fromstring(drawn.svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("kind", every_kind("m"))
def test_the_same_values_give_the_same_bytes(kind: str) -> None:
    assert every_kind("a model")[kind]() == every_kind("a model")[kind]()


@pytest.mark.parametrize("kind", every_kind("m"))
def test_hostile_names_stay_text_in_plain_svg(kind: str) -> None:
    drawn = every_kind(EVIL)[kind]()
    root = ET.fromstring(drawn.svg)
    assert b"<!DOCTYPE" not in drawn.svg
    assert not {element.tag for element in root.iter()} & {
        f"{SVG}{tag}" for tag in ("script", "image", "a", "foreignObject")
    }
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            if name.endswith("href") or "url(" in value:
                assert re.search(r"^#|url\(#", value)
    assert any("script" in text or "</te" in text for text in texts(drawn))
    assert "\u202e" not in drawn.svg.decode()


@pytest.mark.parametrize("kind", every_kind("m"))
def test_a_picture_carries_no_time_and_no_place(kind: str) -> None:
    drawn = every_kind("m")[kind]()
    assert not re.search(rb"\b20\d\d-\d\d-\d\d|dc:date|/home|/usr|site-packages", drawn.svg)
    assert drawn.png.startswith(b"\x89PNG")
    assert b"tEXt" not in drawn.png
    assert b"tIME" not in drawn.png


def test_numbers_and_counts_stand_beside_what_they_count() -> None:
    said = texts(scores(science.metric({"large": 0.6, "mute": None})))
    assert "large  (n = 120, 2 missing)" in said
    assert "0.600" in said
    assert NOTHING in said
    assert "rate of correct, with 95 % interval  (step stats)" in said


def test_a_difference_says_its_p_value_and_what_the_band_is() -> None:
    found = [Paired("stats", "x", science.comparison("a", "b", 0.1), 0.9)]
    said = " ".join(texts(differences_picture(found)))
    assert "+0.100" in said
    assert "p = 0.025, adjusted" in said
    assert "with 90 % interval" in said
    assert "noise floor" in said


def test_p_values_are_adjusted_on_every_row_or_on_none() -> None:
    rows = [science.comparison("a", "b", 0.1, p_adjusted=p) for p in (0.0123, 0.0246)]
    corrected = texts(differences_picture([Paired("stats", "x", one, 0.95) for one in rows]))
    assert [text for text in corrected if text.startswith("p ")] == ["p = 0.012, adjusted", "p = 0.025, adjusted"]
    plain = texts(differences_picture([Paired("stats", "x", one, 0.95, is_corrected=False) for one in rows]))
    assert [text for text in plain if text.startswith("p ")] == ["p = 0.012", "p = 0.012"]


def test_all_groups_together_are_drawn_only_where_there_are_no_groups() -> None:
    assert not any(text.startswith("all") for text in texts(scores(science.metric({"a": 0.5}))))
    assert any(text.startswith("all") for text in texts(scores(science.metric({}))))


def test_disagreement_and_chance_have_different_colours() -> None:
    def fills(value: float) -> set[str]:
        drawn = agreement_picture([Raters("s", "a", science.agreement(["a", "b"], [value]))])
        return set(re.findall(r"fill: (#[0-9a-f]{6})", drawn.svg.decode()))

    assert len({frozenset(fills(value)) for value in (-0.36, 0.0, 0.36)}) == 3


def test_what_has_no_value_is_not_drawn() -> None:
    value = science.statistics(
        metrics={"x": science.metric({"mute": None})},
        comparisons={"x": science.comparison("a", "b", None)},
        agreement={"x": science.agreement(["a", "b"], [None])},
    )
    told = science.a_study(value)
    assert [name for name, _ in drawings(told.facts(), told)] == ["latency"]


def test_a_comparison_without_a_control_has_no_band_and_a_note() -> None:
    drawn = differences_picture([Paired("stats", "x", science.comparison("a", "b", 0.1, noise=None), 0.95)])
    assert "noise floor" not in " ".join(texts(drawn))
    assert drawn.notes == ("1 of the comparisons drawn has no A/A control.",)


@pytest.mark.parametrize("groups", [0, 1, 30])
def test_up_to_thirty_groups_are_all_drawn(groups: int) -> None:
    drawn = scores(science.metric({f"group {number}": number / 30 for number in range(groups)}))
    assert drawn.notes == ()
    assert sum(text.startswith("group ") for text in texts(drawn)) == groups


def test_what_is_too_much_is_capped_and_said() -> None:
    drawn = scores(science.metric({f"group {number}": 0.5 for number in range(31)}))
    assert drawn.notes == ("The first 30 of 31 groups of rates are drawn.",)
    many = [Metric("stats", f"m{number}", science.metric({"a": 0.5}), 0.95) for number in range(7)]
    assert scores_picture(many).notes == ("The first 6 of 7 metrics are drawn.",)
    raters = science.agreement([f"rater {number}" for number in range(24)], [0.5])
    assert agreement_picture([Raters("s", "a", raters)]).notes == ("The first 20 of 24 raters are drawn.",)


def test_a_tall_picture_grows_with_its_rows() -> None:
    heights = []
    for groups in (2, 20):
        png = scores(science.metric({f"g{number}": 0.5 for number in range(groups)})).png
        width, height = struct.unpack(">II", png[16:24])
        assert width == int(frame.WIDTH_IN * frame.PNG_DPI)
        heights.append(height)
    assert heights[1] > 2 * heights[0]


def test_costs_that_span_far_and_a_free_model_are_both_readable() -> None:
    said = texts(
        cost_picture([CostOfScore("m", "rate", [priced("dear", 0.1), priced("cheap", 0.0001), priced("own", 0)])], 0)
    )
    assert {"0", "1", "100"} <= set(said)
    assert not any("mathdefault" in text for text in said)


def test_a_long_name_is_cut_in_the_middle() -> None:
    cut = label("openrouter/meta-llama/llama-4-maverick-17b-128e-instruct:free")
    assert len(cut) == LABEL_CHARACTERS
    assert cut.startswith("openrouter/meta-llama/")
    assert cut.endswith("struct:free")
    assert label("a\x07b") == "a⟨U+0007⟩b"


def drawn_from(told: Told) -> dict[str, Picture]:
    return {name: draw() for name, draw in drawings(told.facts(), told)}


def test_a_study_of_paid_models_has_all_five_pictures() -> None:
    told = science.a_study(cost="0.0005")
    drawn = drawn_from(told)
    assert list(drawn) == ["scores", "differences", "agreement", "cost", "latency"]
    assert any("large" in text for text in texts(drawn["cost"]))
    assert any("500 ms" in text or "495 ms" in text for text in texts(drawn["latency"]))


def test_where_no_cost_is_known_none_is_drawn() -> None:
    assert "cost" not in drawn_from(science.a_study(cost=""))
    assert "cost" not in drawn_from(science.a_study(cost="0"))


def test_no_more_responses_are_read_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awo.derive.charts.gathering.RESPONSES_READ", 10)
    told = science.a_study()
    drawn = drawn_from(told)
    assert told.lines_read == 11
    assert drawn["latency"].notes == ("Over the first 10 responses.",)


def test_a_metric_over_nothing_is_not_drawn() -> None:
    empty = science.metric({"mute": None})
    empty = replace(empty, total=science.estimate({}, None))
    told = science.a_study(science.statistics(metrics={"m": empty}, comparisons={}, agreement={}))
    assert list(drawn_from(told)) == ["latency"]


def test_without_matplotlib_the_error_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(CannotCheck) as caught:
        scores(science.metric({"a": 0.5}))
    assert caught.value.hint == "pip install 'awo[charts]'"


def test_drawing_leaves_the_settings_of_matplotlib_as_they_were() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    scores(science.metric({"a": 0.5}))
    assert dict(mpl.rcParams) == before


def test_the_page_of_pictures_shows_each_and_says_what_is_missing() -> None:
    drawn = scores(science.metric({f"group {number}": 0.5 for number in range(31)}))
    page = gallery([drawn], {"cost": "matplotlib ended with <ValueError>"})
    assert "![Scores by group, with their intervals](scores.svg)" in page
    assert "[PNG](scores.png)" in page
    assert "The first 30 of 31 groups of rates are drawn." in page
    assert "## Not drawn: cost\n\nmatplotlib ended with \\<ValueError\\>\n" in page


def test_a_run_that_scored_nothing_has_nothing_to_draw() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    assert list(drawings(told.facts(), told)) == []
