"""``/openapi.json``: the front's interface in OpenAPI 3.1, made from the constants that the front itself
obeys.
"""

from typing import Any

from common.front import problem, request
from common.front.problem import KINDS
from common.transaction import ID_LENGTH_MAX, Fate

Json = dict[str, Any]

_ID = {"type": "string", "pattern": f"^[A-Za-z0-9._~-]{{1,{ID_LENGTH_MAX}}}$"}
_STRING = {"type": "string"}
_TRANSACTION_HEADERS = {
    "Transaction-Id": {"description": "The transaction's id.", "required": True, "schema": _ID},
    "Server-Timing": {
        "description": "In ms: queue (waited unsent), work (the service), slot (of a worker), net (rest).",
        "schema": _STRING,
    },
}
_BODY = {
    "description": "Any bytes; handed to the service as they are.",
    "required": False,
    "content": {"application/octet-stream": {}},
}
_COMPLETED = {
    "description": "Completed: the service's answer, in time.",
    "headers": _TRANSACTION_HEADERS,
    "content": {"application/octet-stream": {}},
}
_REFUSALS = ("malformed", "conflict", "too-large")


def document(body_bytes_max: int) -> Json:
    """The whole document, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "brokerbench front",
            "version": "1",
            "description": "Transactions for the workers behind a message topology. Every answer that is not "
            "a 200 is a problem document (RFC 9457) that says whether it can still take effect.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            request.COLLECTION + "/{id}": {"put": _put(body_bytes_max)},
            request.COLLECTION: {"post": _post(body_bytes_max)},
            "/livez": {"get": _page("Whether the front runs", "text/plain", _STRING)},
            "/readyz": {"get": _readyz()},
            "/metrics": {"get": _page("Its numbers, for Prometheus", "text/plain", _STRING)},
            "/openapi.json": {"get": _page("This document", "application/json", {"type": "object"})},
            "/topology": {"get": _page("Where this front stands", "application/json", _TOPOLOGY)},
        },
        "components": {"schemas": {"Problem": _problem_schema()}},
    }


def _put(body_bytes_max: int) -> Json:
    return {
        "operationId": "putTransaction",
        "summary": "Run a transaction that may be retried",
        "description": "Idempotent: it may be sent to another worker until its deadline. A repeat while the "
        "first is in flight gets the same answer; afterwards it runs again.",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "description": "Its id.", "schema": _ID},
            *_common_parameters(),
        ],
        "requestBody": _body(body_bytes_max),
        "responses": _responses("not-found", *_REFUSALS),
    }


def _post(body_bytes_max: int) -> Json:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes it a PUT of this id. Without one it runs at most once, under an id made here.",
        "schema": _ID,
    }
    return {
        "operationId": "postTransaction",
        "summary": "Run a transaction at most once",
        "parameters": [key, *_common_parameters()],
        "requestBody": _body(body_bytes_max),
        "responses": _responses(*_REFUSALS),
    }


def _common_parameters() -> list[Json]:
    return [
        {
            "name": "Request-Timeout",
            "in": "header",
            "description": "Time to live in seconds, a decimal without exponent.",
            "schema": {
                "type": "number",
                "minimum": request.TIMEOUT_MIN_S,
                "maximum": request.TIMEOUT_MAX_S,
                "default": request.TIMEOUT_DEFAULT_S,
            },
        },
        {
            "name": "X-Request-ID",
            "in": "header",
            "description": "Echoed if it is printable ASCII, at most "
            f"{request.REQUEST_ID_LENGTH_MAX} characters, else ignored.",
            "schema": _STRING,
        },
        {
            "name": "traceparent",
            "in": "header",
            "description": "W3C trace context; goes into the log with failures.",
            "schema": _STRING,
        },
    ]


def _body(body_bytes_max: int) -> Json:
    return _BODY | {"description": f"{_BODY['description']} At most {body_bytes_max} bytes."}


def _responses(*refusals: str) -> Json:
    answers = ("failed", "rejected", "unknown")
    return {
        "200": _COMPLETED,
        **{str(KINDS[kind].status): _problem_response(kind) for kind in refusals},
        **{str(KINDS[kind].status): _problem_response(kind, _TRANSACTION_HEADERS) for kind in answers},
    }


def _problem_response(kind: str, headers: Json | None = None) -> Json:
    status, title, fate = KINDS[kind]
    if status == 503:
        headers = {**(headers or {}), "Retry-After": {"required": True, "schema": {"type": "integer"}}}
    definite = "definite" if fate.definite else "not definite"
    return {
        "description": f"{title}. Fate {fate.value}, {definite}.",
        "headers": headers or {},
        "content": {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _page(summary: str, media_type: str, schema: Json) -> Json:
    return {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {media_type: {"schema": schema}}}},
    }


def _readyz() -> Json:
    page = _page("Whether a live worker is known", "text/plain", _STRING)
    page["responses"]["503"] = _problem_response("not-ready")
    return page


def _problem_schema() -> Json:
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "fate", "definite", "transaction_id"],
        "additionalProperties": False,
        "properties": {
            "type": {"type": "string", "enum": [problem.type_uri(kind) for kind in KINDS]},
            "title": {"type": "string", "enum": sorted({kind.title for kind in KINDS.values()})},
            "status": {"type": "integer", "enum": sorted({kind.status for kind in KINDS.values()})},
            "detail": _STRING,
            "fate": {"type": "string", "enum": [fate.value for fate in Fate if fate is not Fate.COMPLETED]},
            "definite": {"type": "boolean"},
            "transaction_id": {"type": ["string", "null"]},
        },
    }


_TOPOLOGY: Json = {
    "type": "object",
    "required": ["about", "ready", "draining", "gauges"],
    "properties": {
        "about": {
            "type": "object",
            "required": ["topology", "family", "part", "endpoints", "settings"],
            "properties": {
                "topology": _STRING,
                "family": {"type": "string", "enum": ["brokered", "brokerless"]},
                "part": _STRING,
                "endpoints": {"type": "array", "items": _STRING},
                "settings": {"type": "object"},
            },
        },
        "ready": {"type": "boolean"},
        "draining": {"type": "boolean"},
        "gauges": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}
