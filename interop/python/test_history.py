"""The history of events: ``wamp.subscription.get_events`` (EVH).

One history is of all topics below ``interop.``, so a test asks for the events of
its own topics only.
"""

import asyncio
import re

import pytest
from autobahn.wamp.types import CallResult, PublishOptions, SubscribeOptions

import values
from peer import Flavour, join, refused

REALM = "remembering"
ACKNOWLEDGED = PublishOptions(acknowledge=True)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")


async def history_of(session, topic="interop.", match="prefix"):
    """The ID of the subscription that the router holds to remember the events of a topic (EVH-13)."""
    return await session.call("wamp.subscription.lookup", topic, {"match": match})


async def events(session, subscription, **query):
    """The events that answer a query."""
    result = await session.call("wamp.subscription.get_events", subscription, **query)
    if isinstance(result, CallResult):
        return list(result.results or [])
    return [] if result is None else [result]


async def args(session, subscription, **query):
    """Their first arguments."""
    return [event["args"][0] for event in await events(session, subscription, **query)]


@pytest.fixture(params=[REALM, "durable"])
def realm(request):
    """Realms that remember, in memory and in a file."""
    return request.param


async def test_events_are_remembered_as_they_were_published(flavour, uri, realm):
    """EVH-01, EVH-02, EVH-05, EVH-06, EVH-13, UMA-08: with no subscriber."""
    payload = [values.UNICODE, values.BINARY, *values.INTEGERS]
    async with join(flavour, realm) as publisher, join(flavour, realm) as reader:
        published = await publisher.publish(uri("a"), *payload, more=values.NESTED, options=ACKNOWLEDGED)
        await publisher.publish(uri("a"), options=ACKNOWLEDGED)
        subscription = await history_of(reader)
        assert await reader.call("wamp.subscription.count_subscribers", subscription) == 0
        first, second = await events(reader, subscription, topic=uri("a"))
        assert TIMESTAMP.fullmatch(first["timestamp"])
        assert (first["subscription"], first["publication"]) == (subscription, published.id)
        assert (first["args"], first["kwargs"]) == (payload, {"more": values.NESTED})
        assert first["details"].get("topic", uri("a")) == uri("a")
        assert not second.get("args") and not second.get("kwargs")


async def test_order_and_limit(flavour, uri):
    """EVH-08, A-31: the limit takes the first in the order that is asked for."""
    async with join(flavour, REALM) as session:
        for i in range(5):
            await session.publish(uri("a" if i % 2 else "b"), i, options=ACKNOWLEDGED)
            await session.publish(uri("other"), "not these", options=ACKNOWLEDGED)
        subscription = await history_of(session)
        for topic, found in (("a", [1, 3]), ("b", [0, 2, 4])):
            assert await args(session, subscription, topic=uri(topic)) == found
            assert await args(session, subscription, topic=uri(topic), reverse=True) == found[::-1]
            assert await args(session, subscription, topic=uri(topic), limit=2) == found[:2]
            assert await args(session, subscription, topic=uri(topic), limit=1, reverse=True) == found[-1:]


async def test_queries_by_publication_and_time(flavour, uri):
    """EVH-03, EVH-04"""
    async with join(flavour, REALM) as session:
        ids = [(await session.publish(uri("a"), i, options=ACKNOWLEDGED)).id for i in range(5)]
        subscription, mine = await history_of(session), {"topic": uri("a")}
        for query, found in [
            ({"from_publication": ids[1]}, [1, 2, 3, 4]),
            ({"after_publication": ids[1]}, [2, 3, 4]),
            ({"before_publication": ids[3]}, [0, 1, 2]),
            ({"until_publication": ids[3]}, [0, 1, 2, 3]),
            ({"after_publication": ids[0], "until_publication": ids[3], "reverse": True, "limit": 2}, [3, 2]),
            ({"from_publication": 2**50}, []),
        ]:
            assert await args(session, subscription, **mine, **query) == found
        times = [event["timestamp"] for event in await events(session, subscription, **mine)]
        for query, belongs in [
            ("from_time", lambda t: t >= times[2]),
            ("after_time", lambda t: t > times[2]),
            ("before_time", lambda t: t < times[2]),
            ("until_time", lambda t: t <= times[2]),
        ]:
            found = [i for i, t in enumerate(times) if belongs(t)]
            assert await args(session, subscription, **mine, **{query: times[2]}) == found


