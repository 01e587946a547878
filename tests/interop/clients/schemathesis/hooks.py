"""Leaves out the cases whose bytes are also those of a case of the other kind: nobody who reads them could tell which was meant.

Schemathesis writes a body of another type than the schema's and one that is as it should be with the same bytes: in a form `photoUrls="AAA"` and `photoUrls=["AAA"]` are both
`photoUrls=AAA`, `tags=[{"id": 1, "name": "x"}]` and `tags=["id", "name"]` both `tags=id&tags=name`; in XML `photoUrls=""` and `photoUrls=[]` are both an empty element; a body that is `[]`
is written as none. Of this kind are its own pull requests 3761 and 3792 ("wire-identical"), which do not go as far.

So nothing is left out by what it looks like. The bytes are read here, as OpenAPI says that the schema means them; what was read is written again by Schemathesis; only if that gives the very
same bytes, and one of the two is valid and the other is not, the case goes. What went is counted in the file that HOURGLASS_LEFT_OUT names.
"""

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl

import requests
import schemathesis
from schemathesis.core import NOT_SET

FORM, XML = "application/x-www-form-urlencoded", "application/xml"


# -- reading -----------------------------------------------------------------------------


class Schema:
    """A schema within its document, references followed."""

    def __init__(self, node, root=None):
        self.root = root if root is not None else node
        while isinstance(node, dict) and "$ref" in node:
            at = self.root
            for step in node["$ref"].lstrip("#/").split("/"):
                at = at[step.replace("~1", "/").replace("~0", "~")]
            node = at
        self.node = node if isinstance(node, dict) else {}

    def below(self, node):
        return Schema(node, self.root)

    @property
    def type(self):
        return self.node.get("type", "object" if "properties" in self.node else None)

    @property
    def properties(self):
        return {name: self.below(one) for name, one in self.node.get("properties", {}).items()}

    @property
    def items(self):
        return self.below(self.node.get("items", {}))

    @property
    def xml(self):
        return self.node.get("xml", {})

    def typed(self, text):
        """Text as the value that it means."""
        try:
            if self.type == "integer":
                return int(text)
            if self.type == "number":
                return float(text)
        except ValueError:
            return text
        return text == "true" if self.type == "boolean" and text in ("true", "false") else text


def read_form(text, schema):
    pairs = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        pairs.setdefault(name, []).append(value)
    out = {}
    for name, values in pairs.items():
        one = schema.properties.get(name, Schema({}))
        if one.type == "array":
            out[name] = [one.items.typed(value) for value in values]
        else:
            out[name] = one.typed(values[0]) if len(values) == 1 else values
    for name in schema.node.get("required", []):
        if name not in out and schema.properties.get(name, Schema({})).type == "array":
            out[name] = []  # leaves no trace in a form
    return out


def read_element(element, schema):
    if schema.type == "array":
        return [read_element(child, schema.items) for child in element]
    if schema.type != "object":
        return schema.typed(element.text or "")
    out = {}
    for name, one in schema.properties.items():
        if one.type == "array" and not one.xml.get("wrapped"):
            found = element.findall(one.items.xml.get("name", name))
            if found:
                out[name] = [read_element(child, one.items) for child in found]
        elif (child := element.find(one.xml.get("name", name))) is not None:
            out[name] = read_element(child, one)
    known = {one.xml.get("name", name) for name, one in schema.properties.items()}
    out.update({child.tag: child.text or "" for child in element if child.tag not in known})
    return out


def read(body, media_type, schema):
    if not body:
        return {} if media_type == FORM and schema.node.get("required") is None else NOT_SET
    if media_type == FORM:
        return read_form(body.decode() if isinstance(body, bytes) else body, schema)
    return read_element(ElementTree.fromstring(body), schema)


# -- judging -----------------------------------------------------------------------------


def sent(operation, body, media_type):
    anywhere = {name: "x" for name in re.findall(r"{([^}]+)}", operation.path)}
    case = operation.Case(body=body, media_type=media_type, path_parameters=anywhere)
    arguments = case.as_transport_kwargs(base_url="http://127.0.0.1")
    wanted = ("method", "url", "data", "json", "files", "headers")
    written = requests.Request(**{name: arguments[name] for name in wanted if name in arguments}).prepare().body
    return written.encode() if isinstance(written, str) else written or b""


def is_valid(alternative, body):
    return not alternative.is_required if body is NOT_SET else alternative.is_valid(body)


def another_kind(operation, body, media_type):
    """The value of the other kind, valid or not, that is written with the same bytes; None if there is none."""
    alternative = operation.get_body_for_media_type(media_type)
    written = sent(operation, body, media_type)
    try:
        meant = read(written, media_type, Schema(alternative.optimized_schema))
    except (ElementTree.ParseError, UnicodeDecodeError):
        return None
    if is_valid(alternative, meant) == is_valid(alternative, body) or sent(operation, meant, media_type) != written:
        return None
    return meant


def count(case, meant):
    where = os.environ.get("HOURGLASS_LEFT_OUT")
    if where:
        with open(where, "a", encoding="utf-8") as out:
            text = {"operation": case.operation.label, "type": case.media_type, "body": repr(case.body), "also": repr(meant)}
            out.write(json.dumps(text) + "\n")


@schemathesis.hook
def filter_case(context, case):
    if case.media_type not in (FORM, XML) or case.body is NOT_SET:
        return True
    # With something else wrong, it must be refused whatever the body is read as.
    modes = {str(getattr(place, "value", place)): part.mode for place, part in case.meta.components.items()} if case.meta else {}
    if any(place != "body" and mode.is_negative for place, mode in modes.items()):
        return True
    meant = another_kind(case.operation, case.body, case.media_type)
    if meant is None:
        return True
    count(case, meant)
    return False
