"""What servers tell about themselves: Ollama's and llama.cpp's facts, and lists of models."""

from __future__ import annotations

from typing import Any

from tests.stub.asked import HOSTED, LOCAL

WEIGHTS_SHA256 = "9f" * 32
DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "134.52M",
    "quantization_level": "Q4_1",
}


def facts(path: str, content: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
    """Status and body for a path that tells about the server, or None for another."""
    match path:
        case "/api/version":
            return 200, {"version": "0.13.0"}
        case "/api/tags":
            return 200, {"models": [_tag(name) for name in LOCAL]}
        case "/api/show":
            name = content.get("model", content.get("name", ""))
            return (200, _shown()) if name in LOCAL else (404, {"error": f"model '{name}' not found"})
        case "/props":
            return 200, _props()
        case "/health":
            return 200, {"status": "ok"}
        case "/v1beta/models":
            return 200, {"models": [{"name": f"models/{name}"} for name in HOSTED if name.startswith("gemini")]}
        case _:
            pass
    if path.endswith("/models"):
        listed = [
            {"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "stub"} for name in HOSTED + LOCAL
        ]
        return 200, {"object": "list", "data": listed}
    return None


def _tag(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-11-01T00:00:00Z",
        "size": 98_000_000,
        "digest": WEIGHTS_SHA256,
        "details": DETAILS,
    }


def _shown() -> dict[str, Any]:
    return {
        "modelfile": "FROM smollm2",
        "parameters": "stop <|im_end|>",
        "template": "{{ .Prompt }}",
        "details": DETAILS,
        "model_info": {"general.architecture": "llama", "general.parameter_count": 134_515_008},
        "capabilities": ["completion"],
    }


def _props() -> dict[str, Any]:
    return {
        "default_generation_settings": {"n_ctx": 8192, "params": {"seed": 4294967295, "temperature": 0.8}},
        "total_slots": 1,
        "model_alias": "smollm2",
        "model_path": "/models/SmolLM2-135M-Instruct.Q4_1.gguf",
        "modalities": {"vision": False, "audio": False},
        "chat_template": "{{ messages }}",
        "build_info": "b7000-stub",
    }
