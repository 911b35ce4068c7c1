"""The session meta API: who is there, who comes and goes, and ending other sessions (SMA, MTE).

The ordinary realm is shared with whatever else runs, so a test looks at its own
sessions only; what counts or ends all sessions has a realm of its own.
"""

from autobahn.wamp.types import RegisterOptions, SubscribeOptions

from peer import Flavour, Inbox, join, refused, settle

ALONE = "alone.python"
REASON = "com.example.reason"
IDENTITY = ("authid", "authrole", "authmethod", "authprovider")


def ask(session, procedure, *args, **kwargs):
    return session.call(f"wamp.session.{procedure}", *args, **kwargs)


async def known_of(session, asker):
    """What the router tells of a session to everybody: not what only administrators see."""
    known = await ask(asker, "get", session.welcome.session)
    return {key: value for key, value in known.items() if not key.startswith("_")}


async def end_of(session):
    """Reason and message of the GOODBYE with which the router ended a session."""
    left = await session.left
    await session.closed
    return left.reason, left.message


async def test_what_is_known_of_a_session(flavour):
    """SMA-03, SMA-06, SMA-18"""
    async with join(flavour) as asker, join(flavour) as other:
        expected = {name: getattr(other.welcome, name) for name in IDENTITY}
        known = await known_of(other, asker)
        known.pop("transport", None)
        assert known == {"session": other.welcome.session, **expected}


async def test_sessions_of_a_realm(flavour):
    """SMA-02, SMA-05: an empty list of roles matches none."""
    async with join(flavour, ALONE) as one, join(flavour, ALONE) as two, join(flavour) as elsewhere:
        ids = sorted(session.welcome.session for session in (one, two))
        for roles in ([], [["anonymous"]], [["nobody", "anonymous"]], [None]):
            assert sorted(await ask(one, "list", *roles)) == ids
            assert await ask(one, "count", *roles) == 2
        for roles in ([], ["nobody"]):
            assert await ask(one, "list", roles) == []
            assert await ask(one, "count", roles) == 0
        assert await refused(ask(one, "get", elsewhere.welcome.session)) == "wamp.error.no_such_session"


async def test_questions_that_have_no_answer(flavour):
    """SMA-06, SMA-07, SMA-14, MET-02"""
    async with join(flavour) as session:
        own = session.welcome.session
        for procedure in ("get", "kill"):
            assert await refused(ask(session, procedure, 2**50)) == "wamp.error.no_such_session"
            assert await refused(ask(session, procedure)) == "wamp.error.invalid_argument"
            assert await refused(ask(session, procedure, "seven")) == "wamp.error.invalid_argument"
        assert await refused(ask(session, "kill", own)) == "wamp.error.no_such_session"
        assert await refused(ask(session, "count", "anonymous")) == "wamp.error.invalid_argument"
        assert await refused(ask(session, "kill_by_authid", 7)) == "wamp.error.invalid_argument"
        assert await refused(ask(session, "no_such")) == "wamp.error.no_such_procedure"


async def watch(session, *topics):
    """The inbox of the events on_join and on_leave."""
    inbox = Inbox()
    for topic in topics:
        await session.subscribe(inbox, f"wamp.session.{topic}", SubscribeOptions(details_arg="details"))
    return inbox


async def events_of(number, inbox, how_many):
    """The next positional arguments and details of events about one session."""
    events = []
    while len(events) < how_many:
        args, _, details = await inbox.next()
        if number in (args[0], isinstance(args[0], dict) and args[0]["session"]):
            events.append((args, details))
    return events


async def test_coming_and_going_in_events(flavour):
    """SMA-03, SMA-04, SMA-17, MTE-02"""
    async with join(flavour) as observer:
        joins, leaves = await watch(observer, "on_join"), await watch(observer, "on_leave")
        async with join(flavour) as other:
            known, number = await known_of(other, observer), other.welcome.session
        [(joined, first)] = await events_of(number, joins, 1)
        [(left, second)] = await events_of(number, leaves, 1)
        assert joined == [known]
        assert left == [number, known["authid"], known["authrole"]]
        assert first.publication != second.publication
        assert (first.publisher, second.publisher) == (None, None)


async def test_prefix_subscription_to_the_events(flavour):
    """PBS-09, SMA-17: on_join comes before on_leave."""
    async with join(flavour) as observer:
        inbox = Inbox()
        options = SubscribeOptions(match="prefix", details_arg="details")
        await observer.subscribe(inbox, "wamp.session.", options)
        async with join(flavour) as other:
            pass
        events = await events_of(other.welcome.session, inbox, 2)
        assert [details.topic for _, details in events] == ["wamp.session.on_join", "wamp.session.on_leave"]


async def test_lost_connection_is_a_leaving(flavour):
    """SMA-04, SES-20"""
    async with join(flavour) as observer, join(flavour) as lost:
        leaves = await watch(observer, "on_leave")
        lost._transport.abort()
        [(left, _)] = await events_of(lost.welcome.session, leaves, 1)
        assert left[1:] == [lost.welcome.authid, lost.welcome.authrole]


