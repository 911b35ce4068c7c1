"""Testaments: what a session leaves behind when it ends (TES)."""

import pytest
from autobahn.wamp.types import SubscribeOptions

import values
from peer import TO_ME_TOO, Flavour, Inbox, join, refused

WITH_DETAILS = SubscribeOptions(details_arg="details")


def add(session, *args, **kwargs):
    return session.call("wamp.session.add_testament", *args, **kwargs)


def flush(session, **kwargs):
    return session.call("wamp.session.flush_testaments", **kwargs)


async def leave(session):
    session.leave()
    await session.closed


async def lose(session):
    session._transport.abort()


ENDS = pytest.mark.parametrize("end", [leave, lose])


@ENDS
async def test_testament_is_published_at_the_end(flavour, uri, end):
    """TES-01, TES-04, TES-07, TES-08: on GOODBYE as well as when the connection is lost."""
    async with join(flavour) as heir, join(flavour) as testator:
        inbox = Inbox()
        await heir.subscribe(inbox, uri("will"), WITH_DETAILS)
        payload = [values.UNICODE, values.BINARY, *values.INTEGERS]
        assert await add(testator, uri("will"), payload, {"more": values.NESTED}) is None
        heir.publish(uri("will"), "not yet", options=TO_ME_TOO)
        assert await inbox.next_args() == ["not yet"]
        await end(testator)
        args, kwargs, details = await inbox.next()
        assert (args, kwargs) == (payload, {"more": values.NESTED})
        assert (details.publisher, details.retained) == (None, None)


@ENDS
async def test_scopes_are_published_one_after_the_other(flavour, uri, end):
    """TES-03, TES-05: detached before destroyed, each in the order of adding."""
    async with join(flavour) as heir, join(flavour) as testator:
        inbox = Inbox()
        await heir.subscribe(inbox, uri("will"))
        await add(testator, uri("will"), [1], {})
        await add(testator, uri("will"), [2], {}, scope="detached")
        await add(testator, uri("will"), [3], {}, scope="destroyed")
        await add(testator, uri("will"), [4], None, scope="detached")
        await add(testator, uri("will"))
        await end(testator)
        assert [await inbox.next_args() for _ in range(5)] == [[2], [4], [1], [3], []]


async def test_flushing_one_scope_leaves_the_other(flavour, uri):
    """TES-02, TES-06"""
    async with join(flavour) as heir, join(flavour) as testator:
        inbox = Inbox()
        await heir.subscribe(inbox, uri("will"))
        await add(testator, uri("will"), ["destroyed"], {})
        await add(testator, uri("will"), ["detached"], {}, scope="detached")
        assert await flush(testator) is None
        await add(testator, uri("will"), ["destroyed again"], {})
        assert await flush(testator, scope="detached") is None
        await leave(testator)
        assert await inbox.next_args() == ["destroyed again"]
        assert inbox.empty()


async def test_another_session_s_testaments_are_its_own(flavour, uri):
    """TES-04"""
    async with join(flavour) as heir, join(flavour) as testator, join(flavour) as other:
        inbox = Inbox()
        await heir.subscribe(inbox, uri("will"))
        await add(testator, uri("will"), ["testator"], {})
        await add(other, uri("will"), ["other"], {})
        await flush(other)
        await leave(other)
        await leave(testator)
        assert await inbox.next_args() == ["testator"]


async def test_who_receives_a_testament(flavour, uri):
    """TES-09, TES-15"""
    async with join(flavour) as one, join(flavour) as two, join(flavour) as testator:
        inboxes = Inbox(), Inbox()
        for session, inbox in zip((one, two), inboxes):
            await session.subscribe(inbox, uri("will"), WITH_DETAILS)
        a, b = [session.welcome.session for session in (one, two)]
        for i, options in enumerate(
            [{"eligible": [a]}, {"exclude": [a]}, {"eligible": []}, {"exclude_authid": [one.welcome.authid]}]
        ):
            await add(testator, uri("will"), [i], {}, publish_options=options)
        await add(testator, uri("will"), ["who"], {}, publish_options={"disclose_me": True})
        identity = testator.welcome.session, testator.welcome.authid, testator.welcome.authrole
        await leave(testator)
        for inbox, expected in zip(inboxes, ([0, "who"], [1, 3, "who"])):
            events = [await inbox.next() for _ in expected]
            assert [args[0] for args, _, _ in events] == expected
            last = events[-1][2]
            assert (last.publisher, last.publisher_authid, last.publisher_authrole) == identity


async def test_killed_session_has_a_testament_too(flavour, uri):
    """TES-07, TES-12: published before it is told that the session has left."""
    async with join(flavour) as heir, join(flavour) as testator:
        inbox = Inbox()
        number = testator.welcome.session
        await heir.subscribe(inbox, uri("will"))
        await heir.subscribe(inbox, "wamp.session.on_leave")
        await add(testator, uri("will"), ["killed"], {})
        await heir.call("wamp.session.kill", number)
        assert await inbox.next_args() == ["killed"]
        while (await inbox.next_args())[0] != number:
            pass


async def test_testaments_that_cannot_be_kept(flavour, uri):
    """TES-03, TES-10, TES-13, MET-02"""
    async with join(flavour) as testator:
        for args, kwargs, error in [
            ([], {}, "invalid_argument"),
            ([7, [], {}], {}, "invalid_argument"),
            ([uri("will"), "not a list", {}], {}, "invalid_argument"),
            ([uri("will"), [], []], {}, "invalid_argument"),
            ([uri("will"), [], {}], {"scope": "forever"}, "invalid_argument"),
            ([uri("will"), [], {}], {"publish_options": []}, "invalid_argument"),
            ([uri("will"), [], {}], {"publish_options": {"eligible": "me"}}, "invalid_argument"),
            (["not a uri", [], {}], {}, "invalid_uri"),
            (["wamp.session.on_leave", [], {}], {}, "invalid_uri"),
        ]:
            assert await refused(add(testator, *args, **kwargs)) == f"wamp.error.{error}"
        assert await refused(flush(testator, scope="forever")) == "wamp.error.invalid_argument"


async def test_testaments_are_bounded(uri):
    """TES-14: by default a hundred."""
    async with join(Flavour("tcp", "cbor")) as testator:
        for i in range(100):
            await add(testator, uri("nobody"), [i], {})
        assert await refused(add(testator, uri("nobody"), ["more"], {})) == "wamp.error.invalid_argument"
        await flush(testator)
        await add(testator, uri("nobody"), ["room again"], {})


async def test_who_may_not_publish_leaves_nothing(uri):
    """TES-11"""
    async with join(Flavour("ws", "json"), "guarded") as visitor:
        assert await refused(add(visitor, uri("will"), [], {})) == "wamp.error.not_authorized"
