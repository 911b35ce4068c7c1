"""Events that are retained for later subscribers (RET)."""

from autobahn.wamp.message import Event, Subscribed
from autobahn.wamp.types import PublishOptions, SubscribeOptions

import values
from peer import Flavour, Inbox, join

RETAIN = PublishOptions(acknowledge=True, retain=True)
PLAIN = PublishOptions(acknowledge=True)


def asking(match="exact"):
    return SubscribeOptions(match=match, get_retained=True, details_arg="details")


async def retained(session, topic, match="exact"):
    """Subscribes, and gives the inbox in which what was retained comes first."""
    inbox = Inbox()
    await session.subscribe(inbox, topic, asking(match))
    return inbox


async def test_retained_event_comes_before_others(flavour, uri):
    """RET-01, RET-03, RET-09, RET-13, RET-15: as it was published, with its publication ID."""
    payload = [values.UNICODE, values.BINARY, *values.INTEGERS]
    async with join(flavour) as publisher:
        published = await publisher.publish(uri("news"), *payload, more=values.NESTED, options=RETAIN)
        async with join(flavour) as subscriber:
            inbox = await retained(subscriber, uri("news"))
            await publisher.publish(uri("news"), "live", options=PLAIN)
            args, kwargs, details = await inbox.next()
            assert (args, kwargs) == (payload, {"more": values.NESTED})
            assert (details.publication, details.retained) == (published.id, True)
            args, _, details = await inbox.next()
            assert (args, details.retained) == (["live"], None)
            kinds = [type(m) for m in subscriber.received if isinstance(m, (Subscribed, Event))]
            assert kinds == [Subscribed, Event, Event]


async def test_last_event_that_was_retained_for_those_who_ask(flavour, uri):
    """RET-01, RET-03: not the last that was published."""
    async with join(flavour) as publisher, join(flavour) as asks, join(flavour) as does_not:
        for i in range(3):
            await publisher.publish(uri("news"), i, options=RETAIN)
        await publisher.publish(uri("news"), "not retained", options=PLAIN)
        inbox, other = await retained(asks, uri("news")), Inbox()
        await does_not.subscribe(other, uri("news"))
        publisher.publish(uri("news"), "live")
        assert [await inbox.next_args() for _ in range(2)] == [[2], ["live"]]
        assert await other.next_args() == ["live"]


async def test_retained_events_of_a_pattern(flavour, uri):
    """RET-07, A-32: one of each topic, in the order of publication."""
    async with join(flavour) as publisher, join(flavour) as subscriber:
        for topic in ("b.x", "a.x", "c.y", "b.x"):
            await publisher.publish(uri(topic), topic, options=RETAIN)
        for match, pattern, topics in [("prefix", "", ["a.x", "c.y", "b.x"]), ("wildcard", ".x", ["a.x", "b.x"])]:
            inbox = await retained(subscriber, uri(pattern), match)
            events = [await inbox.next() for _ in topics]
            assert [args for args, _, _ in events] == [[topic] for topic in topics]
            assert [details.topic for _, _, details in events] == [uri(topic) for topic in topics]
            assert all(details.retained for _, _, details in events)


async def test_retained_event_is_for_whom_it_was(flavour, uri):
    """RET-04, RET-05, BWL-09: who may not have the newest gets the newest that it may have."""
    async with join(flavour) as publisher, join(flavour) as one, join(flavour) as two:
        a, b = [session.welcome for session in (one, two)]
        for text, lists in [
            ("all", {}),
            ("one", {"eligible": [a.session]}),
            ("not two", {"exclude_authid": [b.authid]}),
            ("nobody", {"eligible": []}),
            ("nobody either", {"exclude_authrole": ["anonymous"]}),
        ]:
            options = PublishOptions(acknowledge=True, retain=True, **lists)
            await publisher.publish(uri("news"), text, options=options)
        for session, text in ((one, "not two"), (two, "all")):
            inbox = await retained(session, uri("news"))
            assert await inbox.next_args() == [text]


async def test_publisher_does_not_get_its_own(flavour, uri):
    """RET-06: unless it wants to."""
    async with join(flavour) as publisher:
        await publisher.publish(uri("a"), "others", options=RETAIN)
        to_all = PublishOptions(acknowledge=True, retain=True, exclude_me=False)
        await publisher.publish(uri("b"), "all", options=to_all)
        inbox = await retained(publisher, uri(""), "prefix")
        assert await inbox.next_args() == ["all"]
        await publisher.publish(uri("marker"), options=to_all)
        assert await inbox.next_args() == []


async def test_publisher_that_has_gone(flavour, uri):
    """RET-09, RET-11, PID-07: what was disclosed stays so."""
    async with join(flavour, "open") as publisher:
        await publisher.publish(uri("news"), "left", options=RETAIN)
    async with join(flavour, "open") as subscriber:
        inbox = await retained(subscriber, uri("news"))
        args, _, details = await inbox.next()
        assert (args, details.publisher) == (["left"], publisher.welcome.session)
        assert details.publisher_authid == publisher.welcome.authid


async def test_empty_event_replaces_the_one_before(flavour, uri):
    """RET-10"""
    async with join(flavour) as publisher, join(flavour) as subscriber:
        await publisher.publish(uri("news"), "first", options=RETAIN)
        await publisher.publish(uri("news"), options=RETAIN)
        inbox = await retained(subscriber, uri("news"))
        args, kwargs, details = await inbox.next()
        assert (args, kwargs, details.retained) == ([], {}, True)


async def test_retained_testament(flavour, uri):
    """TES-09, RET-01"""
    async with join(flavour) as heir:
        inbox = Inbox()
        await heir.subscribe(inbox, uri("will"))
        async with join(flavour) as testator:
            will = [uri("will"), ["last words"], {}]
            options = {"retain": True}
            await testator.call("wamp.session.add_testament", *will, publish_options=options)
        await inbox.next()
        async with join(flavour) as late:
            inbox = await retained(late, uri("will"))
            args, _, details = await inbox.next()
            assert (args, details.retained) == (["last words"], True)


async def test_retained_events_are_transcoded(uri):
    """RET-09: what one serializer wrote another reads, and again."""
    payload = [values.UNICODE, values.BINARY, *values.INTEGERS, values.NESTED]
    async with join(Flavour("tcp", "cbor")) as publisher:
        await publisher.publish(uri("news"), *payload, options=RETAIN)
    for reader in [Flavour("ws", "json"), Flavour("unix", "msgpack"), Flavour("ws", "json"), Flavour("tcp", "cbor")]:
        async with join(reader) as subscriber:
            inbox = await retained(subscriber, uri("news"))
            assert await inbox.next_args() == payload


async def test_realm_that_retains_nothing(flavour, uri):
    """RET-02: the publication is as good otherwise."""
    async with join(flavour, "forgetful") as publisher, join(flavour, "forgetful") as subscriber:
        await publisher.publish(uri("news"), "forgotten", options=RETAIN)
        inbox = await retained(subscriber, uri("news"))
        await publisher.publish(uri("news"), "live", options=RETAIN)
        args, _, details = await inbox.next()
        assert (args, details.retained) == (["live"], None)
