"""Calls and registrations (RPC, PBR, SHR, SER)."""

import asyncio

import pytest
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, RegisterOptions

import values
from peer import join


def echo(*args, **kwargs):
    return CallResult(*args, **kwargs)


async def refused(awaitable):
    """The error URI with which a request was refused."""
    with pytest.raises(ApplicationError) as caught:
        await awaitable
    return caught.value.error


async def test_call_carries_args_and_kwargs_both_ways(flavour, uri):
    """RPC-06"""
    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(echo, uri("echo"))
        result = await caller.call(uri("echo"), 1, "two", [3], four={"five": 6})
        assert list(result.results) == [1, "two", [3]]
        assert result.kwresults == {"four": {"five": 6}}


async def test_call_without_a_payload(flavour, uri):
    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(lambda: CallResult(), uri("nothing"))
        assert await caller.call(uri("nothing")) is None


@pytest.mark.parametrize(
    "value",
    [values.UNICODE, values.INTEGERS, values.FLOATS, values.NESTED, None, ""],
    ids=["unicode", "integers", "floats", "nested", "null", "empty"],
)
async def test_values_arrive_as_sent(flavour, uri, value):
    """SER-03, SER-07"""
    seen = []
    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(lambda x: seen.append(x) or x, uri("echo"))
        result = await caller.call(uri("echo"), value)
        assert (seen, result) == ([value], value)


@pytest.mark.parametrize("value", [values.BINARY, values.EVERY_BYTE, b""], ids=["vector", "all", "empty"])
async def test_binary_arrives_as_sent(flavour, uri, value):
    """BJS-01, BJS-02: JSON carries it as U+0000 and base64, and autobahn decodes that."""
    seen = []
    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(lambda x: seen.append(x) or {"deep": [x]}, uri("echo"))
        result = await caller.call(uri("echo"), value)
        assert (seen, result) == ([value], {"deep": [value]})


async def test_large_message(flavour, uri):
    """Several TCP segments, and a WebSocket frame with a 64-bit length."""
    text = "payload " * 40_000
    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(echo, uri("echo"))
        assert await caller.call(uri("echo"), text) == text


async def test_caller_and_callee_in_one_session(flavour, uri):
    """RPC-11"""
    async with join(flavour) as session:
        await session.register(echo, uri("echo"))
        assert await session.call(uri("echo"), "self") == "self"


async def test_calls_in_flight_are_told_apart(flavour, uri):
    """RPC-10: answered in the opposite order."""
    gates = [asyncio.Event() for _ in range(20)]

    async def slow(i):
        await gates[i].wait()
        if i > 0:
            gates[i - 1].set()
        return i

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(slow, uri("slow"))
        calls = [caller.call(uri("slow"), i) for i in range(len(gates))]
        gates[-1].set()
        assert await asyncio.gather(*calls) == list(range(len(gates)))


async def test_callee_error_keeps_uri_and_payload(flavour, uri):
    """RPC-07"""

    def fail(*args, **kwargs):
        raise ApplicationError("com.example.error.refused", *args, **kwargs)

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(fail, uri("fail"))
        with pytest.raises(ApplicationError) as caught:
            await caller.call(uri("fail"), values.UNICODE, values.BINARY, limit=2**53)
        assert caught.value.error == "com.example.error.refused"
        assert caught.value.args == (values.UNICODE, values.BINARY)
        assert caught.value.kwargs == {"limit": 2**53}


async def test_callee_exception_is_a_runtime_error(flavour, uri):
    """RPC-22"""

    def fail():
        raise ValueError("broken")

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(fail, uri("fail"))
        with pytest.raises(ApplicationError) as caught:
            await caller.call(uri("fail"))
        assert caught.value.error == "wamp.error.runtime_error"
        assert caught.value.args == ("broken",)


async def test_unavailable_callee(flavour, uri):
    """RRT-05: autobahn does not announce call rerouting, so another callee is not tried."""

    def fail():
        raise ApplicationError("wamp.error.unavailable", "closed on Sundays")

    shared = RegisterOptions(invoke="roundrobin")
    async with join(flavour) as a, join(flavour) as b:
        await a.register(fail, uri("fail"), shared)
        await b.register(fail, uri("fail"), shared)
        assert await refused(b.call(uri("fail"))) == "wamp.error.unavailable"


async def test_caller_stays_unknown(flavour, uri):
    """CID-03, CID-10: autobahn cannot ask for disclosure, and what it says of itself does not count."""

    def who(details):
        return [details.caller, details.caller_authid, details.caller_authrole]

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(who, uri("who"), RegisterOptions(details=True))
        assert await caller.call(uri("who")) == [None, None, None]
        pretence = CallOptions(caller=1, caller_authid="root", caller_authrole="admin")
        assert await caller.call(uri("who"), options=pretence) == [None, None, None]


async def test_no_such_procedure(flavour, uri):
    """RPC-05"""
    async with join(flavour) as caller:
        assert await refused(caller.call(uri("nobody"))) == "wamp.error.no_such_procedure"


async def test_second_registration_is_refused(flavour, uri):
    """RPC-02: and the first goes on working."""
    async with join(flavour) as first, join(flavour) as second:
        await first.register(lambda: "first", uri("taken"))
        error = await refused(second.register(lambda: "second", uri("taken")))
        assert error == "wamp.error.procedure_already_exists"
        assert await second.call(uri("taken")) == "first"


