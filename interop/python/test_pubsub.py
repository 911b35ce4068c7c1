"""Publications and subscriptions (PUB, PBS, PEX, BWL, PID, SSB).

That something does *not* arrive is shown without waiting: a later event from
the same publisher arrives first, and events of one publisher keep their order
(PUB-13).
"""

import asyncio

from autobahn.wamp.message import Error, Event
from autobahn.wamp.types import PublishOptions, SubscribeOptions

import values
from peer import TO_ME_TOO, Flavour, Inbox, join, refused, settle

WITH_DETAILS = SubscribeOptions(details_arg="details")
ACKNOWLEDGED = PublishOptions(acknowledge=True)


async def test_event_carries_args_kwargs_and_publication(flavour, uri):
    """PUB-01, PUB-07, PUB-10"""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), WITH_DETAILS)
        payload = [values.UNICODE, values.BINARY, *values.INTEGERS]
        published = await publisher.publish(
            uri("news"), *payload, more=values.NESTED, options=PublishOptions(acknowledge=True)
        )
        args, kwargs, details = await inbox.next()
        assert (args, kwargs) == (payload, {"more": values.NESTED})
        assert details.publication == published.id


async def test_unacknowledged_publications_arrive_in_order(flavour, uri):
    """PUB-06, PUB-13"""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"))
        for i in range(100):
            assert publisher.publish(uri("news"), i) is None
        assert [await inbox.next_args() for _ in range(100)] == [[i] for i in range(100)]


async def test_order_across_topics_and_patterns(flavour, uri):
    """PUB-13, PUB-14: five thousand events of every kind of publication, none of them twice."""
    how_many = 5_000
    async with join(flavour) as subscriber, join(flavour) as publisher:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), SubscribeOptions(match="prefix"))
        await subscriber.subscribe(inbox, uri(".z"), SubscribeOptions(match="wildcard"))
        publications = []
        for i in range(how_many):
            options = ACKNOWLEDGED if i % 100 == 0 else None
            publications.append(publisher.publish(uri("news.a" if i % 2 else "b.z"), i, options=options))
        await asyncio.gather(*filter(None, publications))
        assert [await inbox.next_args() for _ in range(how_many)] == [[i] for i in range(how_many)]


async def test_acknowledged_without_subscribers(flavour, uri):
    """PUB-08"""
    async with join(flavour) as publisher:
        published = await publisher.publish(uri("nobody"), 1, options=ACKNOWLEDGED)
        assert 1 <= published.id <= 2**53


async def test_publisher_is_excluded_unless_it_asks(flavour, uri):
    """PUB-09, PEX-01, PEX-02"""
    async with join(flavour) as publisher, join(flavour) as other:
        own, others = Inbox(), Inbox()
        await publisher.subscribe(own, uri("news"))
        await other.subscribe(others, uri("news"))
        publisher.publish(uri("news"), "default")
        publisher.publish(uri("news"), "true", options=PublishOptions(exclude_me=True))
        publisher.publish(uri("news"), "false", options=PublishOptions(exclude_me=False))
        assert await own.next_args() == ["false"]
        assert [await others.next_args() for _ in range(3)] == [["default"], ["true"], ["false"]]


async def test_publication_reaches_those_whom_it_names_or_all_but_those(flavour, uri):
    """BWL-01, BWL-02, BWL-03, BWL-04, BWL-07"""
    async with join(flavour) as publisher, join(flavour) as one, join(flavour) as two:
        inboxes = Inbox(), Inbox()
        await one.subscribe(inboxes[0], uri("news"))
        await two.subscribe(inboxes[1], uri("news"))
        me, other = await one.joined, await two.joined
        reached = [
            ({"eligible": [me.session, 1]}, {0}),
            ({"eligible": []}, set()),
            ({"eligible_authid": [me.authid, "nobody"]}, {0}),
            ({"eligible_authrole": me.authrole}, {0, 1}),
            ({"eligible_authrole": ["nobody"]}, set()),
            ({"exclude": me.session}, {1}),
            ({"exclude": []}, {0, 1}),
            ({"exclude_authid": me.authid}, {1}),
            ({"exclude_authrole": [me.authrole]}, set()),
            ({"eligible": [me.session, other.session], "exclude": [me.session]}, {1}),
            ({}, {0, 1}),
        ]
        for i, (options, _) in enumerate(reached):
            publisher.publish(uri("news"), i, options=PublishOptions(**options))
        for n, inbox in enumerate(inboxes):
            for i, (_, subscribers) in enumerate(reached):
                if n in subscribers:
                    assert await inbox.next_args() == [i]


async def test_publisher_that_names_itself_is_still_excluded(flavour, uri):
    """BWL-05"""
    async with join(flavour) as publisher:
        inbox = Inbox()
        await publisher.subscribe(inbox, uri("news"))
        own = (await publisher.joined).session
        publisher.publish(uri("news"), "named", options=PublishOptions(eligible=own))
        publisher.publish(uri("news"), "both", options=PublishOptions(eligible=own, exclude_me=False))
        assert await inbox.next_args() == ["both"]


async def test_publisher_stays_unknown(flavour, uri):
    """PID-04: autobahn cannot ask for disclosure."""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), WITH_DETAILS)
        publisher.publish(uri("news"))
        _, _, details = await inbox.next()
        assert (details.publisher, details.publisher_authid, details.publisher_authrole) == (None, None, None)


