"""Keys of providers of models that detect-secrets has no rule for, by the forms that the providers give them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_FORMS: Final = {
    "anthropic-key": re.compile(r"(?<![A-Za-z0-9])sk-ant-[a-z0-9]{3,8}-[A-Za-z0-9_-]{32,}"),
    "google-key": re.compile(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    "groq-key": re.compile(r"(?<![A-Za-z0-9])gsk_[A-Za-z0-9]{40,}"),
    "hugging-face-token": re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,}(?![A-Za-z0-9])"),
    "openai-key": re.compile(r"(?<![A-Za-z0-9])sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}"),
    "xai-key": re.compile(r"(?<![A-Za-z0-9])xai-[A-Za-z0-9]{40,}"),
}


def provider_keys_in(text: str) -> Iterator[tuple[str, str]]:
    """Each key in `text`, as its kind and itself."""
    for kind, form in _FORMS.items():
        for match in form.finditer(text):
            yield kind, match.group()
