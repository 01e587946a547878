"""Svix's official client for Python, unmodified, drives a running server; every delivery is verified with the `Webhook` of that client.

python svix_stories.py --list      the stories, one a line
python svix_stories.py STORY       tells one; ends with 0 if it holds. HOURGLASS_URL and HOURGLASS_KEY say where the server is.
"""

import asyncio
import datetime
import http.server
import json
import os
import sys
import threading
import time
import urllib.request

from svix.api import (
    ApplicationIn,
    ApplicationListOptions,
    ApplicationPatch,
    EndpointHeadersIn,
    EndpointIn,
    EndpointListOptions,
    EndpointPatch,
    EndpointSecretRotateIn,
    EventTypeIn,
    EventTypeListOptions,
    EventTypePatch,
    MessageAttemptListByEndpointOptions,
    MessageAttemptListByMsgOptions,
    MessageCreateOptions,
    MessageIn,
    MessageListOptions,
    RecoverIn,
    Svix,
    SvixAsync,
    SvixOptions,
)
from svix.exceptions import HttpError, HTTPValidationError
from svix.webhooks import Webhook, WebhookVerificationError

url, key = os.environ.get("HOURGLASS_URL"), os.environ.get("HOURGLASS_KEY")
stories = {}


def story(name):
    def keep(function):
        stories[name] = function
        return function

    return keep


