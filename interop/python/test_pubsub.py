"""Publications and subscriptions (PUB, PBS, PEX, BWL, PID).

That something does *not* arrive is shown without waiting: a later event from
the same publisher arrives first, and events of one publisher keep their order
(PUB-13).
"""

from autobahn.wamp.types import PublishOptions, SubscribeOptions

import values
from peer import Inbox, join

WITH_DETAILS = SubscribeOptions(details_arg="details")


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


async def test_acknowledged_without_subscribers(flavour, uri):
    """PUB-08"""
    async with join(flavour) as publisher:
        acknowledged = PublishOptions(acknowledge=True)
        published = await publisher.publish(uri("nobody"), 1, options=acknowledged)
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
        acknowledged = PublishOptions(acknowledge=True)
        published = await publisher.publish(uri("a.b.c"), "x", options=acknowledged)
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
        assert gone._events.empty()


async def test_subscribers_share_a_subscription(flavour, uri):
    """PUB-02"""
    async with join(flavour) as one, join(flavour) as two, join(flavour) as publisher:
        inboxes = Inbox(), Inbox()
        first = await one.subscribe(inboxes[0], uri("news"))
        second = await two.subscribe(inboxes[1], uri("news"))
        assert first.id == second.id
        publisher.publish(uri("news"), "all")
        assert [await inbox.next_args() for inbox in inboxes] == [["all"], ["all"]]
