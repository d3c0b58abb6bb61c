"""Foreign text in Markdown shows itself and does nothing, as a real CommonMark parser sees it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from awo.derive import markdown, mermaid

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

PUNCTUATION = " \t\n\\`*_{}[]()<>#+-.!|~=:&;\"'/@$^%?,0123456789ab"
HOSTILE = (
    st.text(alphabet=PUNCTUATION)
    | st.text()
    | st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("`|\\ \u202e"))
)


def shown(inline: Token) -> str:
    """What a reader sees of an inline token in which nothing acts; fails when something does."""
    children = inline.children or []
    assert {child.type for child in children} <= {"text", "code_inline"}
    return "".join(child.content for child in children)


def only_inline(tokens: list[Token], *around: str) -> Token:
    assert [token.type for token in tokens if token.type != "inline"] == [f"{a}" for a in around]
    (found,) = (token for token in tokens if token.type == "inline")
    return found


@given(HOSTILE)
@example("1. one")
@example("# title #")
@example("- - -")
@example("![x](https://example.org/x.png) <script>alert(1)</script> &amp; &#x41;")
@example("[link][1] [^1] ~~gone~~ **bold** `code` \\")
@example("  two  gaps  ")
@example("\u00a0edge\u3000")
def test_inline_text_shows_itself_in_a_paragraph(text: str) -> None:
    tokens = PARSER.parse(markdown.inline(text))
    if not text:
        assert tokens == []
        return
    assert shown(only_inline(tokens, "paragraph_open", "paragraph_close")) == markdown.visible(text)


@given(HOSTILE.filter(bool))
@example("title #")
@example("##")
def test_inline_text_shows_itself_in_a_heading(text: str) -> None:
    tokens = PARSER.parse(f"# {markdown.inline(text)}\n")
    assert shown(only_inline(tokens, "heading_open", "heading_close")) == markdown.visible(text)


@given(HOSTILE.filter(bool))
@example("[!WARNING]")
@example("> quote")
def test_a_quotation_holds_every_line_and_nothing_gets_out(text: str) -> None:
    tokens = PARSER.parse(f"{markdown.quote(text)}\nAfter.\n")
    assert tokens[0].type == "blockquote_open"
    assert [token.type for token in tokens[-4:]] == ["blockquote_close", "paragraph_open", "inline", "paragraph_close"]
    inside = [token for token in tokens[1:-4] if token.type not in ("paragraph_open", "paragraph_close")]
    assert {token.type for token in inside} <= {"inline"}
    kinds = {child.type for token in inside for child in token.children or []}
    assert kinds <= {"text", "code_inline", "hardbreak"}
    seen = "".join(child.content for token in inside for child in token.children or [])
    assert seen == "".join(markdown.visible(line) for line in text.rstrip("\n").split("\n"))


@given(st.lists(HOSTILE, min_size=2, max_size=2))
@example(["a|b", "\\|"])
@example(["`|`", "x@y|z"])
@example(["\\\\|", "\\"])
def test_a_table_keeps_its_cells_apart(texts: list[str]) -> None:
    tokens = PARSER.parse(markdown.table(["one", "two"], [[markdown.inline(text) for text in texts]]))
    cells = [tokens[place + 1] for place, token in enumerate(tokens) if token.type == "td_open"]
    assert [shown(cell) for cell in cells] == [markdown.visible(text) for text in texts]


@given(HOSTILE)
@example("`")
@example(" ` ")
@example("  ")
def test_a_code_span_shows_itself(text: str) -> None:
    tokens = PARSER.parse(f"x{markdown.code(text)}x")
    assert shown(only_inline(tokens, "paragraph_open", "paragraph_close")) == f"x{markdown.visible(text)}x"


@given(HOSTILE)
@example("```\n<b>\n```")
@example("~~~")
@example("a\rb")
def test_a_block_ends_where_it_should(text: str) -> None:
    tokens = PARSER.parse(f"{markdown.block(text)}After.\n")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    lines = text if text.endswith("\n") else text + "\n"
    assert tokens[0].content.split("\n") == [
        "\t".join(markdown.visible(part) for part in line.split("\t")) for line in lines.split("\n")
    ]


@given(HOSTILE)
def test_nothing_unseen_is_left(text: str) -> None:
    for form in (markdown.inline(text), markdown.code(text), markdown.block(text), markdown.quote(text)):
        assert not set(form) & set(
            "\x1b\x00\r\x7f\x9b\u061c\u200b\u200e\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
        )


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\nb", "a⏎ b"),
        ("\ud800", "⟨U+D800⟩"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("lone \u200d joiner", "lone ⟨U+200D⟩ joiner"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_a_sign(text: str, seen: str) -> None:
    assert markdown.visible(text) == seen


@pytest.mark.parametrize(
    "word",
    [
        "alice@example.org",
        "@alice",
        "https://example.org",
        "www.example.org",
        "WWW.x",
        "$x$",
        ":tada:",
        "#12",
        "[!NOTE]",
    ],
)
def test_words_on_which_github_acts_after_parsing_stand_in_code_spans(word: str) -> None:
    assert markdown.inline(f"see {word} now" if word != "[!NOTE]" else word).count(f"`{word}`") == 1


def test_plain_words_stay_readable_in_the_source() -> None:
    text = "The well-made kettle (2.0 l) boils fast: 98 % of us like it!"
    assert markdown.inline(text) == text


def test_long_text_is_cut_with_a_sign() -> None:
    assert markdown.shorten("abcdef", 6) == "abcdef"
    assert markdown.shorten("abcdefg", 6) == "abcde…"


@given(HOSTILE)
@example('"]; click n0 "javascript:alert(1)"')
@example("end<br/>#quot;`")
def test_a_mermaid_label_has_only_plain_characters_and_entity_codes(text: str) -> None:
    written = mermaid.label(text)
    rest = []
    decoded = []
    for number, piece in enumerate(written.split("#")):
        code, semicolon, plain = piece.partition(";") if number else ("", "", piece)
        if number:
            assert semicolon
            decoded.append(chr(int(code)))
        rest.append(plain)
        decoded.append(plain)
    assert all(c.isascii() and (c.isalnum() or c in " _,/") for c in "".join(rest))
    seen = markdown.visible(text).replace("$", "⟨U+0024⟩").replace("\\", "⟨U+005C⟩")
    assert "".join(decoded) == markdown.shorten(seen, mermaid.LABEL_CHARACTERS)
