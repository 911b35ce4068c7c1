"""Tandem's own command line on one end, autobahn on the other: calls, and the router for development.

The commands take their RawSocket and WebSocket addresses as URLs; a callee made
by ``tandem register --echo`` stands for one written with Tandem's Go library.
"""

import asyncio
import json
import os
import tempfile
from asyncio.subprocess import DEVNULL, PIPE

import pytest
from autobahn.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import RegisterOptions

import values
from commands import RETRY, running, tandem, tandem_at
from peer import SERIALIZERS, Flavour, Peer, join, settle

JSON_OVER_WEBSOCKET = Flavour("ws", "json")

pytestmark = pytest.mark.skipif("TANDEM_BIN" not in os.environ, reason="TANDEM_BIN is not set")


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


async def line_with(process, text):
    """The next line that the process writes with this text in it."""
    while line := await process.stdout.readline():
        if text in line.decode():
            return line.decode()
    raise EOFError(f"the process ended without saying {text}")


async def test_router_for_development(uri):
    """Without a configuration everybody may do everything, on every transport."""
    with tempfile.TemporaryDirectory() as folder:
        socket = os.path.join(folder, "socket")
        process = await run_router("--unix", socket)
        try:
            tcp = (await line_with(process, "RawSocket")).split()[-1]
            for url in (tcp, f"unix://{socket}", tcp.replace("tcp:", "ws:") + "/ws"):
                code, out, err = await tandem_at(url, "publish", uri("news"), "1", "--ack")
                assert (code, err) == (0, "")
                assert int(out) > 0
                code, out, _ = await tandem_at(url, "call", "wamp.session.kill_all")
                assert (code, out.strip()) == (0, "0")
        finally:
            process.terminate()
            await process.communicate()
        assert process.returncode == 0


async def test_stopping_the_router_says_goodbye():
    """SES-19, SES-25: and the process ends well."""
    process = await run_router()
    _, _, address = (await line_with(process, "RawSocket")).strip().rpartition("//")
    session = Peer()
    factory = WampRawSocketClientFactory(lambda: session, serializer=SERIALIZERS["cbor"]())
    await asyncio.get_running_loop().create_connection(factory, *address.split(":"))
    await session.joined
    process.terminate()
    assert (await session.left).reason == "wamp.close.system_shutdown"
    await process.communicate()
    assert process.returncode == 0


async def run_router(*args):
    """Starts ``tandem dev`` on a free port of its choice."""
    command = ("dev", "--listen", "127.0.0.1:0", *args)
    return await asyncio.create_subprocess_exec(os.environ["TANDEM_BIN"], *command, stdout=PIPE, stderr=DEVNULL)
