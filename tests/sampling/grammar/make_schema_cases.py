#!/usr/bin/env python3
"""Random JSON Schemas with documents, and whether the reference validator finds these valid.

usage: make_schema_cases.py COUNT SEED > schema_cases.json       # wants the package jsonschema
       CARAT_SCHEMA_CASES=FILE test_grammar --gtest_filter='SchemaCases.*'

A document is text; what is not JSON is not valid. Left out are texts about which carat's rules say more than the
draft does (grammar.h): keys twice, numbers like 1.0 and 1e2 whose value is whole, halves of surrogate pairs.
"""
import json
import random
import sys

import jsonschema

PATTERNS = ["^[a-z]+$", "^[A-Z][a-z]{1,3}$", "a", "^x", "9$", "^(ab|cd)+$", "^[^0-9]*$", "^[a-z0-9_]+-[0-9]{2,}$", "[aeiou]{2}",
            "^(foo|bar|foobar)$", "^a?b?c?$", "^\\s*x", "é"]
WORDS = ["a", "b", "c", "ab", "foo", "bar", "foobar", "x1", "name", "", "é", "日本", "😀", "Abc", "tea", "w-12", "cdab", "q\"t",
         "back\\slash", "line\nend", "/", "a b", "09", "true", "null", "  x"]
KEYS = ["a", "b", "c", "ab", "abc", "name", "é", "x y", "k\"q"]


class Ambiguous(Exception):
    pass


def pairs(items):
    if len({k for k, _ in items}) != len(items):
        raise Ambiguous
    return dict(items)


def to_float(text):
    value = float(text)
    if value == int(value) if abs(value) < 1e300 else True:
        raise Ambiguous
    return value


def refuse(text):
    raise ValueError(text)


