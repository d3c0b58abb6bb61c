"""Builds what Inspect, promptfoo and AWO 1.x leave, in the shape of theirs: small, and wrong on demand."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final

STORED, DEFLATED, ZSTANDARD = 0, 8, 93
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")


def zipped(
    members: Sequence[tuple[str, bytes]], method: int = DEFLATED, said_bytes: Mapping[str, int] | None = None
) -> bytes:
    """A zip archive. `said_bytes` makes it lie about the length of a member."""
    out, directory = BytesIO(), BytesIO()
    for name, data in members:
        packed, coded = _packed(data, method), name.encode()
        size = (said_bytes or {}).get(name, len(data))
        place = out.tell()
        out.write(
            _LOCAL.pack(b"PK\3\4", 63, 0, method, 0, 33, zlib.crc32(data), len(packed), size, len(coded), 0)
            + coded
            + packed
        )
        directory.write(
            _CENTRAL.pack(
                b"PK\1\2",
                63,
                63,
                0,
                method,
                0,
                33,
                zlib.crc32(data),
                len(packed),
                size,
                len(coded),
                0,
                0,
                0,
                0,
                0,
                place,
            )
            + coded
        )
    listed = directory.getvalue()
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), len(listed), out.tell(), 0)
    return out.getvalue() + listed + end


def _packed(data: bytes, method: int) -> bytes:
    if method == DEFLATED:
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(data) + packer.flush()
    if method == ZSTANDARD:
        from awo.derive.received.zipped import _zstandard

        half = len(data) // 2
        frames: list[bytes] = [_zstandard().compress(piece) for piece in (data[:half], data[half:])]
        return b"".join(frames)
    return data


# --- Inspect ------------------------------------------------------------------------------------------------------


def sample(id_: Any = "a", epoch: int = 1, **more: Any) -> dict[str, Any]:
    """A sample as a log of Inspect has it."""
    return {
        "id": id_,
        "epoch": epoch,
        "input": "What is 1+1?",
        "target": "2",
        "messages": [],
        "output": {
            "model": "mock/one",
            "choices": [
                {"message": {"role": "assistant", "content": "It is 2.", "model": "mock/one"}, "stop_reason": "stop"}
            ],
            "completion": "It is 2.",
            "usage": {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8, "input_tokens_cache_read": 2},
        },
        "scores": {"match": {"value": "C", "answer": "2", "explanation": "It is 2."}},
        "completed_at": "2026-11-01T10:00:01+00:00",
        "total_time": 0.25,
        "attachments": {},
    } | more


def log(version: Any = 2, samples: int = 1) -> dict[str, Any]:
    """The header of a log of Inspect."""
    return {
        "version": version,
        "status": "success",
        "eval": {
            "task": "sums",
            "created": "2026-11-01T10:00:00+00:00",
            "model": "mock/one",
            "packages": {"inspect_ai": "0.3.285"},
        },
        "results": {
            "total_samples": samples,
            "scores": [{"name": "match", "metrics": {"accuracy": {"name": "accuracy", "value": 1.0}}}],
        },
    }


def eval_log(
    samples: Sequence[Mapping[str, Any]], method: int = DEFLATED, more: Sequence[tuple[str, bytes]] = ()
) -> bytes:
    """A `.eval` archive."""
    members = [("_journal/start.json", json.dumps(log()).encode())]
    members += [(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one).encode()) for one in samples]
    members += [*more, ("header.json", json.dumps(log(samples=len(samples))).encode())]
    return zipped(members, method)


def json_log(samples: Sequence[Mapping[str, Any]]) -> bytes:
    """The older log, one JSON document."""
    return json.dumps(log(samples=len(samples)) | {"samples": list(samples)}).encode()


# --- promptfoo ----------------------------------------------------------------------------------------------------


def result(**more: Any) -> dict[str, Any]:
    """One result of promptfoo."""
    return {
        "promptIdx": 0,
        "testIdx": 0,
        "provider": {"id": "openai:gpt-4o-mini", "label": ""},
        "prompt": {"raw": "Name a colour.", "label": "p"},
        "vars": {},
        "testCase": {"assert": [{"type": "contains", "value": "blue"}]},
        "response": {"output": "blue", "tokenUsage": {"prompt": 12, "completion": 5, "total": 17}},
        "success": True,
        "score": 1,
        "namedScores": {"short": 0.5},
        "gradingResult": {"pass": True, "score": 1, "reason": "All assertions passed"},
        "failureReason": 0,
        "latencyMs": 420,
        "cost": 0.0000001,
    } | more


def promptfoo(results: Sequence[Any], version: Any = 3) -> bytes:
    """What `promptfoo eval -o results.json` writes."""
    summary = {
        "version": version,
        "timestamp": "2026-09-25T10:00:00.000Z",
        "results": list(results),
        "stats": {"successes": len(results), "failures": 0, "errors": 0},
    }
    document = {"evalId": "eval-x", "results": summary, "config": {"description": "colours"}}
    return json.dumps(document | {"metadata": {"promptfooVersion": "0.118.0"}}).encode()


# --- AWO 1.x ------------------------------------------------------------------------------------------------------


def awo_1x() -> dict[str, bytes]:
    """The folder of a run of AWO 1.x, by path: as its releases of 2025 wrote them."""
    asked = {"id": "fanout_1", "op": "fanout_generate", "prompt": "Say hello."}
    answers = [{"model": name, "text": text, "meta": {"seed": 1}} for name, text in (("echo", "Hi"), ("upper", "HI"))]
    vote = {"id": "consensus_1", "op": "consensus_vote", "consensus_text": "Hi", "agreement_ratio": 1.0}
    files: dict[str, Any] = {
        "workflow_frozen.json": {"name": "hello", "steps": [asked]},
        "index.json": {"run_id": "run_2025-10-02T08-32-50Z", "started_at": "2025-10-02T08:32:50Z", "status": "ok"},
        "steps/05_fanout_1.json": {"ts": "2025-10-02T08:32:50Z", "id": "fanout_1", **asked, "outputs": answers},
        "steps/07_consensus_1.json": vote,
        "steps/08_map.json": {"id": "map", "op": "llm_map", "output": {"text": "one"}, "prompt": "p"},
        "steps/09_lost.json": {"id": "lost", "op": "llm_map", "error": "fatal", "message": "no backend"},
    }
    return {path: json.dumps(content).encode() for path, content in files.items()} | {"report.md": b"# Report\n"}
