"""The registration meta API and the revocation of registrations (RMA, RRV, MET).

Other suites may register at the same time, so a test looks at its own only.
"""

import asyncio

from autobahn.wamp.message import Event, Registered, Unregistered
from autobahn.wamp.types import RegisterOptions

from meta import CREATED, Watch
from peer import join, refused, revocations, settle


def ask(session, procedure, *args, **kwargs):
    return session.call(f"wamp.registration.{procedure}", *args, **kwargs)


async def register(session, procedure, **options):
    """The ID of a registration whose endpoint does nothing."""
    registration = await session.register(lambda: None, procedure, RegisterOptions(**options))
    return registration.id


async def test_registrations_are_found(flavour, uri):
    """RMA-07, RMA-08, RMA-09, RMA-11, MET-03, MET-05"""
    async with join(flavour) as callee, join(flavour) as other:
        exact = await register(callee, uri("a.b.c"))
        prefix = await register(callee, uri("a"), match="prefix")
        wildcard = await register(callee, uri(".z"), match="wildcard")
        found = await ask(other, "list")
        assert found.keys() == {"exact", "prefix", "wildcard"}
        assert exact in found["exact"] and prefix in found["prefix"] and wildcard in found["wildcard"]
        assert await ask(other, "lookup", uri("a.b.c")) == exact
        assert await ask(other, "lookup", uri("a"), {"match": "prefix"}) == prefix
        assert await ask(other, "lookup", uri("a")) is None
        for called, registration in [("a.b.c", exact), ("a.b", prefix), ("b.z", wildcard), ("b.c.z", None)]:
            assert await ask(other, "match", uri(called)) == registration
        assert await ask(other, "match", "wamp.registration.match") is None


async def test_what_is_known_of_a_registration(flavour, uri):
    """RMA-06, RMA-10, RMA-12"""
    options = {"match": "prefix", "invoke": "roundrobin"}
    async with join(flavour) as one:
        async with join(flavour) as other:
            registration = await register(one, uri("shared"), **options)
            await register(other, uri("shared"), **options)
            known = await ask(other, "get", registration)
            assert CREATED.fullmatch(known.pop("created"))
            assert known == {"id": registration, "uri": uri("shared"), **options}
            sessions = [(await session.joined).session for session in (one, other)]
            assert await ask(other, "list_callees", registration) == sessions
            assert await ask(other, "count_callees", registration) == 2
        assert await ask(one, "list_callees", registration) == sessions[:1]


async def test_defaults_have_names(flavour, uri):
    """RMA-06"""
    async with join(flavour) as session:
        registration = await register(session, uri("plain"))
        known = await ask(session, "get", registration)
        assert (known["match"], known["invoke"]) == ("exact", "single")


async def test_questions_that_have_no_answer(flavour):
    """MET-02, RMA-10, RPC-20"""
    async with join(flavour) as session:
        for procedure in ("get", "list_callees", "count_callees"):
            assert await refused(ask(session, procedure, 2**50)) == "wamp.error.no_such_registration"
            assert await refused(ask(session, procedure)) == "wamp.error.invalid_argument"
            assert await refused(ask(session, procedure, "seven")) == "wamp.error.invalid_argument"
        assert await refused(ask(session, "lookup", 7)) == "wamp.error.invalid_argument"
        assert await refused(ask(session, "no_such")) == "wamp.error.no_such_procedure"


async def test_names_of_the_router_cannot_be_registered(flavour):
    """URI-06, RPC-20"""
    async with join(flavour) as session:
        for name, match in [("wamp.registration.list", "exact"), ("wamp", "exact"), ("wamp.my", "prefix")]:
            assert await refused(register(session, name, match=match)) == "wamp.error.invalid_uri"


async def test_life_of_a_registration_in_events(flavour, uri):
    """RMA-01, RMA-02, RMA-03, ROU-60"""
    async with join(flavour) as observer, join(flavour) as one, join(flavour) as two:
        watch = await Watch("registration").start(observer)
        first = await one.register(lambda: None, uri("watched"), RegisterOptions(invoke="last"))
        registration = first.id
        await register(two, uri("watched"), invoke="last")
        a, b = [(await session.joined).session for session in (one, two)]
        two.leave()
        await two.closed
        await first.unregister()
        (name, session, known), *events = await watch.of(uri("watched"), registration)
        assert CREATED.fullmatch(known.pop("created"))
        expected = {"id": registration, "uri": uri("watched"), "match": "exact", "invoke": "last"}
        assert (name, session, known) == ("on_create", a, expected)
        assert events == [
            ["on_register", a, registration],
            ["on_register", b, registration],
            ["on_unregister", b, registration],
            ["on_unregister", a, registration],
            ["on_delete", a, registration],
        ]


