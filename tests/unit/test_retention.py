"""For how long files are kept at an object store: what may be asked for, and which lock is as good as another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.publish.targets.retention import MOST_DAYS, Mode, Retention, read_retention

NOW = datetime(2026, 11, 23, 12, 30, 15, 250_000, tzinfo=UTC)
COMPLIANCE: Mode = "COMPLIANCE"

retentions = st.builds(
    Retention,
    st.sampled_from(["COMPLIANCE", "GOVERNANCE"]),
    st.integers(0, 3).map(lambda days: NOW + timedelta(days=days)),
)


@pytest.mark.parametrize(
    ("until", "days", "expected"),
    [
        ("2036-12-31", None, "2036-12-31T23:59:59.000000Z COMPLIANCE"),
        ("2026-11-23T13:00:00Z", None, "2026-11-23T13:00:00.000000Z COMPLIANCE"),
        ("", 1, "2026-11-24T23:59:59.000000Z COMPLIANCE"),
        ("", MOST_DAYS, "2126-10-30T23:59:59.000000Z COMPLIANCE"),
    ],
)
def test_a_day_means_its_end_and_a_time_itself(until: str, days: int | None, expected: str) -> None:
    assert str(read_retention(until, days, COMPLIANCE, NOW)) == expected


@pytest.mark.parametrize(
    ("until", "days", "where"),
    [
        ("2026-11-22", None, "--retain-until"),
        ("2026-11-23T12:30:20Z", None, "--retain-until"),
        ("2127-01-01", None, "--retain-until"),
        ("2026-02-30", None, "--retain-until"),
        ("31.12.2036", None, "--retain-until"),
        ("2036-12-31T12:00:00+01:00", None, "--retain-until"),
        ("", 0, "--retain-days"),
        ("", -1, "--retain-days"),
        ("", MOST_DAYS + 1, "--retain-days"),
        ("", 10**12, "--retain-days"),
    ],
)
def test_what_cannot_be_kept_until_is_refused_and_the_option_named(until: str, days: int | None, where: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_retention(until, days, COMPLIANCE, NOW)
    assert caught.value.where == where
    assert caught.value.expected


@pytest.mark.parametrize(("until", "days", "got"), [("", None, "neither"), ("2036-12-31", 5, "both")])
def test_how_long_is_said_once(until: str, days: int | None, got: str) -> None:
    with pytest.raises(UsageError, match="a time that you say") as caught:
        read_retention(until, days, COMPLIANCE, NOW)
    assert caught.value.got == got


@given(retentions, retentions)
def test_a_lock_is_as_good_when_it_is_as_long_and_as_strong(asked: Retention, there: Retention) -> None:
    is_as_strong = there.is_final or not asked.is_final
    assert asked.holds(there) == (there.until >= asked.until and is_as_strong)
    assert asked.holds(asked)
    assert not asked.holds(None)