async def test_unregister_then_call_fails(flavour, uri):
    """RPC-03; then the URI is free again."""
    async with join(flavour) as callee, join(flavour) as caller:
        registration = await callee.register(lambda: "once", uri("gone"))
        assert await caller.call(uri("gone")) == "once"
        await registration.unregister()
        assert await refused(caller.call(uri("gone"))) == "wamp.error.no_such_procedure"
        await caller.register(lambda: "again", uri("gone"))
        assert await callee.call(uri("gone")) == "again"


async def test_leaving_unregisters(flavour, uri):
    """SES-20"""
    async with join(flavour) as caller:
        async with join(flavour) as callee:
            await callee.register(lambda: "here", uri("who"))
            assert await caller.call(uri("who")) == "here"
        assert await refused(caller.call(uri("who"))) == "wamp.error.no_such_procedure"


async def test_callee_leaving_mid_call_answers_the_caller(flavour, uri):
    """RPC-16"""
    started = asyncio.Event()

    async def hang():
        started.set()
        await asyncio.get_running_loop().create_future()

    async with join(flavour) as caller, join(flavour) as callee:
        await callee.register(hang, uri("hang"))
        call = caller.call(uri("hang"))
        await started.wait()
        callee._transport.abort()
        assert await refused(call) == "wamp.error.canceled"


async def register_reporter(session, name, procedure, match):
    """Registers an endpoint that answers who it is and which URI was called."""

    def report(details=None):
        return [name, details.procedure]

    options = RegisterOptions(match=match, details_arg="details")
    return await session.register(report, procedure, options=options)


async def test_exact_prefix_and_wildcard(flavour, uri):
    """PBR-04, PBR-07"""
    async with join(flavour) as callee, join(flavour) as caller:
        await register_reporter(callee, "exact", uri("a.b.c"), "exact")
        await register_reporter(callee, "prefix", uri("a.b"), "prefix")
        await register_reporter(callee, "wildcard", uri("a..c.d"), "wildcard")
        await register_reporter(callee, "other wildcard", uri("x..z"), "wildcard")
        for called, winner in [
            ("a.b.c", "exact"),
            ("a.b", "prefix"),
            ("a.b.c.d", "prefix"),
            ("a.b.d", "prefix"),
            ("a.q.c.d", "wildcard"),
            ("x.y.z", "other wildcard"),
        ]:
            assert await caller.call(uri(called)) == [winner, uri(called)]
        assert await refused(caller.call(uri("x.y.z.z"))) == "wamp.error.no_such_procedure"


async def test_longest_prefix_wins(flavour, uri):
    """PBR-04, PBR-12: whatever the order of registration."""
    async with join(flavour) as callee, join(flavour) as caller:
        for prefix in ("p.q.r", "p", "p.q"):
            await register_reporter(callee, prefix, uri(prefix), "prefix")
        for called, winner in [("p.x", "p"), ("p.q.x", "p.q"), ("p.q.r.x", "p.q.r")]:
            assert await caller.call(uri(called)) == [winner, uri(called)]


async def test_match_policies_do_not_collide(flavour, uri):
    """PBR-09"""
    async with join(flavour) as callee, join(flavour) as caller:
        for match in ("wildcard", "prefix", "exact"):
            await register_reporter(callee, match, uri("same"), match)
        assert await caller.call(uri("same")) == ["exact", uri("same")]


async def register_named(session, name, procedure, invoke):
    return await session.register(lambda: name, procedure, options=RegisterOptions(invoke=invoke))


async def test_roundrobin_takes_turns(flavour, uri):
    """SHR-06, ROU-09, ROU-11"""
    async with join(flavour) as a, join(flavour) as b, join(flavour) as c:
        registrations = [
            await register_named(session, name, uri("shared"), "roundrobin")
            for session, name in ((a, "a"), (b, "b"), (c, "c"))
        ]
        assert len({registration.id for registration in registrations}) == 1
        answers = [await a.call(uri("shared")) for _ in range(6)]
        assert answers == ["a", "b", "c", "a", "b", "c"]
        await registrations[1].unregister()
        assert [await a.call(uri("shared")) for _ in range(4)] == ["a", "c", "a", "c"]


@pytest.mark.parametrize("invoke, chosen", [("first", "a"), ("last", "c")])
async def test_first_and_last(flavour, uri, invoke, chosen):
    """SHR-06"""
    async with join(flavour) as a, join(flavour) as b, join(flavour) as c:
        for session, name in ((a, "a"), (b, "b"), (c, "c")):
            await register_named(session, name, uri("shared"), invoke)
        assert [await b.call(uri("shared")) for _ in range(3)] == [chosen] * 3


async def test_random_reaches_only_callees(flavour, uri):
    """SHR-06"""
    async with join(flavour) as a, join(flavour) as b:
        await register_named(a, "a", uri("shared"), "random")
        await register_named(b, "b", uri("shared"), "random")
        answers = {await a.call(uri("shared")) for _ in range(60)}
        assert answers == {"a", "b"}


async def test_invocation_policies_do_not_mix(flavour, uri):
    """SHR-03, SHR-04"""
    async with join(flavour) as a, join(flavour) as b:
        await register_named(a, "a", uri("shared"), "roundrobin")
        for invoke in ("single", "first", "last", "random"):
            error = await refused(register_named(b, "b", uri("shared"), invoke))
            assert error == "wamp.error.procedure_already_exists"
        assert await b.call(uri("shared")) == "a"
