"""The one door to detect-secrets: its rules for secrets of one known form, and nothing else of it.

Only `analyze_string` of a rule is called, which matches text. Its settings, its filters (one of which lets a text
excuse itself), its files of known findings and its checks over the network are never reached.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Final, NamedTuple


class Rule(NamedTuple):
    """A rule of detect-secrets: the kind of finding it makes, and one of `marks` (in lower case) is in every match."""

    kind: str
    module: str
    name: str
    marks: tuple[str, ...]


RULES: Final = (
    Rule("aws-key", "aws", "AWSKeyDetector", ("akia", "asia", "abia", "acca", "a3t", "aws")),
    Rule("azure-key", "azure_storage_key", "AzureStorageKeyDetector", ("accountkey=",)),
    Rule("password-in-url", "basic_auth", "BasicAuthDetector", ("://",)),
    Rule("discord-token", "discord", "DiscordBotTokenDetector", (".",)),
    Rule("github-token", "github_token", "GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    Rule("gitlab-token", "gitlab_token", "GitLabTokenDetector", ("gl", "gr1348941")),
    Rule("json-web-token", "jwt", "JwtTokenDetector", ("eyj",)),
    Rule("mailchimp-key", "mailchimp", "MailchimpDetector", ("-us",)),
    Rule("npm-token", "npm", "NpmDetector", ("_authtoken=",)),
    Rule("openai-key", "openai", "OpenAIDetector", ("t3blbkfj",)),
    Rule("private-key", "private_key", "PrivateKeyDetector", ("private key", "putty-user-key-file-2")),
    Rule("pypi-token", "pypi_token", "PypiTokenDetector", ("pypi-age",)),
    Rule("sendgrid-key", "sendgrid", "SendGridDetector", ("sg.",)),
    Rule("slack-token", "slack", "SlackDetector", ("xox", "hooks.slack.com")),
    Rule("square-secret", "square_oauth", "SquareOAuthDetector", ("sq0csp-",)),
    Rule("stripe-key", "stripe", "StripeDetector", ("k_live_",)),
    Rule("telegram-token", "telegram_token", "TelegramBotTokenDetector", (":",)),
    Rule("twilio-key", "twilio", "TwilioKeyDetector", ("ac", "sk")),
)

LEFT_OUT: Final = {
    "ArtifactoryDetector": "two letters and eight more: words and ids look the same",
    "Base64HighEntropyString": "our records are full of digests, signatures and keys that are meant to be seen",
    "CloudantDetector": "any 24 letters after the word key: prose looks the same",
    "HexHighEntropyString": "our records are full of digests and salts that are meant to be seen",
    "IPPublicDetector": "version numbers look the same",
    "IbmCloudIamDetector": "any 44 characters after the word key: a digest in base64 looks the same",
    "IbmCosHmacDetector": "any 48 hexadecimal digits after the words secret key",
    "KeywordDetector": "anything after the word password: answers of models talk of passwords",
    "SoftlayerDetector": "any 64 hexadecimal digits after the word key: a digest looks the same",
}
"""Rules that are not used, and why: they match by the name before a text, or by how random it looks."""


def secrets_in(text: str) -> Iterator[tuple[str, str]]:
    """Each secret in `text`, as its kind and itself."""
    lowered = text.lower()
    for rule in RULES:
        if any(mark in lowered for mark in rule.marks):
            yield from _found_by(rule, text)


def _found_by(rule: Rule, text: str) -> Iterator[tuple[str, str]]:
    """What a rule finds, with all that its pattern fits: the rule itself may name a part, as the `ghp` of a token."""
    detector = _detector(rule)
    parts = [part for part in detector.analyze_string(text) if part]
    if not parts:
        return
    for pattern in detector.denylist:
        for match in pattern.finditer(text):
            if any(part in match.group() for part in parts):
                yield rule.kind, match.group()


@functools.cache
def _detector(rule: Rule) -> Any:
    from detect_secrets import plugins
    from detect_secrets.plugins import (  # noqa: F401  (each is an attribute of `plugins` from then on)
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        jwt,
        mailchimp,
        npm,
        openai,
        private_key,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    return getattr(getattr(plugins, rule.module), rule.name)()
