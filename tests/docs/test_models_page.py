"""The page on models says what the tables in the source say: providers, variables, parameters, codes, and examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from awo import api, plugins
from awo.inference import anthropic_messages, gemini, key_file, keys
from awo.inference.providers import PROVIDERS, Provider
from awo.inference.seam import FailureCode
from awo.workflow.load import parse

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
TEXT = PAGE.read_text(encoding="utf-8")
WORDS = set(re.findall(r"`([^`\n]+)`", TEXT))


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def row(title: str, name: str) -> str:
    """The line of the table under `title` that begins with `name`."""
    (found,) = [line for line in section(title).splitlines() if line.startswith(f"| `{name}` |")]
    return found


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_each_provider_has_its_address_its_variables_and_its_trial_on_the_page(provider: Provider) -> None:
    told = row("Providers", provider.name)
    for word in (provider.address, *provider.address_variables, *provider.key_variables):
        assert f"`{word}`" in told or not word
    assert ("not needed" in told) != provider.needs_key
    assert row("What has been tried", provider.name)


def test_the_page_names_every_backend_and_no_other_provider() -> None:
    assert set(plugins.BACKENDS) <= WORDS
    told = re.findall(r"^\| `([a-z-]+)` \|", section("Providers"), re.MULTILINE)
    assert told == list(PROVIDERS)


def test_the_page_names_the_key_files_variables_and_fields() -> None:
    assert {key_file.FILE_VARIABLE, f"{keys.ALLOW_VARIABLE}=1", "XDG_CONFIG_HOME", "OPENAI_API_VERSION"} <= WORDS
    assert all(re.search(rf"^{field} = ", section("Keys"), re.MULTILINE) for field in key_file.FIELDS)


def test_the_page_names_every_parameter_of_the_protocols_that_refuse_others() -> None:
    for name in (*anthropic_messages.TRANSLATED, *anthropic_messages.ITS_OWN):
        assert name in WORDS
    for name in (*gemini.TRANSLATED, *gemini.ITS_OWN, *gemini.BESIDE):
        assert name in WORDS


def test_every_code_of_a_failure_over_the_network_is_explained() -> None:
    told = re.findall(r"^\| `([a-z_]+)` \|", section("When something goes wrong"), re.MULTILINE)
    assert set(told) == set(get_args(FailureCode)) - {"model", "not_recorded"}


def test_the_example_is_a_whole_workflow() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert parse(text.encode(), "models.md", api.operations()).steps