async def test_events_come_after_the_reply_that_they_follow_from(flavour, uri):
    """RMA-05, RMA-14"""
    async with join(flavour) as session:
        watch = await Watch("registration").start(session)
        registration = await session.register(lambda: None, uri("own"))
        await registration.unregister()
        await watch.of(uri("own"), registration.id)
        kinds = [type(m) for m in session.received if is_reply_or_about(m, registration)]
        assert kinds == [Registered, Event, Unregistered, Event, Event]


def is_reply_or_about(message, registration):
    if isinstance(message, Event):
        return message.args[1] == registration.id  # that of on_create is a dictionary
    return isinstance(message, (Registered, Unregistered))


async def test_state_has_changed_before_the_event(flavour, uri):
    """ROU-61, ROU-62: a question asked on the event has the new answer."""
    answers = asyncio.Queue()

    async with join(flavour) as observer, join(flavour) as callee:

        async def ask_on_create(_session, known):
            if known["uri"] == uri("watched"):
                answers.put_nowait(await ask(observer, "lookup", uri("watched")))

        async def ask_on_delete(_session, _registration):
            answers.put_nowait(await ask(observer, "lookup", uri("watched")))

        await observer.subscribe(ask_on_create, "wamp.registration.on_create")
        registration = await callee.register(lambda: None, uri("watched"))
        assert await answers.get() == registration.id
        await observer.subscribe(ask_on_delete, "wamp.registration.on_delete")
        await registration.unregister()
        assert await answers.get() is None


async def test_revocation(flavour, uri):
    """RRV-01, RRV-03, RRV-04, RRV-05, RRV-06: what is in flight goes on, what comes later goes nowhere."""
    started, gate = asyncio.Event(), asyncio.Event()

    async def work():
        started.set()
        await gate.wait()
        return "done"

    async with join(flavour) as callee, join(flavour) as admin:
        watch = await Watch("registration").start(admin)
        registration = await callee.register(work, uri("work"))
        session = (await callee.joined).session
        call = admin.call(uri("work"))
        await started.wait()
        assert await ask(admin, "remove_callee", registration.id, session, reason="com.example.reason") is None
        assert await refused(admin.call(uri("work"))) == "wamp.error.no_such_procedure"
        events = await watch.of(uri("work"), registration.id)
        assert events[-2:] == [["on_unregister", session, registration.id], ["on_delete", session, registration.id]]
        gate.set()
        assert await call == "done"
        await settle(callee)
        assert revocations(callee) == [(registration.id, "com.example.reason")]
        await callee.register(lambda: "again", uri("work"))
        assert await admin.call(uri("work")) == "again"


async def test_revocation_of_one_callee_of_several(flavour, uri):
    """RRV-01, RRV-06"""
    shared = RegisterOptions(invoke="roundrobin")
    async with join(flavour) as one, join(flavour) as two:
        registration = await one.register(lambda: "one", uri("shared"), shared)
        await two.register(lambda: "two", uri("shared"), shared)
        session = (await one.joined).session
        await ask(two, "remove_callee", registration.id, session)
        assert [await two.call(uri("shared")) for _ in range(2)] == ["two", "two"]
        again = ask(two, "remove_callee", registration.id, session)
        assert await refused(again) == "wamp.error.no_such_registration"
        await settle(one)
        assert revocations(one) == [(registration.id, None)]


async def test_revocation_needs_a_callee_and_a_uri(flavour, uri):
    """RRV-04, RRV-06"""
    async with join(flavour) as callee:
        registration = await register(callee, uri("kept"))
        session = (await callee.joined).session
        unknown = ask(callee, "remove_callee", 2**50, session)
        assert await refused(unknown) == "wamp.error.no_such_registration"
        free_text = ask(callee, "remove_callee", registration, session, reason="because of that")
        assert await refused(free_text) == "wamp.error.invalid_uri"
        assert await refused(ask(callee, "remove_callee", registration)) == "wamp.error.invalid_argument"
        assert await ask(callee, "count_callees", registration) == 1


async def test_revocation_of_a_session_that_is_not_there(flavour, uri):
    """RRV-06"""
    async with join(flavour) as callee:
        registration = await register(callee, uri("kept"))
        unknown = ask(callee, "remove_callee", registration, 2**50)
        assert await refused(unknown) == "wamp.error.no_such_session"
