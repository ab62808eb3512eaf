"""What a Postman collection v2.1.0 must look like, as far as ours goes; from its JSON schema."""

from typing import Any

Described = dict[str, Any]

TEXT = {"type": "string", "minLength": 1}


def closed(*required: str, **properties: Described) -> Described:
    """Describe an object that has these members, some of them always, and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def some(item: Described, least: int = 0) -> Described:
    """Describe a list."""
    return {"type": "array", "items": item, "minItems": least}


PAIR = closed(
    *("key", "value"),
    key=TEXT,
    value={"type": "string"},
    type={"enum": ["string"]},
    description=TEXT,
    disabled={"type": "boolean"},
)
URL = closed(
    *("raw", "host", "path"),
    raw={"type": "string", "pattern": r"^\{\{baseUrl\}\}/"},
    host=some({"const": "{{baseUrl}}"}, least=1),
    path=some({"type": "string", "pattern": "^[^/{}?]+$"}, least=1),
    query=some(PAIR),
    variable=some(PAIR),
)
BODY = closed(
    *("mode", "raw"),
    mode={"const": "raw"},
    raw=TEXT,
    options=closed("raw", raw=closed("language", language={"const": "json"})),
)
REQUEST = closed(
    *("method", "url", "header", "description"),
    method={"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
    url=URL,
    header=some(PAIR),
    body=BODY,
    description=TEXT,
)
RESPONSE = closed(
    *("name", "originalRequest", "status", "code", "header", "body"),
    name=TEXT,
    originalRequest=REQUEST,
    status=TEXT,
    code={"type": "integer", "minimum": 200, "maximum": 299},
    header=some(PAIR),
    cookie=some({}),
    body={"type": "string"},
    _postman_previewlanguage={"enum": ["json", "text"]},
)
SCRIPT = closed("type", "exec", type={"const": "text/javascript"}, exec=some({"type": "string"}))
EVENT = closed("listen", "script", listen={"const": "test"}, script=SCRIPT)
ITEM = closed(
    *("name", "event", "request", "response"),
    name=TEXT,
    event=some(EVENT, least=1),
    request=REQUEST,
    response=some(RESPONSE, least=1),
)
FLOW = closed(
    *("name", "description", "item"), name={"const": "flow"}, description=TEXT, item=some(ITEM, 1)
)
FOLDER = closed(
    *("name", "description", "item"),
    name=TEXT,
    description=TEXT,
    item=some({"anyOf": [ITEM, FLOW]}, least=1),
)
INFO = closed(
    *("_postman_id", "name", "description", "schema"),
    _postman_id={"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    name=TEXT,
    description=TEXT,
    version=TEXT,
    schema={"const": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
)
COLLECTION = closed(
    *("info", "item", "variable"), info=INFO, item=some(FOLDER, least=1), variable=some(PAIR)
)
