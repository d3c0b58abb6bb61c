"""Run by the peers' Python: what the official schemas, pybtex and citeproc-py make of citations. JSON in, JSON out.

The schema of CFF 1.2.0 is read from the package data of cffconvert, that of DataCite 4.5 from the package datacite.
"""

# mypy: ignore-errors

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def package_file(package: str, *parts: str) -> Any:
    """A JSON file that an installed package brings, without importing the package."""
    spec = importlib.util.find_spec(package)
    return json.loads(Path(spec.origin).parent.joinpath(*parts).read_text(encoding="utf-8"))


def faults(schema: Any, value: Any) -> list[str]:
    """What JSON Schema says against a value."""
    from jsonschema import FormatChecker
    from jsonschema.validators import validator_for

    judge = validator_for(schema)(schema, format_checker=FormatChecker())
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message[:200]}" for one in judge.iter_errors(value)]


class PlainLoader:
    """YAML as CFF wants it: days stay text."""

    def __new__(cls, text: str) -> Any:
        import yaml

        class Loader(yaml.SafeLoader):
            pass

        Loader.yaml_implicit_resolvers = {
            sign: [row for row in rows if row[0] != "tag:yaml.org,2002:timestamp"]
            for sign, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }
        return yaml.load(text, Loader)


def parsed_bibtex(text: str) -> dict[str, Any]:
    """The one entry as pybtex reads it, and as its plain style prints it."""
    from pybtex.database import parse_string
    from pybtex.plugin import find_plugin

    data = parse_string(text, "bibtex")
    style, backend = find_plugin("pybtex.style.formatting", "plain")(), find_plugin("pybtex.backends", "text")()
    ((key, entry),) = data.entries.items()
    people = [
        " ".join((*p.prelast_names, *p.last_names)) + ", " + " ".join(p.first_names) for p in entry.persons["author"]
    ]
    (shown,) = style.format_bibliography(data)
    return {"key": key, "people": people, "fields": dict(entry.fields), "shown": shown.text.render(backend)}


def rendered_csl(items: Any) -> str:
    """The item as a style of CSL prints it."""
    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc.source.json import CiteProcJSON

    style = CitationStylesStyle("apa", validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)
    bibliography.register(Citation([CitationItem(items[0]["id"])]))
    return "".join(str(part) for part in bibliography.bibliography()[0])


def main() -> None:
    """Answers each question of stdin: {"cff" | "datacite" | "bibtex" | "csl": text} gives its verdict."""
    cff, datacite = package_file("cffconvert", "schemas", "1.2.0", "schema.json"), None
    answers = []
    for question in json.load(sys.stdin):
        ((kind, text),) = question.items()
        if kind == "cff":
            answers.append(faults(cff, PlainLoader(text)))
        elif kind == "datacite":
            datacite = datacite or package_file("datacite", "schemas", "datacite-v4.5.json")
            answers.append(faults(datacite, json.loads(text)))
        elif kind == "bibtex":
            answers.append(parsed_bibtex(text))
        else:
            answers.append(rendered_csl(json.loads(text)))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
