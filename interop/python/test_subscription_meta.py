"""The subscription meta API and the revocation of subscriptions (UMA, SRV, MET).

Other suites may subscribe at the same time, so a test looks at its own only.
"""

from autobahn.wamp.message import Event, Subscribed, Unsubscribed
from autobahn.wamp.types import SubscribeOptions

from meta import CREATED, Watch, is_about
from peer import Flavour, Inbox, join, refused, settle


def ask(session, procedure, *args, **kwargs):
    return session.call(f"wamp.subscription.{procedure}", *args, **kwargs)


async def subscribe(session, topic, **options):
    """The ID of a subscription whose handler does nothing."""
    subscription = await session.subscribe(lambda *_, **__: None, topic, SubscribeOptions(**options))
    return subscription.id


async def test_subscriptions_are_found(flavour, uri):
    """UMA-07, MET-03, MET-05"""
    async with join(flavour) as subscriber, join(flavour) as other:
        exact = await subscribe(subscriber, uri("a.b.c"))
        prefix = await subscribe(subscriber, uri("a"), match="prefix")
        wildcard = await subscribe(subscriber, uri("a..c"), match="wildcard")
        found = await ask(other, "list")
        assert found.keys() == {"exact", "prefix", "wildcard"}
        assert exact in found["exact"] and prefix in found["prefix"] and wildcard in found["wildcard"]
        assert await ask(other, "lookup", uri("a.b.c")) == exact
        assert await ask(other, "lookup", uri("a"), {"match": "prefix"}) == prefix
        assert await ask(other, "lookup", uri("a..c"), {"match": "wildcard"}) == wildcard
        assert await ask(other, "lookup", uri("a")) is None
        for topic, matching in [("a.b.c", [exact, prefix, wildcard]), ("a.z", [prefix]), ("b", None)]:
            assert await ask(other, "match", uri(topic)) == matching


async def test_what_is_known_of_a_subscription(flavour, uri):
    """PUB-03, UMA-06, UMA-07, UMA-09"""
    async with join(flavour) as one:
        async with join(flavour) as other:
            subscription = await subscribe(one, uri("news"), match="prefix")
            assert await subscribe(other, uri("news"), match="prefix") == subscription
            assert await subscribe(other, uri("news"), match="prefix") == subscription
            known = await ask(other, "get", subscription)
            assert CREATED.fullmatch(known.pop("created"))
            assert known == {"id": subscription, "uri": uri("news"), "match": "prefix"}
            sessions = [session.welcome.session for session in (one, other)]
            assert await ask(other, "list_subscribers", subscription) == sessions
            assert await ask(other, "count_subscribers", subscription) == 2
        assert await ask(one, "list_subscribers", subscription) == sessions[:1]


async def test_questions_that_have_no_answer(flavour):
    """MET-02, UMA-07"""
    async with join(flavour) as session:
        for procedure in ("get", "list_subscribers", "count_subscribers"):
            assert await refused(ask(session, procedure, 2**50)) == "wamp.error.no_such_subscription"
            assert await refused(ask(session, procedure)) == "wamp.error.invalid_argument"
            assert await refused(ask(session, procedure, "seven")) == "wamp.error.invalid_argument"
        assert await refused(ask(session, "lookup", 7)) == "wamp.error.invalid_argument"
        assert await refused(ask(session, "no_such")) == "wamp.error.no_such_procedure"


async def test_life_of_a_subscription_in_events(flavour, uri):
    """UMA-01, UMA-02, UMA-03: subscribing again is no event."""
    async with join(flavour) as observer, join(flavour) as one, join(flavour) as two:
        watch = await Watch("subscription").start(observer)
        first = await one.subscribe(lambda: None, uri("watched"))
        subscription = first.id
        await subscribe(two, uri("watched"))
        await subscribe(two, uri("watched"))
        a, b = [session.welcome.session for session in (one, two)]
        two.leave()
        await two.closed
        await first.unsubscribe()
        (name, session, known), *events = await watch.of(uri("watched"), subscription)
        assert CREATED.fullmatch(known.pop("created"))
        assert (name, session, known) == ("on_create", a, {"id": subscription, "uri": uri("watched"), "match": "exact"})
        assert events == [
            ["on_subscribe", a, subscription],
            ["on_subscribe", b, subscription],
            ["on_unsubscribe", b, subscription],
            ["on_unsubscribe", a, subscription],
            ["on_delete", a, subscription],
        ]