async def test_kill(flavour, uri):
    """SMA-07, SMA-08, SMA-13: what it had is gone before the answer, and a leaving is told."""
    async with join(flavour) as admin, join(flavour) as victim:
        leaves = await watch(admin, "on_leave")
        await victim.register(lambda: None, uri("work"))
        number = victim.welcome.session
        assert await ask(admin, "kill", number, reason=REASON, message="Grüße") is None
        assert await refused(ask(admin, "get", number)) == "wamp.error.no_such_session"
        assert await refused(admin.call(uri("work"))) == "wamp.error.no_such_procedure"
        assert await end_of(victim) == (REASON, "Grüße")
        await events_of(number, leaves, 1)


async def test_kill_without_a_reason(flavour):
    """SMA-08"""
    async with join(flavour) as admin, join(flavour) as victim:
        await ask(admin, "kill", victim.welcome.session)
        assert await end_of(victim) == ("wamp.close.killed", None)


async def test_kill_with_a_reason_that_is_no_uri(flavour):
    """SMA-07"""
    async with join(flavour) as admin, join(flavour) as spared:
        for reason in ("because of that", ""):
            kill = ask(admin, "kill", spared.welcome.session, reason=reason)
            assert await refused(kill) == "wamp.error.invalid_uri"
        assert await ask(admin, "get", spared.welcome.session)


async def test_kill_by_authid(flavour):
    """SMA-09: answers with the sessions, the caller's own is not among them."""
    async with join(flavour) as admin, join(flavour) as victim:
        killed = await ask(admin, "kill_by_authid", victim.welcome.authid, reason=REASON)
        assert killed == [victim.welcome.session]
        assert await end_of(victim) == (REASON, None)
        assert await ask(admin, "kill_by_authid", admin.welcome.authid) == []


async def test_kill_by_authrole(flavour):
    """SMA-10: answers with how many, the caller is not one of them."""
    async with join(flavour, ALONE) as admin, join(flavour, ALONE) as one, join(flavour, ALONE) as two:
        assert await ask(admin, "kill_by_authrole", "nobody") == 0
        assert await ask(admin, "kill_by_authrole", "anonymous", message="bye") == 2
        for victim in (one, two):
            assert await end_of(victim) == ("wamp.close.killed", "bye")
        assert await ask(admin, "count") == 1


async def test_kill_all_is_quiet(flavour, uri):
    """SMA-11, SMA-12, TES-07: nobody hears of it, in events or testaments."""
    async with join(flavour, ALONE) as admin, join(flavour, ALONE) as one, join(flavour, ALONE) as two:
        events = Inbox()
        for prefix in (uri(""), "wamp.session.", "wamp.registration.", "wamp.subscription."):
            await admin.subscribe(events, prefix, SubscribeOptions(match="prefix", details_arg="details"))
        await ask(one, "add_testament", uri("will"), [1], {})
        await one.register(lambda: None, uri("work"), RegisterOptions(invoke="first"))
        await one.subscribe(lambda: None, uri("news"))
        await ask(two, "count")
        heard = [await events.next() for _ in range(4)]  # of the registration and the subscription
        assert len({details.topic for _, _, details in heard}) == 4
        assert await ask(admin, "kill_all", reason=REASON) == 2
        for victim in (one, two):
            assert await end_of(victim) == (REASON, None)
        assert await refused(admin.call(uri("work"))) == "wamp.error.no_such_procedure"
        assert await ask(admin, "count") == 1
        async with join(flavour, ALONE) as last:
            args, _, details = await events.next()
            assert (details.topic, args[0]["session"]) == ("wamp.session.on_join", last.welcome.session)


async def test_calls_to_a_session_that_is_killed(flavour, uri):
    """SMA-13, ROU-27"""
    started = Inbox()

    async with join(flavour) as admin, join(flavour) as victim:

        async def work():
            started()
            await victim.closed

        await victim.register(work, uri("work"))
        call = admin.call(uri("work"))
        await started.next()
        await ask(admin, "kill", victim.welcome.session)
        assert await refused(call) == "wamp.error.canceled"


async def test_not_everybody_may_end_sessions():
    """SMA-15: questions are free."""
    flavour = Flavour("tcp", "cbor")
    async with join(flavour, "guarded") as visitor, join(flavour, "guarded") as other:
        number = other.welcome.session
        for procedure, args in [
            ("kill", [number]),
            ("kill_by_authid", [other.welcome.authid]),
            ("kill_by_authrole", ["visitor"]),
            ("kill_all", []),
        ]:
            assert await refused(ask(visitor, procedure, *args)) == "wamp.error.not_authorized"
        assert (await ask(visitor, "get", number))["session"] == number
        await settle(other)
        assert other.is_attached()
