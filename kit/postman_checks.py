"""The checks of a request in a Postman collection: data, and the same script for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

Described = dict[str, Any]

WITHIN = 5000  # milliseconds; a change of password hashes twice, and machines are slow or busy
BEGINS = "const expected = "
# A place is names and indices between dots; `*name` is the first item that has something there.
SCRIPT = """\
const step = (found, name) =>
    name.startsWith("*") ? found.find((item) => item[name.slice(1)]) : found[name];
pm.test(`answers ${expected.status.join(" or ")}`, () => {
    pm.expect(expected.status).to.include(pm.response.code);
});
pm.test(`answers within ${expected.within} ms`, () => {
    pm.expect(pm.response.responseTime).to.be.below(expected.within);
});
pm.test("has the documented body", () => {
    if (expected.schema === null) {
        pm.expect(pm.response.text()).to.equal("");
    } else {
        pm.expect(pm.response.headers.get("Content-Type")).to.include("application/json");
        pm.response.to.have.jsonSchema(expected.schema);
    }
});
Object.entries(expected.remember).forEach(([name, place]) => {
    pm.test(`gives ${name}`, () => {
        const found = place.split(".").reduce(step, pm.response.json());
        pm.expect(found).to.not.be.oneOf([null, undefined]);
        pm.collectionVariables.set(name, found);
    });
});
"""


def script(
    statuses: Sequence[int],
    schema: Described | None,
    schemas: Described,
    remember: Mapping[str, str],
) -> list[str]:
    """Return the lines of a script: the first one says what is expected, as JSON."""
    expected = {
        "status": statuses,
        "within": WITHIN,
        "schema": None if schema is None else trimmed(schema, schemas),
        "remember": dict(remember),
    }
    return [f"{BEGINS}{orjson.dumps(expected).decode()};", *SCRIPT.splitlines()]


def trimmed(schema: Described, schemas: Described) -> Described:
    """Return which fields there must be, and of what types; formats are not Postman's matter."""
    if "$ref" in schema:
        return trimmed(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return {"anyOf": [trimmed(choice, schemas) for choice in schema["anyOf"]]}
    kept: Described = {"type": schema["type"]} if "type" in schema else {}
    if "items" in schema:
        kept["items"] = trimmed(schema["items"], schemas)
    if "properties" in schema:
        parts = schema["properties"].items()
        kept["properties"] = {name: trimmed(part, schemas) for name, part in parts}
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    return kept
