"""``tandem publish`` and ``tandem subscribe`` on one end, autobahn on the other."""

import asyncio
import json
import os

import pytest
from autobahn.wamp.types import PublishOptions, SubscribeOptions

import values
from commands import RETRY, running, tandem
from peer import Flavour, Inbox, join

JSON_OVER_WEBSOCKET = Flavour("ws", "json")
WITH_DETAILS = SubscribeOptions(details_arg="details")

pytestmark = pytest.mark.skipif("TANDEM_BIN" not in os.environ, reason="TANDEM_BIN is not set")


async def test_publish_discloses_the_publisher(uri):
    """PID-01, PID-04"""
    async with join(JSON_OVER_WEBSOCKET) as subscriber:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), WITH_DETAILS)
        for flag, authrole in [((), None), (("--disclose-me",), "anonymous")]:
            code, _, err = await tandem(Flavour("tcp", "cbor"), "publish", uri("news"), "1", *flag)
            assert (code, err if code else "") == (0, "")
            _, _, details = await inbox.next()
            assert details.publisher_authrole == authrole


async def test_publish(flavour, uri):
    async with join(JSON_OVER_WEBSOCKET) as subscriber:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"))
        code, _, err = await tandem(flavour, "publish", uri("news"), "Änn", "[1,2]")
        assert (code, err if code else "") == (0, "")
        assert await inbox.next_args() == ["Änn", [1, 2]]


async def publish(flavour, topic, *args):
    """Runs ``tandem publish``, which must go well, and gives what it prints."""
    code, out, err = await tandem(flavour, "publish", topic, *args)
    assert (code, err if code else "") == (0, "")
    return out


async def test_publish_prints_the_publication(flavour, uri):
    """PUB-07, PUB-08, PUB-10: if it is acknowledged."""
    async with join(JSON_OVER_WEBSOCKET) as subscriber:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), WITH_DETAILS)
        publication = int(await publish(flavour, uri("news"), "--ack"))
        _, _, details = await inbox.next()
        assert details.publication == publication
        assert int(await publish(flavour, uri("nobody"), "--ack")) > 0


async def test_publish_that_is_refused(uri):
    """PUB-06, PUB-07"""
    reserved = ("wamp.session.on_join", "1")
    assert await publish(JSON_OVER_WEBSOCKET, *reserved) == ""
    code, out, err = await tandem(JSON_OVER_WEBSOCKET, "publish", *reserved, "--ack")
    assert (code, out) == (1, "")
    assert "invalid_uri" in err


async def test_publish_to_some(uri):
    """BWL-01, BWL-02, BWL-03"""
    flavour = Flavour("unix", "msgpack")
    async with join(JSON_OVER_WEBSOCKET) as one, join(Flavour("tcp", "cbor")) as two:
        inboxes = Inbox(), Inbox()
        for session, inbox in zip((one, two), inboxes):
            await session.subscribe(inbox, uri("news"))
        a, b = one.welcome, two.welcome
        reached = [
            (["--eligible", f"{a.session},1"], {0}),
            (["--eligible", f"{a.session},{b.session}", "--exclude", str(a.session)], {1}),
            ([f"--eligible-authid={a.authid}", "--eligible-authid=nobody"], {0}),
            ([f"--exclude-authid={b.authid}"], {0}),
            (["--eligible-authrole", "nobody"], set()),
            (["--exclude-authrole", "anonymous"], set()),
            (["--exclude-me"], {0, 1}),
        ]
        for i, (flags, _) in enumerate(reached):
            await publish(flavour, uri("news"), str(i), "--ack", *flags)
        for n, inbox in enumerate(inboxes):
            for i, (_, subscribers) in enumerate(reached):
                if n in subscribers:
                    assert await inbox.next_args() == [i]
            assert inbox.empty()


async def test_publish_repeatedly(uri):
    """PUB-13"""
    async with join(JSON_OVER_WEBSOCKET) as subscriber:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"))
        await publish(Flavour("tcp", "cbor"), uri("news"), "same", "--repeat", "50")
        assert [await inbox.next_args() for _ in range(50)] == [["same"]] * 50


async def test_publish_retained(flavour, uri):
    """RET-01, RET-03"""
    await publish(flavour, uri("news"), "Änn", str(2**53 + 1), "--retain", "--ack")
    async with join(JSON_OVER_WEBSOCKET) as subscriber:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), SubscribeOptions(get_retained=True, details_arg="details"))
        args, _, details = await inbox.next()
        assert (args, details.retained) == (["Änn", 2**53 + 1], True)


async def test_subscribe_begins_with_what_is_retained(flavour, uri):
    """RET-03, RET-07, RET-09: published with JSON, read with each serializer."""
    retain = PublishOptions(acknowledge=True, retain=True)
    payload = [values.UNICODE, *values.INTEGERS, values.NESTED]
    async with join(JSON_OVER_WEBSOCKET) as publisher:
        ids = [(await publisher.publish(uri(topic), *payload, more=1, options=retain)).id for topic in ("a.x", "b.x")]
        command = (uri(".x"), "--match", "wildcard", "--retained", "--count", "2", "-o", "json")
        code, out, err = await tandem(flavour, "subscribe", *command)
        assert (code, err if code else "") == (0, "")
        assert [json.loads(line) for line in out.splitlines()] == [
            {"topic": uri(topic), "publication": id, "retained": True, "args": payload, "kwargs": {"more": 1}}
            for topic, id in zip(("a.x", "b.x"), ids)
        ]


async def test_subscribe_begins_with_the_history(flavour, uri):
    """EVH-01, EVH-08: the last of many, oldest first, and then what comes."""
    async with join(JSON_OVER_WEBSOCKET, "remembering") as publisher:
        for i in range(5):
            await publisher.publish(uri("news"), i, values.UNICODE, options=PublishOptions(acknowledge=True))
        command = ("interop.", "--match", "prefix", "--history", "2", "--count", "2", "-o", "json")
        code, out, err = await tandem(flavour, "subscribe", *command, realm="remembering")
        assert (code, err if code else "") == (0, "")
        lines = [json.loads(line) for line in out.splitlines()]
        assert [(line["topic"], line["args"]) for line in lines] == [(uri("news"), [i, values.UNICODE]) for i in (3, 4)]
        assert all(line["timestamp"] and line["publication"] for line in lines)


async def test_subscribe_waits_for_as_long_as_it_is_told(uri):
    command = (uri("nobody"), "--count", "1", "--for", "0.1s")
    code, out, _ = await tandem(JSON_OVER_WEBSOCKET, "subscribe", *command)
    assert (code, out) == (8, "")


async def publish_for_ever(session, topic, *args):
    """The router does not tell us when the other process has subscribed."""
    while True:
        await session.publish(topic, *args, options=PublishOptions(acknowledge=True))
        await asyncio.sleep(RETRY)


async def test_subscribe_prints_events(flavour, uri):
    command = ("subscribe", uri("news"), "--match", "prefix")
    async with join(JSON_OVER_WEBSOCKET) as publisher, running(flavour, *command) as process:
        publishing = asyncio.ensure_future(publish_for_ever(publisher, uri("news.today"), "Änn", 2**53 + 1))
        line = (await process.stdout.readline()).decode()
        publishing.cancel()
        assert "Änn" in line and str(2**53 + 1) in line