async def test_publisher_is_known_where_the_realm_says_so(flavour, uri):
    """PID-03, PID-06"""
    async with join(flavour, "open") as subscriber, join(flavour, "open") as publisher:
        inbox = Inbox()
        await subscriber.subscribe(inbox, uri("news"), WITH_DETAILS)
        publisher.publish(uri("news"))
        _, _, details = await inbox.next()
        me = publisher.welcome
        expected = me.session, me.authid, me.authrole
        assert (details.publisher, details.publisher_authid, details.publisher_authrole) == expected


async def test_publications_that_are_refused(flavour, uri):
    """PUB-06, PUB-07, PUB-15: who did not ask for an answer gets none."""
    async with join(flavour, "guarded") as visitor, join(flavour) as publisher:
        visitor.publish(uri("news"), "in vain")
        assert await refused(visitor.publish(uri("news"), options=ACKNOWLEDGED)) == "wamp.error.not_authorized"
        publisher.publish("wamp.session.on_join", "in vain")
        reserved = publisher.publish("wamp.session.on_join", options=ACKNOWLEDGED)
        assert await refused(reserved) == "wamp.error.invalid_uri"
        for session in (visitor, publisher):
            await settle(session)
            assert [type(m) for m in session.received].count(Error) == 1


async def test_prefix_subscription_tells_the_topic(flavour, uri):
    """PBS-02, PBS-04, PBS-06"""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        inbox = Inbox()
        options = SubscribeOptions(match="prefix", details_arg="details")
        await subscriber.subscribe(inbox, uri("topic.emergency"), options)
        topics = ["topic.emerge", "topic.emergency", "topic.emergency.11", "topic.emergency-low", "topic.emergency.a.b"]
        for topic in topics:
            publisher.publish(uri(topic), topic)
        for topic in topics[1:]:
            args, _, details = await inbox.next()
            assert (args, details.topic) == ([topic], uri(topic))


async def test_wildcard_subscription_tells_the_topic(flavour, uri):
    """PBS-02, PBS-04, PBS-07"""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        inbox = Inbox()
        options = SubscribeOptions(match="wildcard", details_arg="details")
        await subscriber.subscribe(inbox, uri("app..userevent"), options)
        for topic in ("app.foo.userevent.bar", "app.foo.user", "app2.foo.userevent"):
            publisher.publish(uri(topic), "no match")
        for topic in ("app.foo.userevent", "app.bar.userevent"):
            publisher.publish(uri(topic), topic)
            args, _, details = await inbox.next()
            assert (args, details.topic) == ([topic], uri(topic))


async def test_one_event_for_each_matching_subscription(flavour, uri):
    """PUB-14, PBS-03"""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        inboxes = {}
        for match, pattern in (("exact", "a.b.c"), ("prefix", "a."), ("wildcard", "a..c")):
            inboxes[match] = Inbox()
            options = SubscribeOptions(match=match, details_arg="details")
            await subscriber.subscribe(inboxes[match], uri(pattern), options)
        published = await publisher.publish(uri("a.b.c"), "x", options=ACKNOWLEDGED)
        for inbox in inboxes.values():
            args, _, details = await inbox.next()
            assert (args, details.publication) == (["x"], published.id)


async def test_unsubscribe_ends_the_events(flavour, uri):
    """PUB-04, PUB-12"""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        gone, kept = Inbox(), Inbox()
        subscription = await subscriber.subscribe(gone, uri("news"))
        await subscriber.subscribe(kept, uri("marker"))
        await subscription.unsubscribe()
        publisher.publish(uri("news"), "late")
        publisher.publish(uri("marker"))
        assert await kept.next_args() == []
        assert gone.empty()


async def test_patterns_are_no_set(flavour, uri):
    """PBS-05, PBS-10: the same URI with another match policy is another subscription."""
    async with join(flavour) as subscriber, join(flavour) as publisher:
        exact, prefix = Inbox(), Inbox()
        gone = await subscriber.subscribe(exact, uri("news"))
        kept = await subscriber.subscribe(prefix, uri("news"), SubscribeOptions(match="prefix"))
        assert gone.id != kept.id
        publisher.publish(uri("news"), "both")
        assert [await inbox.next_args() for inbox in (exact, prefix)] == [["both"], ["both"]]
        await gone.unsubscribe()
        publisher.publish(uri("news"), "one")
        assert await prefix.next_args() == ["one"]
        assert exact.empty()


async def test_subscribing_again(flavour, uri):
    """PUB-03: one subscription, one event, however many handlers."""
    async with join(flavour) as session:
        inboxes = Inbox(), Inbox()
        one, two = [await session.subscribe(inbox, uri("news")) for inbox in inboxes]
        assert one.id == two.id
        session.publish(uri("news"), "both", options=TO_ME_TOO)
        assert [await inbox.next_args() for inbox in inboxes] == [["both"], ["both"]]
        await one.unsubscribe()
        session.publish(uri("news"), "second", options=TO_ME_TOO)
        assert await inboxes[1].next_args() == ["second"]
        assert inboxes[0].empty()
        assert [type(m) for m in session.received].count(Event) == 2


async def test_subscribers_share_a_subscription(flavour, uri):
    """PUB-02"""
    async with join(flavour) as one, join(flavour) as two, join(flavour) as publisher:
        inboxes = Inbox(), Inbox()
        first = await one.subscribe(inboxes[0], uri("news"))
        second = await two.subscribe(inboxes[1], uri("news"))
        assert first.id == second.id
        publisher.publish(uri("news"), "all")
        assert [await inbox.next_args() for inbox in inboxes] == [["all"], ["all"]]
