"""Verifies deliveries with the official Standard Webhooks library for Python; see ../README.md for the lines it reads and prints."""

import sys

from standardwebhooks.webhooks import Webhook


def outcome(line):
    fields = line.split("\t", 4)
    if len(fields) != 5:
        return "refused: a line has five fields"
    secret, message, timestamp, signature, body = fields
    headers = {"webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": signature}
    try:
        Webhook(secret).verify(body, headers)
    except Exception as error:  # whatever the library says is what the test looks at
        return f"refused: {error}"
    return "verified"


sys.stdin.reconfigure(encoding="utf-8", newline="\n")
for received in sys.stdin:
    print(outcome(received.rstrip("\n")))