async def test_events_come_after_the_reply_that_they_follow_from(flavour, uri):
    """UMA-05: also to the session that caused them."""
    async with join(flavour) as session:
        watch = await Watch("subscription").start(session)
        subscription = await session.subscribe(lambda: None, uri("own"))
        await subscription.unsubscribe()
        await watch.of(uri("own"), subscription.id)
        kinds = [type(m) for m in session.received[2:] if is_reply_or_about(m, uri("own"), subscription.id)]
        assert kinds == [Subscribed, Event, Event, Unsubscribed, Event, Event]


def is_reply_or_about(message, topic, subscription):
    if isinstance(message, Event):
        return is_about(message.args[1], topic, subscription)
    return isinstance(message, (Subscribed, Unsubscribed))


async def test_subscriptions_to_the_router_s_own_topics_are_no_event(flavour, uri):
    """UMA-04"""
    async with join(flavour) as observer, join(flavour) as other:
        inbox = Inbox()
        await observer.subscribe(inbox, "wamp.subscription.on_create")
        meta = await subscribe(other, "wamp.session.on_stats")
        await subscribe(other, uri("marker"))
        while (event := await inbox.next_args())[0] != other.welcome.session:
            assert event[1]["id"] != meta
        assert event[1]["uri"] == uri("marker")


async def test_revocation_where_the_realm_is_silent(flavour, uri):
    """SRV-02, SRV-03, SRV-04, SRV-05: autobahn-python announces that it understands, and does not."""
    async with join(flavour, "silent") as subscriber, join(flavour, "silent") as admin:
        watch = await Watch("subscription").start(admin)
        gone, kept = Inbox(), Inbox()
        subscription = (await subscriber.subscribe(gone, uri("news"))).id
        await subscriber.subscribe(kept, uri("marker"))
        number = subscriber.welcome.session
        admin.publish(uri("news"), "before")
        assert await ask(admin, "remove_subscriber", subscription, number, reason="com.example.reason") is None
        admin.publish(uri("news"), "after")
        admin.publish(uri("marker"))
        await kept.next()
        assert await gone.next_args() == ["before"]
        assert gone.empty()
        assert not [m for m in subscriber.received if isinstance(m, Unsubscribed)]
        events = await watch.of(uri("news"), subscription)
        assert events[-2:] == [["on_unsubscribe", number, subscription], ["on_delete", number, subscription]]


async def test_revocation_where_the_realm_is_not_silent(flavour, uri):
    """SRV-01, SRV-05, A-33: the session that announced that it understands does not survive it."""
    async with join(flavour) as subscriber, join(flavour) as admin:
        subscription = await subscribe(subscriber, uri("news"))
        await ask(admin, "remove_subscriber", subscription, subscriber.welcome.session)
        await subscriber.closed
        assert [m.request for m in subscriber.received if isinstance(m, Unsubscribed)] == [0]


async def test_revocation_of_what_is_not_there(flavour, uri):
    """SRV-04, MET-02"""
    async with join(flavour, "silent") as subscriber, join(flavour, "silent") as other:
        subscription = await subscribe(subscriber, uri("kept"))
        number, stranger = subscriber.welcome.session, other.welcome.session
        for arguments, error in [
            ((subscription, 2**50), "no_such_session"),
            ((2**50, number), "no_such_subscription"),
            ((subscription, stranger), "no_such_subscription"),
            ((subscription,), "invalid_argument"),
            ((subscription, "seven"), "invalid_argument"),
        ]:
            assert await refused(ask(other, "remove_subscriber", *arguments)) == f"wamp.error.{error}"
        free_text = ask(other, "remove_subscriber", subscription, number, reason="because of that")
        assert await refused(free_text) == "wamp.error.invalid_uri"
        assert await ask(other, "count_subscribers", subscription) == 1


async def test_not_everybody_may_revoke(uri):
    """SRV-04"""
    flavour = Flavour("unix", "msgpack")
    async with join(flavour, "guarded") as subscriber, join(flavour, "guarded") as visitor:
        subscription = await subscribe(subscriber, uri("kept"))
        revocation = ask(visitor, "remove_subscriber", subscription, subscriber.welcome.session)
        assert await refused(revocation) == "wamp.error.not_authorized"
        await settle(subscriber)
        assert await ask(visitor, "count_subscribers", subscription) == 1
