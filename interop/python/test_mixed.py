"""Caller and callee, publisher and subscriber with different serializers (BJS-04, SER-07)."""

import asyncio
import itertools

import pytest
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, RegisterOptions

import values
from peer import SERIALIZERS, Flavour, Inbox, join

PAIRS = list(itertools.permutations(SERIALIZERS, 2))
OVER = {"json": "ws", "msgpack": "tcp", "cbor": "unix"}

pytestmark = pytest.mark.parametrize("one, other", PAIRS, ids=map("-".join, PAIRS))

EVERYTHING = [
    values.UNICODE,
    values.BINARY,
    values.EVERY_BYTE,
    *values.INTEGERS,
    *values.FLOATS,
    None,
    True,
    False,
    values.NESTED,
    {"bytes": [values.BINARY, {"deep": b""}]},
]


def flavour(serializer):
    return Flavour(OVER[serializer], serializer)


def same(received, sent):
    """Equal in value and in type all the way down: 1 is not 1.0 and not True."""
    if type(received) is not type(sent):
        return False
    if isinstance(sent, list):
        return len(received) == len(sent) and all(map(same, received, sent))
    if isinstance(sent, dict):
        return received.keys() == sent.keys() and all(same(received[k], sent[k]) for k in sent)
    return received == sent


async def test_call(one, other, uri):
    seen = []

    def echo(*args, **kwargs):
        seen.append([list(args), kwargs])
        return CallResult(*args, **kwargs)

    async with join(flavour(one)) as callee, join(flavour(other)) as caller:
        await callee.register(echo, uri("echo"))
        result = await caller.call(uri("echo"), *EVERYTHING, more=values.NESTED)
        assert same(seen, [[EVERYTHING, {"more": values.NESTED}]])
        assert same(list(result.results), EVERYTHING)
        assert same(result.kwresults, {"more": values.NESTED})


async def test_error(one, other, uri):
    def fail():
        raise ApplicationError("com.example.error.refused", values.BINARY, 2**63 - 1, why=values.UNICODE)

    async with join(flavour(one)) as callee, join(flavour(other)) as caller:
        await callee.register(fail, uri("fail"))
        with pytest.raises(ApplicationError) as caught:
            await caller.call(uri("fail"))
        assert caught.value.error == "com.example.error.refused"
        assert same(list(caught.value.args), [values.BINARY, 2**63 - 1])
        assert same(caught.value.kwargs, {"why": values.UNICODE})


async def test_progress(one, other, uri):
    """PCR-04"""

    def progress(details):
        details.progress(*EVERYTHING, more=values.NESTED)
        return values.BINARY

    async with join(flavour(one)) as callee, join(flavour(other)) as caller:
        await callee.register(progress, uri("progress"), RegisterOptions(details=True))
        inbox = Inbox()
        assert await caller.call(uri("progress"), options=CallOptions(on_progress=inbox)) == values.BINARY
        args, kwargs, _ = await inbox.next()
        assert same(args, EVERYTHING)
        assert same(kwargs, {"more": values.NESTED})


async def test_event(one, other, uri):
    async with join(flavour(one)) as subscriber, join(flavour(other)) as publisher:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"))
        publisher.publish(uri("news"), *EVERYTHING, more=values.NESTED)
        args, kwargs, _ = await inbox.next()
        assert same(args, EVERYTHING)
        assert same(kwargs, {"more": values.NESTED})


async def test_roundrobin_over_all_serializers(one, other, uri):
    """SHR-06: the callees of one registration need not speak alike."""
    options = RegisterOptions(invoke="roundrobin")
    async with join(flavour(one)) as a, join(flavour(other)) as b:
        await a.register(lambda x: ["a", x], uri("shared"), options=options)
        await b.register(lambda x: ["b", x], uri("shared"), options=options)
        calls = [a.call(uri("shared"), values.BINARY) for _ in range(4)]
        answers = await asyncio.gather(*calls)
        assert answers == [[name, values.BINARY] for name in "abab"]
