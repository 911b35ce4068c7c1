"""Progressive call results (PCR)."""

import asyncio

import pytest
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, RegisterOptions

import values
from peer import Inbox, join, settle

WITH_DETAILS = RegisterOptions(details=True)


async def test_progress_arrives_in_order_before_the_result(flavour, uri):
    """PCR-01, PCR-04, PCR-05, PCR-12"""

    def count(n, details):
        for i in range(n):
            details.progress(i, square=i * i)
        return "done"

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(count, uri("count"), WITH_DETAILS)
        seen = []
        on_progress = lambda i, square: seen.append((i, square))  # noqa: E731
        assert await caller.call(uri("count"), 50, options=CallOptions(on_progress=on_progress)) == "done"
        assert seen == [(i, i * i) for i in range(50)]


async def test_progress_may_be_of_any_shape(flavour, uri):
    """PCR-06: nothing at all is one of them."""
    shapes = [([], {}), ([values.BINARY, values.UNICODE], {}), ([], {"more": values.NESTED})]

    def progress(details):
        for args, kwargs in shapes:
            details.progress(*args, **kwargs)
        return CallResult()

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(progress, uri("progress"), WITH_DETAILS)
        seen = []
        options = CallOptions(on_progress=lambda *args, **kwargs: seen.append((list(args), kwargs)))
        assert await caller.call(uri("progress"), options=options) is None
        assert seen == shapes


async def test_callee_is_not_asked_for_progress_that_nobody_wants(flavour, uri):
    """PCR-03"""
    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(lambda details: details.progress is not None, uri("asked"), WITH_DETAILS)
        assert await caller.call(uri("asked")) is False
        assert await caller.call(uri("asked"), options=CallOptions(on_progress=print)) is True


async def test_error_after_progress(flavour, uri):
    """PCR-12, PCR-13"""

    def fail(details):
        details.progress("so far so good")
        raise ApplicationError("com.example.error.broken", 7)

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(fail, uri("fail"), WITH_DETAILS)
        seen = []
        with pytest.raises(ApplicationError) as caught:
            await caller.call(uri("fail"), options=CallOptions(on_progress=seen.append))
        assert seen == ["so far so good"]
        assert (caught.value.error, caught.value.args) == ("com.example.error.broken", (7,))


async def test_streams_are_told_apart(flavour, uri):
    """PCR-04, RPC-10: each makes a step when the other has."""
    turns = [asyncio.Event(), asyncio.Event()]

    async def count(me, details):
        for i in range(10):
            await turns[me].wait()
            turns[me].clear()
            details.progress(i)
            turns[1 - me].set()
        return me

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(count, uri("count"), WITH_DETAILS)
        seen = [], []
        calls = [caller.call(uri("count"), me, options=CallOptions(on_progress=seen[me].append)) for me in (0, 1)]
        turns[0].set()
        assert await asyncio.gather(*calls) == [0, 1]
        assert seen == (list(range(10)), list(range(10)))


async def stream_for_ever(details):
    details.progress("started")
    await asyncio.get_running_loop().create_future()


async def test_callee_lost_amid_its_progress(flavour, uri):
    """PCR-09, ROU-27"""
    async with join(flavour) as caller, join(flavour) as callee:
        await callee.register(stream_for_ever, uri("stream"), WITH_DETAILS)
        progress = Inbox()
        call = caller.call(uri("stream"), options=CallOptions(on_progress=progress))
        assert await progress.next_args() == ["started"]
        callee._transport.abort()
        with pytest.raises(ApplicationError, match="wamp.error.canceled"):
            await call


@pytest.mark.parametrize("leave", [lambda s: s.leave(), lambda s: s._transport.abort()], ids=["goodbye", "lost"])
async def test_caller_gone_amid_the_progress(flavour, uri, leave):
    """PCR-09, RPC-15, ROU-35: the callee is told to stop."""
    stopped = asyncio.get_running_loop().create_future()

    async def stream(details):
        try:
            await stream_for_ever(details)
        except asyncio.CancelledError:
            stopped.set_result(True)
            raise

    async with join(flavour) as callee:
        await callee.register(stream, uri("stream"), WITH_DETAILS)
        async with join(flavour) as caller:
            progress = Inbox()
            caller.call(uri("stream"), options=CallOptions(on_progress=progress))
            await progress.next()
            leave(caller)
            await caller.closed
        assert await stopped
        await settle(callee)
        assert callee.interrupts() == [["killnowait", "wamp.error.canceled"]]