class Receiver:
    """The other end of a webhook: keeps what came, answers with the next of `statuses` and then with the last of them for ever."""

    def __init__(self):
        self.deliveries, self.statuses, receiver = [], [204], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                receiver.deliveries.append((dict(self.headers.items()), body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count):
        return until(f"{count} deliveries", lambda: len(self.deliveries) >= count and self.deliveries)


def until(what, question, patience=20):
    end = time.monotonic() + patience
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {patience} s in vain: {what}"
        time.sleep(0.02)


def refusal(call, *arguments):
    try:
        call(*arguments)
    except (HttpError, HTTPValidationError) as error:
        return error
    raise AssertionError("was not refused")


def refuses(secret, delivery):
    try:
        Webhook(secret).verify(delivery[1], delivery[0])
    except WebhookVerificationError:
        return True
    return False


def ids(items):
    return [item.id for item in items]


def pages(ask):
    out, iterator = [], None
    while True:
        page = ask(iterator)
        out += page.data
        if page.done:
            return out
        iterator = page.iterator


def ask(method, path, body):
    """A call of the control plane that Svix's client does not have."""
    call = urllib.request.Request(url + path, method=method, data=json.dumps(body).encode())
    for name, value in {"authorization": f"Bearer {key}", "content-type": "application/json", "prefer": "wait=60"}.items():
        call.add_header(name, value)
    with urllib.request.urlopen(call, timeout=90) as answer:
        return json.load(answer)


class World:
    """A client, an application of its own and a receiver."""

    def __init__(self):
        self.svix = Svix(key, SvixOptions(server_url=url))
        self.app = self.svix.application.create(ApplicationIn(name="python"))
        self.receiver = Receiver()

    def endpoint(self, **more):
        return self.svix.endpoint.create(self.app.id, EndpointIn(url=self.receiver.url, **more))

    def secret(self, endpoint):
        return self.svix.endpoint.get_secret(self.app.id, endpoint.id).key

    def send(self, n=0, event_type="a.b", **more):
        return self.svix.message.create(self.app.id, MessageIn(event_type=event_type, payload={"n": n}, **more))

    def attempts(self, message, count):
        def enough():
            data = self.svix.message_attempt.list_by_msg(self.app.id, message.id).data
            return len(data) >= count and data

        return until(f"{count} attempts", enough)


@story("an application is created, read by id and uid, changed, listed page by page and deleted")
def application():
    svix = Svix(key, SvixOptions(server_url=url))
    app = svix.application.create(ApplicationIn(name="first", uid="python-uid", metadata={"team": "blue"}))
    assert app.id.startswith("sbx_") and isinstance(app.created_at, datetime.datetime)
    assert svix.application.get(app.id) == app
    assert svix.application.get("python-uid").id == app.id
    assert svix.application.patch(app.id, ApplicationPatch(metadata={"team": "red"})).metadata == {"team": "red"}
    put = svix.application.upsert(app.id, ApplicationIn(name="renamed", uid="python-uid"))
    assert put.name == "renamed" and put.metadata == {}
    assert svix.application.get_or_create(ApplicationIn(name="never made", uid="python-uid")).id == app.id
    assert refusal(svix.application.create, ApplicationIn(name="twice", uid="python-uid")).status_code == 409
    others = [svix.application.create(ApplicationIn(name=f"other {n}")) for n in range(3)]
    listed = ids(pages(lambda at: svix.application.list(ApplicationListOptions(limit=2, iterator=at))))
    assert all(listed.count(one.id) == 1 for one in [app, *others])
    svix.application.delete(app.id)
    assert refusal(svix.application.get, app.id).status_code == 404


@story("event types are created with a schema, listed, changed and archived")
def event_types():
    svix = Svix(key, SvixOptions(server_url=url))
    schemas = {"1": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    made = svix.event_type.create(EventTypeIn(name="python.made", description="made", schemas=schemas))
    assert made.schemas == schemas
    assert refusal(svix.event_type.create, EventTypeIn(name="python.made", description="again")).status_code == 409
    assert svix.event_type.patch("python.made", EventTypePatch(description="patched")).description == "patched"
    listed = lambda: [t.name for t in pages(lambda at: svix.event_type.list(EventTypeListOptions(limit=1, iterator=at)))]  # noqa: E731
    assert "python.made" in listed()
    svix.event_type.delete("python.made")
    assert svix.event_type.get("python.made").archived is True
    assert "python.made" not in listed()


@story("an endpoint is read, changed, listed and deleted; its headers go with every delivery")
def endpoints():
    world = World()
    svix, app = world.svix, world.app.id
    made = [world.endpoint(uid=f"uid-{n}", event_types=["c.d"], metadata={"k": "v"}) for n in range(3)]
    assert svix.endpoint.get(app, "uid-0").id == made[0].id
    assert svix.endpoint.get(app, made[0].id).event_types == ["c.d"]
    patched = svix.endpoint.patch(app, made[0].id, EndpointPatch(description="new", event_types=["a.b"]))
    assert patched.description == "new" and patched.metadata == {"k": "v"}
    svix.endpoint.set_headers(app, made[0].id, EndpointHeadersIn(headers={"x-one": "1", "authorization": "Bearer shh"}))
    shown = svix.endpoint.get_headers(app, made[0].id)
    assert shown.headers == {"x-one": "1"} and [name.lower() for name in shown.sensitive] == ["authorization"]
    world.send()
    headers = {name.lower(): value for name, value in world.receiver.wait(1)[0][0].items()}
    assert headers["x-one"] == "1" and headers["authorization"] == "Bearer shh"
    listed = ids(pages(lambda at: svix.endpoint.list(app, EndpointListOptions(limit=2, iterator=at))))
    assert sorted(listed) == sorted(ids(made))
    svix.endpoint.delete(app, made[0].id)
    assert refusal(svix.endpoint.get, app, made[0].id).status_code == 404


@story("a message is delivered as it was sent, signed, and its attempt is read")
def delivered():
    world = World()
    endpoint = world.endpoint(event_types=["a.b"])
    payload = {"number": 1.5, "text": "ümläut ✓", "nested": {"list": [1, None, True]}}
    message = world.svix.message.create(
        world.app.id, MessageIn(event_type="a.b", payload=payload, event_id="evt-python"), MessageCreateOptions(with_content=True)
    )
    assert message.id.startswith("msg_") and message.payload == payload
    headers, body = world.receiver.wait(1)[0]
    assert json.loads(body) == payload
    assert {name.lower(): value for name, value in headers.items()}["webhook-id"] == message.id
    Webhook(world.secret(endpoint)).verify(body, headers)
    assert refuses(world.secret(endpoint), (headers, body.replace(b"1.5", b"1.6")))
    (attempt,) = world.attempts(message, 1)
    assert (attempt.status, attempt.response_status_code, attempt.endpoint_id) == (0, 204, endpoint.id)
    assert world.svix.message_attempt.get(world.app.id, message.id, attempt.id).id == attempt.id
    assert world.svix.message.get(world.app.id, "evt-python").id == message.id
    assert refusal(world.svix.message.create, world.app.id, MessageIn(event_type="a.b", payload={}, event_id="evt-python")).status_code == 409


@story("a message that is created twice with one idempotency key is one message")
def idempotency():
    world = World()
    create = lambda payload, k: world.svix.message.create(  # noqa: E731
        world.app.id, MessageIn(event_type="a.b", payload=payload), MessageCreateOptions(idempotency_key=k)
    )
    first = create({"n": 1}, "key-1")
    assert create({"n": 1}, "key-1").id == first.id
    refused = refusal(create, {"n": 2}, "key-1")
    assert refused.status_code == 422 and "Idempotency-Key" in refused.detail[0].msg
    assert create({"n": 1}, "key-2").id != first.id


@story("messages and attempts are listed newest first, page by page, forward and back")
def lists():
    world = World()
    endpoint = world.endpoint()
    made = [world.send(n) for n in range(7)][::-1]
    world.receiver.wait(7)
    ask_page = lambda at: world.svix.message.list(world.app.id, MessageListOptions(limit=3, iterator=at, with_content=True))  # noqa: E731
    first = ask_page(None)
    assert ids(first.data) == ids(made[:3]) and first.data[0].payload == {"n": 6}
    second = ask_page(first.iterator)
    assert ids(second.data) == ids(made[3:6])
    assert ids(ask_page(second.prev_iterator).data) == ids(made[:3])
    assert ids(pages(ask_page)) == ids(made)
    for message in made:
        world.attempts(message, 1)
    by_endpoint = pages(
        lambda at: world.svix.message_attempt.list_by_endpoint(
            world.app.id, endpoint.id, MessageAttemptListByEndpointOptions(limit=2, iterator=at)
        )
    )
    assert sorted(a.msg_id for a in by_endpoint) == sorted(ids(made))
    none = world.svix.message_attempt.list_by_msg(world.app.id, made[0].id, MessageAttemptListByMsgOptions(status_code_class=500))
    assert none.data == []


@story("after a rotation the old and the new secret verify")
def rotation():
    world = World()
    mine = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    endpoint = world.endpoint(secret=mine)
    assert world.secret(endpoint) == mine
    world.svix.endpoint.rotate_secret(world.app.id, endpoint.id, EndpointSecretRotateIn())
    now = world.secret(endpoint)
    assert now != mine
    world.send()
    headers, body = world.receiver.wait(1)[0]
    for secret in (mine, now):
        Webhook(secret).verify(body, headers)
    assert refuses("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", (headers, body))


@story("a message that failed is sent again by hand, under the same webhook-id")
def resend():
    world = World()
    endpoint = world.endpoint()
    world.receiver.statuses = [503, 200]
    message = world.send()
    assert world.attempts(message, 1)[0].status == 2
    world.svix.message_attempt.resend(world.app.id, message.id, endpoint.id)
    newest = world.attempts(message, 2)[0]
    assert newest.status == 0 and newest.trigger_type == 1
    first, second = world.receiver.wait(2)
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"] == message.id
    for headers, body in (first, second):
        Webhook(world.secret(endpoint)).verify(body, headers)
    assert refusal(world.svix.message_attempt.resend, world.app.id, "msg_nothing", endpoint.id).status_code == 404


@story("everything that failed since T is recovered, and nothing else")
def recover():
    world = World()
    endpoint = ask("POST", f"/api/v1/app/{world.app.id}/endpoint", {"url": world.receiver.url, "retrySchedule": []})["id"]
    world.receiver.statuses = [500]
    world.attempts(world.send("early"), 1)
    since = ask("POST", f"/sandboxes/{world.app.id}/clock/advance", {"by": "1h"})["now"]
    ask("POST", f"/sandboxes/{world.app.id}/clock/advance", {"by": "1s"})
    lost = [world.send(n) for n in range(5)]
    for message in lost:
        world.attempts(message, 1)
    world.receiver.statuses, before = [204], len(world.receiver.deliveries)
    task = world.svix.endpoint.recover(world.app.id, endpoint, RecoverIn(since=datetime.datetime.fromisoformat(since.replace("Z", "+00:00"))))
    assert task.task == "endpoint.recover" and task.status in ("running", "finished")
    again = world.receiver.wait(before + len(lost))[before:]
    assert sorted(headers["webhook-id"] for headers, _ in again) == sorted(ids(lost))


@story("errors have the shapes that the client expects")
def errors():
    world = World()
    stranger = Svix("no-such-key", SvixOptions(server_url=url))
    unauthorized = refusal(stranger.application.list)
    assert isinstance(unauthorized, HttpError) and unauthorized.status_code == 401 and unauthorized.code and unauthorized.detail
    missing = refusal(world.svix.application.get, "app_nothing")
    assert (missing.status_code, missing.code) == (404, "not_found")
    for endpoint, where in [
        (EndpointIn(url="not a url"), ["body", "url"]),
        (EndpointIn(url="http://127.0.0.1/", event_types=["spaces are wrong"]), ["body", "eventTypes", "0"]),
        (EndpointIn(url="http://127.0.0.1/", secret="whsec_!!!"), ["body", "secret"]),
    ]:
        invalid = refusal(world.svix.endpoint.create, world.app.id, endpoint)
        assert isinstance(invalid, HTTPValidationError) and invalid.status_code == 422
        assert invalid.detail[0].loc == where and invalid.detail[0].msg and invalid.detail[0].type


@story("the asynchronous client creates, sends and pages as well")
def asynchronous():
    async def tell():
        svix, receiver = SvixAsync(key, SvixOptions(server_url=url)), Receiver()
        app = await svix.application.create(ApplicationIn(name="async"))
        endpoint = await svix.endpoint.create(app.id, EndpointIn(url=receiver.url))
        send = lambda n: svix.message.create(app.id, MessageIn(event_type="a.b", payload={"n": n}))  # noqa: E731
        made = await asyncio.gather(*(send(n) for n in range(5)))
        secret = (await svix.endpoint.get_secret(app.id, endpoint.id)).key
        for headers, body in receiver.wait(5):
            Webhook(secret).verify(body, headers)
        listed, iterator, done = [], None, False
        while not done:
            page = await svix.message.list(app.id, MessageListOptions(limit=2, iterator=iterator))
            listed, iterator, done = listed + ids(page.data), page.iterator, page.done
        assert sorted(listed) == sorted(ids(made))
        try:
            await svix.message.get(app.id, "msg_nothing")
        except HttpError as error:
            return error.status_code

    assert asyncio.run(tell()) == 404


if sys.argv[1] == "--list":
    print("\n".join(stories))
else:
    stories[sys.argv[1]]()
