"""The tables of kinds: a name, and where its code is. A row is imported only when it is asked for."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from typing import Any

from awo.errors import CannotCheck, UsageError

OPERATIONS: Mapping[str, str] = {
    "llm_map": "awo.ops.llm_map:OPERATION",
    "fanout_generate": "awo.ops.fanout_generate:OPERATION",
    "grade": "awo.ops.grade:OPERATION",
    "prefer": "awo.ops.prefer:OPERATION",
    "refute": "awo.ops.refute:OPERATION",
    "score": "awo.ops.score:SCORE_OPERATION",
    "assert": "awo.ops.score:ASSERT_OPERATION",
    "python_score": "awo.ops.python_score:OPERATION",
    "consensus_vote": "awo.ops.consensus_vote:OPERATION",
    "statistics": "awo.ops.statistics:OPERATION",
    "assert_contains": "awo.ops.assert_contains:OPERATION",
    "scope_validate": "awo.ops.scope_validate:OPERATION",
    "claims": "awo.ops.claims:OPERATION",
    "receive": "awo.ops.receive:OPERATION",
    "compare": "awo.ops.compare:OPERATION",
    "dissent": "awo.ops.dissent:OPERATION",
    "write_text": "awo.ops.write_text:OPERATION",
    "audit_gate": "awo.ops.audit_gate:OPERATION",
    "command": "awo.ops.command:OPERATION",
}

GATE_OPERATION = "audit_gate"
"""The operation whose step waits for people: every room that must know a gate when it sees one takes it from here."""

DERIVATIONS: Mapping[str, str] = {
    "score": "awo.derive.scores.step:SCORE",
    "assert": "awo.derive.scores.step:ASSERT",
    "statistics": "awo.derive.statistics.step:DERIVATION",
    "assert_contains": "awo.derive.containment:DERIVATION",
    "claims": "awo.derive.verdicts:DERIVATION",
    "compare": "awo.derive.comparison:DERIVATION",
    "consensus_vote": "awo.derive.votes.consensus_vote:DERIVATION",
    "dissent": "awo.derive.votes.dissent:DERIVATION",
    "receive": "awo.derive.received.step:DERIVATION",
    "scope_validate": "awo.derive.claims:DERIVATION",
    "write_text": "awo.derive.texts:DERIVATION",
}
"""The operations whose results follow from recorded ones: what both the engine and the judge compute with."""

BACKENDS: Mapping[str, str] = {
    "echo": "awo.inference.stand_ins:echo",
    "upper": "awo.inference.stand_ins:upper",
    "reverse": "awo.inference.stand_ins:reverse",
    "llama": "awo.inference.llama:open_llama",
    "openai": "awo.inference.hosted:openai",
    "anthropic": "awo.inference.hosted:anthropic",
    "gemini": "awo.inference.hosted:gemini_model",
    "openrouter": "awo.inference.hosted:openrouter",
    "azure": "awo.inference.hosted:azure",
    "ollama": "awo.inference.hosted:ollama",
    "vllm": "awo.inference.hosted:vllm",
    "llamacpp": "awo.inference.hosted:llamacpp",
    "lmstudio": "awo.inference.hosted:lmstudio",
    "pydantic-ai": "awo.inference.pydantic_ai:open_pydantic_ai",
    "replay": "awo.inference.replay:open_replay",
}

SIGNATURE_SCHEMES: Mapping[str, str] = {
    "file": "awo.sign.key_file:open_key_file",
    "agent": "awo.sign.agent:open_agent_key",
}

EXPORT_FORMS: Mapping[str, str] = {
    "crate.zip": "awo.publish.forms.ro_crate.form:CrateZip",
    "slsa": "awo.publish.forms.slsa:Slsa",
    "bagit": "awo.publish.forms.bagit:BagIt",
    "prov": "awo.publish.forms.prov:Prov",
    "spans": "awo.publish.forms.spans:Spans",
    "sbom": "awo.publish.forms.sbom_file:SbomFile",
}
"""What `awo export --as` writes beside the forms of `publish/` that are older than the seam (publish/forms/seam.py)."""

TARGETS: Mapping[str, str] = {
    "zenodo": "awo.publish.targets.invenio:open_zenodo",
    "invenio": "awo.publish.targets.invenio:open_invenio",
    "s3": "awo.publish.targets.s3:open_s3",
    "folder": "awo.publish.targets.folder:open_folder",
}
"""The places that `awo publish` sends to, by the word before the colon of their address (publish/targets/seam.py)."""

SERVERS: Mapping[str, str] = {
    "witness": "awo.web.witness_server:serve",
}
"""What answers requests over HTTP. The command line starts it by name: `cli` and `web` are strangers."""

EXTRA_OF_MODULE: Mapping[str, str] = {
    "aiohttp": "http",
    "backports": "inspect",
    "boto3": "s3",
    "apprise": "notify",
    "genai_prices": "http",
    "krippendorff": "science",
    "matplotlib": "charts",
    "numpy": "science",
    "detect_secrets": "scan",
    "phonenumbers": "scan",
    "py3langid": "text",
    "rapidfuzz": "text",
    "rouge_score": "text",
    "sacrebleu": "text",
    "scipy": "science",
    "stdnum": "scan",
    "urllib3": "zenodo",
    "statsmodels": "science",
    "wordllama": "embeddings",
    "pyarrow": "parquet",
    "rfc3161_client": "time",
    "pydantic_ai": "pydantic-ai",
    "xllamacpp": "local",
}


def nearest(word: str, words: list[str] | tuple[str, ...] | Mapping[str, Any]) -> str:
    """The word of `words` that `word` was probably meant to be, or '' when none is near."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return found[0] if found else ""


def missing_modules(modules: Iterable[str]) -> list[str]:
    """Those of `modules`, each a key of `EXTRA_OF_MODULE`, that are not installed here. Imports none of them."""
    return [module for module in dict.fromkeys(modules) if importlib.util.find_spec(module) is None]


def how_to_install(modules: Iterable[str]) -> str:
    """The one command that brings all of `modules`."""
    return f"pip install 'awo[{','.join(sorted({EXTRA_OF_MODULE[module] for module in modules}))}]'"


def load(table: Mapping[str, str], name: str, kind: str) -> Any:
    """The object in row `name` of `table`.

    Raises `UsageError` naming the nearest row for an unknown name, and `CannotCheck` with the
    `pip install` command when the row needs an extra that is not installed.
    """
    place = table.get(name)
    if place is None:
        near = nearest(name, table)
        raise UsageError(
            f"there is no {kind} called {name!r}",
            expected=", ".join(sorted(table)),
            hint=f"did you mean {near!r}?" if near else "",
        )
    module_name, _, attribute = place.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extra = EXTRA_OF_MODULE.get(missing)
        if extra is None:
            raise
        raise CannotCheck(
            f"{kind} {name!r} needs the package {missing}, which is not installed",
            hint=f"pip install 'awo[{extra}]'",
        ) from error
