"""As much of JSON Schema as the repository's schemas use."""

import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def _is(value, kind):
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) or isinstance(value, float) and value.is_integer()
    return isinstance(value, TYPES[kind])


KNOWN = {"$schema", "$id", "$ref", "$defs", "$comment", "title", "description", "type", "enum", "const", "required", "properties",
         "additionalProperties", "patternProperties", "propertyNames", "items", "minItems", "maxItems", "pattern", "minimum",
         "maximum", "minLength", "maxLength", "anyOf", "oneOf", "allOf", "format", "examples", "default"}


def problems(value, schema, root=None, where="$"):
    """Sentences about what does not fit; empty when all does."""
    root = root if root is not None else schema
    if schema is True:
        return []
    if schema is False:
        return [f"{where}: not allowed"]
    unknown = set(schema) - KNOWN
    if unknown:
        return [f"{where}: this validator does not know {sorted(unknown)}"]
    out = []
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].lstrip("#/").split("/"):
            target = target[part]
        out += problems(value, target, root, where)
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is(value, k) for k in kinds):
            return [f"{where}: {value!r} is no {' or '.join(kinds)}"]
    if "enum" in schema and value not in schema["enum"]:
        out.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        out.append(f"{where}: {value!r} is not {schema['const']!r}")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            out.append(f"{where}: {value!r} does not match {schema['pattern']}")
        if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", len(value)):
            out.append(f"{where}: wrong length of {value!r}")
    if _is(value, "number"):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            out.append(f"{where}: {value} is out of range")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
            out.append(f"{where}: wrong number of items")
        for i, item in enumerate(value):
            out += problems(item, schema.get("items", True), root, f"{where}[{i}]")
    if isinstance(value, dict):
        out += [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
        for name, member in value.items():
            fitting = [schema["properties"][name]] if name in schema.get("properties", {}) else []
            fitting += [s for p, s in schema.get("patternProperties", {}).items() if re.search(p, name)]
            for s in fitting or [schema.get("additionalProperties", True)]:
                out += problems(member, s, root, f"{where}.{name}")
            if "propertyNames" in schema:
                out += problems(name, schema["propertyNames"], root, f"{where}: name {name}")
    for s in schema.get("allOf", []):
        out += problems(value, s, root, where)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            fits = sum(not problems(value, s, root, where) for s in schema[key])
            if fits == 0 or key == "oneOf" and fits > 1:
                out.append(f"{where}: fits {fits} of {key}")
    return out
