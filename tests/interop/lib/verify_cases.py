"""Reads cases as JSON from standard input, verifies each, and prints what came of it: {"scheme": …} or {"reason": …}."""

import base64
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "webhook/verify/python"))
sys.dont_write_bytecode = True
from hourglass_verify import VerificationError, verify  # noqa: E402


def outcome(case):
    try:
        more = {"now": case["now"]} if "now" in case else {}
        return {"scheme": verify(case["keys"], case["headers"], base64.b64decode(case["body"]), **more).scheme}
    except VerificationError as error:
        return {"reason": error.reason}


print(json.dumps([outcome(case) for case in json.load(sys.stdin)]))
