"""Describe schemas for OpenAPI: what apispec does not know of our fields, and examples."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields, validate

from kit.queries import QueryIds
from kit.schemas import Items, Money, Text

Described = dict[str, Any]

ONE_ID = "0*[1-9][0-9]{0,18}"


def name_of(schema: Any) -> str:
    """Return the name of a schema in the document: domains may have some of the same name."""
    kind = schema if isinstance(schema, type) else type(schema)
    domain = kind.__module__.partition(".")[0]
    return kind.__name__ if domain == "kit" else f"{domain}.{kind.__name__}"


def plugin() -> MarshmallowPlugin:
    """Make a plugin that knows our fields."""
    return Plugin(schema_name_resolver=name_of)


class Plugin(MarshmallowPlugin):
    """Add to every property what only our own fields say."""

    def init_spec(self, spec: APISpec) -> None:
        """Begin a document."""
        super().init_spec(spec)
        assert self.converter is not None  # noqa: S101 - init_spec has just made it
        for describe in (of_text, of_items, of_money, of_ids, of_patterns, of_integers):
            self.converter.add_attribute_function(describe)  # type: ignore[no-untyped-call]


def of_text(_: OpenAPIConverter, field: fields.Field[Any], ret: Described, **__: Any) -> Described:
    """Say that blank text is refused; that text may be empty goes without saying."""
    if ret.get("minLength") == 0:
        del ret["minLength"]
    if isinstance(field, Text) and not field.blank:
        return {"pattern": r"\S"}
    return {}


def of_items(_: OpenAPIConverter, field: fields.Field[Any], **__: Any) -> Described:
    """Say how many items there may be."""
    if not isinstance(field, Items):
        return {}
    return {"minItems": field.length.min, "maxItems": field.length.max}


def of_money(
    _: OpenAPIConverter, field: fields.Field[Any], ret: Described, **__: Any
) -> Described:
    """Say that amounts are strings, and how long they may be."""
    if not isinstance(field, Money):
        return {}
    return {
        "type": "string",
        "pattern": rf"^[0-9]{{1,{field.digits}}}(\.[0-9]{{1,2}})?$",
        "description": f"{ret['description']} A decimal with two places, as text.",
    }


def of_ids(_: OpenAPIConverter, field: fields.Field[Any], **__: Any) -> Described:
    """Say that several ids stand in one text."""
    if not isinstance(field, QueryIds):
        return {}
    return {"type": "string", "pattern": f"^{ONE_ID}(,{ONE_ID}){{0,{field.most - 1}}}$"}


def of_patterns(_: OpenAPIConverter, field: fields.Field[Any], **__: Any) -> Described:
    """Say what text must look like, in the words of ECMA 262."""
    found: Described = {}
    for check in flat(field.validators):
        if isinstance(check, validate.Regexp):
            found["pattern"] = f"^{check.regex.pattern!s}".replace(r"\Z", "$")
        if isinstance(check, validate.Email):
            found = {"format": "email"} | found
    return found


def of_integers(_: OpenAPIConverter, field: fields.Field[Any], **__: Any) -> Described:
    """Say how large numbers may be."""
    return {"format": "int64"} if isinstance(field, fields.Integer) else {}


def flat(checks: Any) -> list[Any]:
    """Return the checks, those that are made of several taken apart."""
    found: list[Any] = []
    for check in checks:
        found += flat(check.validators) if isinstance(check, validate.And) else [check]
    return found


def example_of(described: Described, components: Described) -> Any:
    """Put an example together from those of the parts."""
    if "$ref" in described:
        return example_of(components[described["$ref"].rpartition("/")[2]], components)
    for choice in described.get("anyOf", [])[:1]:
        return example_of(choice, components)
    for given in ("examples", "enum"):
        if described.get(given):
            return described[given][0]
    if "properties" in described:
        parts = described["properties"].items()
        return {name: example_of(part, components) for name, part in parts}
    if "items" in described:
        return [example_of(described["items"], components)]
    return described.get("default")


def undescribed(schema: Schema, path: str = "") -> list[str]:
    """Return the fields of a schema that lack words or an example."""
    found = []
    for name, field in schema.fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            found += undescribed(inner.schema, f"{path}/{name}")
        elif not field.metadata.get("examples"):
            found.append(f"{path}/{name}: no example")
        if not field.metadata.get("description"):
            found.append(f"{path}/{name}: no description")
    return found