async def test_page_by_page(flavour, uri):
    """EVH-08: a page begins after the last publication of the one before."""
    async with join(flavour, REALM) as session:
        await asyncio.gather(*(session.publish(uri("a"), i, options=ACKNOWLEDGED) for i in range(25)))
        subscription, seen, query = await history_of(session), [], {"topic": uri("a"), "limit": 10}
        while page := await events(session, subscription, **query):
            seen += [event["args"][0] for event in page]
            query["after_publication"] = page[-1]["publication"]
        assert seen == list(range(25))


async def test_who_may_have_an_event(flavour, uri):
    """EVH-09, EVH-10: what names sessions is not remembered, other lists hold for who asks."""
    async with join(flavour, REALM) as publisher, join(flavour, REALM) as one, join(flavour, REALM) as two:
        a, b = one.welcome, two.welcome
        for i, lists in enumerate(
            [
                {"eligible": [a.session, b.session]},
                {"exclude": [publisher.welcome.session]},
                {"eligible_authid": [a.authid]},
                {"exclude_authid": [a.authid]},
                {"eligible_authrole": ["nobody"]},
                {},
            ]
        ):
            await publisher.publish(uri("a"), i, options=PublishOptions(acknowledge=True, **lists))
        subscription = await history_of(one)
        for session, found in ((one, [2, 5]), (two, [3, 5])):
            assert await args(session, subscription, topic=uri("a")) == found


async def test_one_event_in_two_histories(flavour, uri):
    """EVH-17, EVH-13: found as what matches a topic."""
    async with join(flavour, REALM) as session:
        published = await session.publish("interop.second.last", uri("own"), options=ACKNOWLEDGED)
        wildcard, prefix = await history_of(session, "interop..last", "wildcard"), await history_of(session)
        assert await session.call("wamp.subscription.match", "interop.second.last") == [prefix, wildcard]
        for subscription in (wildcard, prefix):
            [event] = await events(session, subscription, reverse=True, limit=1)
            assert (event["subscription"], event["publication"]) == (subscription, published.id)


async def test_history_is_bounded(flavour):
    """EVH-16"""
    async with join(flavour, REALM) as session:
        for i in range(5):
            await session.publish("interop.few", i, options=ACKNOWLEDGED)
        assert await args(session, await history_of(session, "interop.few", "exact")) == [2, 3, 4]


async def test_subscribers_share_the_subscription_of_the_router(flavour):
    """EVH-13, UMA-08: which stays when they leave."""
    async with join(flavour, REALM) as session:
        held = await history_of(session)
        options = SubscribeOptions(match="prefix")
        subscription = await session.subscribe(lambda *_, **__: None, "interop.", options)
        assert subscription.id == held
        await subscription.unsubscribe()
        assert await history_of(session) == held


async def test_questions_that_have_no_answer(flavour, uri):
    """EVH-12, EVH-14"""
    async with join(flavour, REALM) as session:
        forgotten = (await session.subscribe(lambda *_: None, "elsewhere." + uri("news"))).id
        await session.publish("elsewhere." + uri("news"), options=ACKNOWLEDGED)
        assert await events(session, forgotten) == []
        unknown = events(session, 2**50)
        assert await refused(unknown) == "wamp.error.no_such_subscription"
        subscription = await history_of(session)
        for query in [
            {"limit": 0},
            {"limit": "many"},
            {"reverse": "yes"},
            {"from_time": "yesterday"},
            {"topic": 7},
            {"until_publication": "last"},
        ]:
            assert await refused(events(session, subscription, **query)) == "wamp.error.invalid_argument"
        assert await refused(events(session, "first")) == "wamp.error.invalid_argument"


async def test_history_is_transcoded(uri):
    """EVH-06: what one serializer wrote another reads."""
    payload = [values.UNICODE, values.BINARY, *values.INTEGERS, values.NESTED]
    writers = [Flavour("ws", "json"), Flavour("tcp", "msgpack"), Flavour("unix", "cbor")]
    for writer in writers:
        async with join(writer, REALM) as publisher:
            await publisher.publish(uri("a"), *payload, more=values.BINARY, options=ACKNOWLEDGED)
    for reader in writers:
        async with join(reader, REALM) as session:
            found = await events(session, await history_of(session), topic=uri("a"))
            assert [(event["args"], event["kwargs"]) for event in found] == [(payload, {"more": values.BINARY})] * 3


async def test_realm_that_remembers_nothing(flavour, uri):
    """EVH-12"""
    async with join(flavour) as session:
        subscription = await session.subscribe(lambda *_: None, uri("news"))
        assert await events(session, subscription.id) == []