def has_surrogate(text):
    return any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def judge(validator, text):
    """True, False, or None where it is left out."""
    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_float=to_float, parse_constant=refuse)
        if has_surrogate(json.dumps(value, ensure_ascii=False)):
            return None
    except Ambiguous:
        return None
    except (ValueError, RecursionError):
        return False
    return validator.is_valid(value)


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.defs = []

    def chance(self, p):
        return self.r.random() < p

    # Schemas --------------------------------------------------------------------------------------------------------
    def schema(self, depth):
        kinds = ["null", "boolean", "integer", "number", "string", "string", "enum", "const", "types"]
        if depth > 0:
            kinds += ["array", "array", "object", "object", "object", "anyOf", "allOf", "oneOf", "true", "ref"]
        kind = self.r.choice(kinds)
        made = getattr(self, "make_" + kind)(depth)
        if isinstance(made, dict) and self.chance(0.1):
            made["description"] = "something"
        return made

    def make_null(self, depth):
        return {"type": "null"}

    def make_boolean(self, depth):
        return {"type": "boolean"}

    def make_true(self, depth):
        return self.r.choice([True, {}])

    def number_limits(self, made, whole):
        r = self.r
        limit = (lambda: r.randint(-120, 120)) if whole or self.chance(0.5) else (lambda: r.randint(-120, 120) + r.choice([0.5, 0.25, 0.125]))
        if self.chance(0.4):
            made[r.choice(["minimum", "exclusiveMinimum"])] = limit()
        if self.chance(0.4):
            made[r.choice(["maximum", "exclusiveMaximum"])] = limit()
        if self.chance(0.25):
            made["multipleOf"] = r.choice([1, 2, 3, 7, 10, 25] if whole or self.chance(0.5) else [0.5, 0.25, 1.5])

    def make_integer(self, depth):
        made = {"type": "integer"}
        self.number_limits(made, True)
        return made

    def make_number(self, depth):
        made = {"type": "number"}
        self.number_limits(made, False)
        return made

    def string_limits(self, made):
        if self.chance(0.3):
            made["minLength"] = self.r.randint(0, 4)
        if self.chance(0.3):
            made["maxLength"] = self.r.randint(0, 8)
        if self.chance(0.35):
            made["pattern"] = self.r.choice(PATTERNS)

    def make_string(self, depth):
        made = {"type": "string"}
        self.string_limits(made)
        return made

    def make_enum(self, depth):
        return {"enum": [self.value(1) for _ in range(self.r.randint(1, 5))]}

    def make_const(self, depth):
        return {"const": self.value(2)}

    def make_types(self, depth):
        made = {"type": self.r.sample(["null", "boolean", "integer", "number", "string", "array", "object"], self.r.randint(1, 3))}
        if self.chance(0.5):
            self.number_limits(made, True)
        if self.chance(0.5):
            self.string_limits(made)
        if depth > 0 and self.chance(0.5):
            made.update({k: v for k, v in self.make_object(depth).items() if k != "type"})
        if self.chance(0.3):
            del made["type"]
        return made

    def make_array(self, depth):
        r = self.r
        made = {"type": "array"}
        if self.chance(0.3):
            made["prefixItems"] = [self.schema(depth - 1) for _ in range(r.randint(1, 3))]
        if self.chance(0.7):
            made["items"] = False if self.chance(0.15) else self.schema(depth - 1)
        if self.chance(0.3):
            made["minItems"] = r.randint(0, 3)
        if self.chance(0.3):
            made["maxItems"] = r.randint(0, 4)
        return made

    def make_object(self, depth):
        r = self.r
        made = {"type": "object"}
        keys = r.sample(KEYS, r.randint(0, 4))
        if keys:
            made["properties"] = {k: self.schema(depth - 1) for k in keys}
        if keys and self.chance(0.6):
            made["required"] = r.sample(keys, r.randint(1, len(keys)))
            if self.chance(0.1):
                made["required"] = made["required"] + ["other"]
        if self.chance(0.6):
            made["additionalProperties"] = r.choice([True, False, False, self.schema(0)])
        if self.chance(0.15):
            made["patternProperties"] = {r.choice(PATTERNS): self.schema(0) for _ in range(r.randint(1, 2))}
        if self.chance(0.1):
            made["propertyNames"] = r.choice([{"maxLength": 2}, {"pattern": "^[a-z]+$"}, {"enum": KEYS[:5]}, {"minLength": 1, "maxLength": 3}])
        if self.chance(0.15):
            made["minProperties"] = r.randint(0, 3)
        if self.chance(0.15):
            made["maxProperties"] = r.randint(0, 4)
        return made

    def make_anyOf(self, depth):
        made = {"anyOf": [self.schema(depth - 1) for _ in range(self.r.randint(1, 3))]}
        if self.chance(0.2):
            self.string_limits(made)
        return made

    def make_allOf(self, depth):
        if self.chance(0.5):
            return {"allOf": [self.make_object(depth), self.make_object(depth)]}
        kind = self.r.choice([self.make_string, self.make_integer, self.make_number, self.make_types, self.make_array])
        return {"allOf": [kind(depth - 1) for _ in range(2)]}

    def make_oneOf(self, depth):
        kinds = self.r.sample([self.make_null, self.make_boolean, self.make_integer, self.make_string, self.make_array, self.make_object], 2)
        return {"oneOf": [kind(depth - 1) for kind in kinds]}

    def make_ref(self, depth):
        if not self.defs:
            return self.make_object(depth)
        return {"$ref": "#/$defs/" + self.r.choice(self.defs)}

    def whole(self):
        self.defs = [n for n in ["one", "two"] if self.chance(0.3)]
        depth = self.r.randint(0, 3)
        made = self.schema(depth)
        if self.defs:
            # A definition that is no reference itself, so that none leads in a circle.
            names, self.defs = self.defs, self.defs
            definitions = {n: self.r.choice([self.make_object, self.make_array])(1) for n in names}
            if not isinstance(made, dict):
                made = {}
            made["$defs"] = definitions
        return made

    # Values ---------------------------------------------------------------------------------------------------------
    def value(self, depth):
        r = self.r
        kind = r.randint(0, 6 if depth > 0 else 4)
        if kind == 0:
            return r.choice([None, True, False])
        if kind == 1:
            return r.randint(-130, 130)
        if kind == 2:
            return r.choice([0.5, -2.25, 1.125, 1e-7, 99.75, -0.0625, 12345.678])
        if kind in (3, 4):
            return r.choice(WORDS)
        if kind == 5:
            return [self.value(depth - 1) for _ in range(r.randint(0, 3))]
        return {r.choice(KEYS): self.value(depth - 1) for _ in range(r.randint(0, 3))}

    def fitting(self, schema, root, depth=0):
        """A value that often fits."""
        r = self.r
        if depth > 6 or schema is True or schema == {} or schema is False:
            return self.value(1)
        if "$ref" in schema:
            return self.fitting(root["$defs"][schema["$ref"].split("/")[-1]], root, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return r.choice(schema["enum"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self.fitting(r.choice(schema[choice]), root, depth + 1)
        if "allOf" in schema:
            made = [self.fitting(s, root, depth + 1) for s in schema["allOf"]]
            if all(isinstance(m, dict) for m in made):
                return {k: v for m in made for k, v in m.items()}
            return r.choice(made)
        kind = schema.get("type", r.choice(["string", "integer", "object", "array", "null"]))
        if isinstance(kind, list):
            kind = r.choice(kind)
        if kind == "null":
            return None
        if kind == "boolean":
            return self.chance(0.5)
        if kind in ("integer", "number"):
            low = schema.get("minimum", schema.get("exclusiveMinimum", -150))
            high = schema.get("maximum", schema.get("exclusiveMaximum", 150))
            step = schema.get("multipleOf", 1)
            if kind == "number" and "multipleOf" not in schema and self.chance(0.5):
                return r.choice([low + 0.5, high - 0.5, (low + high) / 2 + 0.0625])
            value = r.choice([low, high, low + 1, high - 1, r.randint(int(min(low, high)) - 1, int(max(low, high)) + 1)])
            value = value // step * step
            return int(value) if value == int(value) else value
        if kind == "string":
            return self.fitting_string(schema)
        if kind == "array":
            count = r.randint(schema.get("minItems", 0), max(schema.get("minItems", 0), min(4, schema.get("maxItems", 4))))
            items = []
            for i in range(count):
                prefix = schema.get("prefixItems", [])
                items.append(self.fitting(prefix[i] if i < len(prefix) else schema.get("items", True), root, depth + 1))
            return items
        made = {}
        properties = schema.get("properties", {})
        for key in schema.get("required", []):
            made[key] = self.fitting(properties.get(key, True), root, depth + 1)
        for key in properties:
            if self.chance(0.4):
                made[key] = self.fitting(properties[key], root, depth + 1)
        while self.chance(0.3) or (len(made) < schema.get("minProperties", 0) and self.chance(0.9)):
            extra = schema.get("additionalProperties", True)
            made.setdefault(r.choice(KEYS + WORDS), self.fitting(extra, root, depth + 1))
        keys = list(made)
        r.shuffle(keys)
        return {k: made[k] for k in keys}

    def fitting_string(self, schema):
        pattern = schema.get("pattern")
        r = self.r
        made = {"^[a-z]+$": "".join(r.choice("abcxyz") for _ in range(r.randint(1, 6))),
                "^[A-Z][a-z]{1,3}$": "Q" + "e" * r.randint(1, 4), "^(ab|cd)+$": "".join(r.choice(["ab", "cd"]) for _ in range(r.randint(1, 4))),
                "^[a-z0-9_]+-[0-9]{2,}$": "k_" * r.randint(1, 3) + "-" + "4" * r.randint(1, 4), "[aeiou]{2}": "zz" + "oe" + "z" * r.randint(0, 3),
                "^a?b?c?$": r.choice(["", "a", "bc", "abc"]), "^\\s*x": " " * r.randint(0, 3) + "xé"}.get(pattern)
        if made is not None and self.chance(0.7):
            return made
        if self.chance(0.5):
            return r.choice(WORDS)
        return "".join(r.choice("ab9é日😀 \"\\/") for _ in range(r.randint(0, 9)))

    def text_of(self, value):
        r = self.r
        style = r.choice([{}, {"separators": (",", ":")}, {"indent": 2}, {"indent": "\t"}])
        text = json.dumps(value, ensure_ascii=self.chance(0.3), **style)
        if self.chance(0.1):
            text = r.choice([" ", "\n", "\r\n\t "]) + text + r.choice(["", " ", "\n"])
        if self.chance(0.1):
            text = text.replace("/", "\\/")
        return text

    def mutated(self, text):
        r = self.r
        at = r.randint(0, len(text))
        kind = r.randint(0, 3)
        if kind == 0:
            return text[:at]
        if kind == 1:
            return text[:at] + text[at + 1:]
        inserted = r.choice(list("{}[]\",:0123456789-.eE \\ntu") + ["\\u0061", "\\ud83d\\ude00", "\\ud83d", "\x01", "\u00e9"])
        return text[:at] + inserted + text[at + (1 if kind == 2 else 0):]


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    cases = []
    for i in range(count):
        maker = Maker(seed * 1_000_003 + i)
        schema = maker.whole()
        validator = jsonschema.Draft202012Validator(schema)
        root = schema
        documents = {}
        for _ in range(12):
            value = maker.fitting(schema, root) if maker.chance(0.75) else maker.value(2)
            text = maker.text_of(value)
            documents[text] = judge(validator, text)
            if maker.chance(0.5):
                text = maker.mutated(text)
                documents[text] = judge(validator, text)
        valid = [t for t, v in documents.items() if v is True][:5]
        invalid = [t for t, v in documents.items() if v is False][:6]
        cases.append({"schema": schema, "valid": valid, "invalid": invalid})
    # Surrogates in texts are left out above, so that all is UTF-8.
    print("[" + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "]")


if __name__ == "__main__":
    main()
