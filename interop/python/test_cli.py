"""Tandem's own command line on one end, autobahn on the other.

The commands take their RawSocket and WebSocket addresses as URLs; a callee made
by ``tandem register --echo`` stands for one written with Tandem's Go library.
"""

import asyncio
import json
import os
import socket
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import asynccontextmanager

import pytest
from autobahn.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions, RegisterOptions, SubscribeOptions

import peer
import values
from peer import SERIALIZERS, Flavour, Inbox, Peer, join, settle

JSON_OVER_WEBSOCKET = Flavour("ws", "json")
RETRY = 0.02  # seconds

pytestmark = pytest.mark.skipif("TANDEM_BIN" not in os.environ, reason="TANDEM_BIN is not set")


def url_of(flavour):
    host, port = peer.tcp()
    return {"ws": peer.url(), "tcp": f"tcp://{host}:{port}", "unix": "unix://" + os.environ["TANDEM_UNIX"]}[
        flavour.transport
    ]


async def start(flavour, verb, *args):
    """Starts ``tandem VERB --url … --realm … --serializer … ARGS``."""
    return await asyncio.create_subprocess_exec(
        os.environ["TANDEM_BIN"],
        verb,
        *("--url", url_of(flavour), "--realm", peer.REALM, "--serializer", flavour.serializer),
        *args,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )


async def tandem(flavour, verb, *args):
    """Runs a command to its end: (exit code, stdout, stderr)."""
    process = await start(flavour, verb, *args)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def running(flavour, verb, *args):
    """A command that runs until the block ends; then it must leave in peace."""
    process = await start(flavour, verb, *args)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def call_when_registered(callee, caller, procedure, *args, **kwargs):
    """Calls again until the callee's process has registered."""
    while True:
        assert callee.returncode is None, (await callee.stderr.read()).decode()
        try:
            return await caller.call(procedure, *args, **kwargs)
        except ApplicationError as error:
            assert error.error == "wamp.error.no_such_procedure"
            await asyncio.sleep(RETRY)


async def test_echo_callee(flavour, uri):
    """A Go callee, a JSON caller: text, integers and binary there and back."""
    async with join(JSON_OVER_WEBSOCKET) as caller, running(flavour, "register", uri("echo"), "--echo") as callee:
        payload = [values.UNICODE, values.BINARY, *values.INTEGERS, values.NESTED]
        result = await call_when_registered(callee, caller, uri("echo"), *payload, more=values.BINARY)
        assert list(result.results) == payload
        assert result.kwresults == {"more": values.BINARY}


async def test_reply_callee(uri):
    command = ("register", uri("reply"), "--reply", '"hello"')
    async with join(JSON_OVER_WEBSOCKET) as caller, running(Flavour("tcp", "cbor"), *command) as callee:
        assert await call_when_registered(callee, caller, uri("reply")) == "hello"


async def test_prefix_callee(uri):
    command = ("register", uri("tree"), "--match", "prefix", "--echo")
    async with join(JSON_OVER_WEBSOCKET) as caller, running(Flavour("unix", "msgpack"), *command) as callee:
        assert await call_when_registered(callee, caller, uri("tree.branch.leaf"), 1) == 1


async def test_call_prints_the_result(flavour, uri):
    """Arguments that are JSON are values, anything else is text."""
    seen = []

    def greet(*args):
        seen.append(list(args))
        return f"hello {args[0]}"

    async with join(JSON_OVER_WEBSOCKET) as callee:
        await callee.register(greet, uri("greet"))
        code, out, err = await tandem(flavour, "call", uri("greet"), "Änn", "9007199254740993", "true", "[1]")
        assert (code, err if code else "") == (0, "")
        assert json.loads(out) == "hello Änn"
        assert seen == [["Änn", 2**53 + 1, True, [1]]]


async def test_call_without_procedure_exits_with_7(uri):
    code, out, err = await tandem(Flavour("ws", "json"), "call", uri("nobody"))
    assert (code, out) == (7, "")
    assert "no_such_procedure" in err


async def test_call_answered_with_an_error_exits_with_9(uri):
    def fail():
        raise ApplicationError("com.example.error.refused", "no")

    async with join(JSON_OVER_WEBSOCKET) as callee:
        await callee.register(fail, uri("fail"))
        code, out, err = await tandem(Flavour("tcp", "cbor"), "call", uri("fail"))
        assert (code, out) == (9, "")
        assert "com.example.error.refused" in err


async def test_call_prints_progress(flavour, uri):
    """PCR-12: a line each, then the result."""

    def count(n, details):
        for i in range(n):
            details.progress(i, values.UNICODE)
        return "done"

    async with join(JSON_OVER_WEBSOCKET) as callee:
        await callee.register(count, uri("count"), RegisterOptions(details=True))
        code, out, err = await tandem(flavour, "call", uri("count"), "3", "--progress")
        assert (code, err if code else "") == (0, "")
        lines = [json.loads(line) for line in out.splitlines()]
        assert [line["args"] for line in lines[:-1]] == [[i, values.UNICODE] for i in range(3)]
        assert lines[-1] == "done"


async def test_call_that_takes_too_long_interrupts_the_callee(uri):
    """CAN-04, TMO-05"""

    async def wait():
        await asyncio.get_running_loop().create_future()

    async with join(JSON_OVER_WEBSOCKET) as callee:
        await callee.register(wait, uri("wait"))
        code, out, err = await tandem(Flavour("tcp", "msgpack"), "call", uri("wait"), "--timeout", "0.2s")
        assert code != 0 and out == "" and err != ""
        await settle(callee)
        assert [mode for mode, _ in callee.interrupts()] == ["killnowait"]


async def test_call_discloses_the_caller(flavour, uri):
    """CID-01, CID-03"""

    def who(details):
        return [details.caller is not None, details.caller_authid is not None, details.caller_authrole]

    async with join(JSON_OVER_WEBSOCKET) as callee:
        await callee.register(who, uri("who"), RegisterOptions(details=True))
        _, unknown, _ = await tandem(flavour, "call", uri("who"))
        assert json.loads(unknown) == [False, False, None]
        _, known, _ = await tandem(flavour, "call", uri("who"), "--disclose-me")
        assert json.loads(known) == [True, True, "anonymous"]


async def test_publish_discloses_the_publisher(uri):
    """PID-01, PID-04"""
    async with join(JSON_OVER_WEBSOCKET) as subscriber:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), SubscribeOptions(details_arg="details"))
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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def connect_when_listening(session, address, serializer):
    """Opens RawSocket to a router of the test's own that has just been started."""
    factory = WampRawSocketClientFactory(lambda: session, serializer=serializer)
    while True:
        try:
            return await asyncio.get_running_loop().create_connection(factory, *address)
        except ConnectionRefusedError:
            await asyncio.sleep(RETRY)


async def test_stopping_the_router_says_goodbye():
    """SES-19, SES-25: and the process ends well."""
    address = "127.0.0.1", free_port()
    command = ("dev", "--listen", "%s:%d" % address)
    router = await asyncio.create_subprocess_exec(os.environ["TANDEM_BIN"], *command, stdout=DEVNULL, stderr=DEVNULL)
    session = Peer()
    await connect_when_listening(session, address, SERIALIZERS["cbor"]())
    await session.joined
    router.terminate()
    assert (await session.left).reason == "wamp.close.system_shutdown"
    assert await router.wait() == 0
