"""The names of a run's folder (spec section 2). The five names of the original description never change."""

from __future__ import annotations

RUN_ID_PATTERN = r"^run_\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z(-[2-9]|-[1-9]\d+)?$(?!\n)"

INPUT = "input.json"
OUTPUTS = "outputs"
AUDIT = "audit"
METADATA = "metadata.json"
REPORT = "report.md"
REPORT_PICTURES = "report"
PICTURES = "report/pictures.md"

JOURNAL = "audit/journal.jsonl"
GATE_PENDING = "audit/gate_pending.json"
STATUS = "audit/status.json"
DECISIONS = "audit/decisions"
ALLOWED_SIGNERS = "audit/allowed_signers"
RAW = "audit/raw"
SUMS = "SHA256SUMS"
SEAL = "audit/seal.json"
SEAL_SIGNATURE = "audit/seal.json.sig"

DISCLOSURE_KEY = "audit/disclosure.key"
"""What all that a redaction may withhold is salted from; whoever has it can check guesses at what is withheld."""
REDACTIONS = "audit/redactions"
REGISTRATION = "audit/registration.json"
TIME_STAMP = "audit/seal.json.tsr"

NOT_IN_SUMS = frozenset({SUMS, SEAL, SEAL_SIGNATURE, REGISTRATION, TIME_STAMP})
"""The seal and what vouches for it from outside: they are made after the list."""

PARTIAL = ".partial"
"""What the name of a file ends in of which parts are withheld."""

VERIFIERS = ("verify.py", "verify.html")
"""The copies of verifiers that a bundle has beside the run's folder."""

CRATE = "ro-crate-metadata.json"
CITATION = "CITATION.cff"
SBOM = "sbom.cdx.json"
README = "README.md"
BESIDE = (*VERIFIERS, CITATION, CRATE, SBOM, README)
"""What a bundle may have behind the run's folder, in this order. Derived and unsigned: no part of the package."""

VALUE_FILE = "output.json"
RESPONSES_FILE = "responses.jsonl"
ITEMS_FILE = "items.jsonl"
FILES_FOLDER = "files"


def value_path(step: str) -> str:
    """Where the value of a step stands: `outputs/<step>/output.json`."""
    return f"{OUTPUTS}/{step}/{VALUE_FILE}"


def responses_path(step: str) -> str:
    """Where the model responses of a step stand: `outputs/<step>/responses.jsonl`."""
    return f"{OUTPUTS}/{step}/{RESPONSES_FILE}"


def items_path(step: str) -> str:
    """Where the results of a step that fans out stand, one line a cell: `outputs/<step>/items.jsonl`."""
    return f"{OUTPUTS}/{step}/{ITEMS_FILE}"


def raw_path(segment: int) -> str:
    """Where segment `segment` (from 1) of the exchanges with models stands: `audit/raw/00001.jsonl.gz`."""
    return f"{RAW}/{segment:05d}.jsonl.gz"


def file_path(step: str, name: str) -> str:
    """Where an artifact of a step stands: `outputs/<step>/files/<name>`."""
    return f"{OUTPUTS}/{step}/{FILES_FOLDER}/{name}"


def attempt_folder(step: str, attempt: int) -> str:
    """Where the artifacts of a failed attempt are kept: `outputs/<step>/attempt-<n>`."""
    return f"{OUTPUTS}/{step}/attempt-{attempt}"


def picture_path(name: str, ending: str) -> str:
    """Where a picture of the report stands: `report/<name>.svg` or `.png`."""
    return f"{REPORT_PICTURES}/{name}.{ending}"


def gate_request_path(gate: str) -> str:
    """Where what a gate asks stands: `outputs/<gate>/gate.json`."""
    return f"{OUTPUTS}/{gate}/gate.json"


def gate_report_path(gate: str) -> str:
    """Where the report as it stood when a gate opened stands: `outputs/<gate>/report.md`."""
    return f"{OUTPUTS}/{gate}/{REPORT}"


def vote_path(number: int, gate: str) -> str:
    """Where sealed vote `number` (from 1) of a blind gate stands: `audit/decisions/vote-0001-<gate>.json`."""
    return f"{DECISIONS}/vote-{number:04d}-{gate}.json"


def signature_path(path: str) -> str:
    """Where the signature of a decision or of a sealed vote stands."""
    return f"{path}.sig"


def authority_path(path: str) -> str:
    """Where the record of who signed a decision or a sealed vote stands: `<path without .json>.authority.json`."""
    return f"{path.removesuffix('.json')}.authority.json"


def decision_path(number: int, gate: str) -> str:
    """Where decision `number` (from 1) stands: `audit/decisions/0001-<gate>.json`."""
    return f"{DECISIONS}/{number:04d}-{gate}.json"


def redaction_path(number: int) -> str:
    """Where redaction `number` (from 1) stands: `audit/redactions/0001.json`; its signature beside it."""
    return f"{REDACTIONS}/{number:04d}.json"


def is_in_sums(path: str) -> bool:
    """Whether a file of a package is one of those that SHA256SUMS lists."""
    return path not in NOT_IN_SUMS and not path.startswith(f"{REDACTIONS}/")
