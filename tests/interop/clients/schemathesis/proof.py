"""Smallest cases for what hooks.py leaves out, and for what it must not: run with the path of petstore.yaml. When Schemathesis writes them apart one day, this fails, and that part can go."""

import sys

import schemathesis

import hooks
from hooks import FORM, XML, another_kind, sent

document = schemathesis.openapi.from_path(sys.argv[1])
pet, user = document["/pet"]["POST"], document["/user"]["POST"]
nothing = hooks.NOT_SET

# operation, media type, what is meant, what has the same bytes (None: nothing of the other kind)
cases = [
    (pet, FORM, {"name": "d", "photoUrls": "AAA"}, {"name": "d", "photoUrls": ["AAA"]}),  # invalid, and sent as a valid one
    (pet, FORM, {"name": "d", "photoUrls": [], "tags": [{"id": 1, "name": "x"}]}, {"name": "d", "photoUrls": [], "tags": ["id", "name"]}),  # valid, and sent as an invalid one
    (pet, XML, {"name": "d", "photoUrls": ""}, {"name": "d", "photoUrls": []}),
    (pet, XML, {"name": "d", "photoUrls": {}}, {"name": "d", "photoUrls": []}),
    (user, XML, [], nothing),
    (user, XML, "", {}),
    (pet, FORM, {"name": "d", "photoUrls": ["AAA"]}, None),
    (pet, FORM, {"photoUrls": ["AAA"]}, None),
    (pet, FORM, {"name": "d", "tags": ["id", "name"]}, None),
    (user, FORM, {"id": "abc"}, None),
    (pet, XML, {"name": "d", "photoUrls": None}, None),
    (pet, XML, [], None),  # none, where there must be one
]
for operation, media_type, meant, also in cases:
    found = another_kind(operation, meant, media_type)
    assert found == also, f"{media_type} {meant}: {sent(operation, meant, media_type)} is read as {found}, not as {also}"
    if also is not None:
        assert sent(operation, meant, media_type) == sent(operation, also, media_type)
print(f"{len(cases)} cases")
