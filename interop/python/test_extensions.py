"""What Crossbar.io and autobahn add to REGISTER: ``concurrency`` and ``force_reregister`` (ROU).

A callee whose endpoint has as many calls as it wants is passed over; if there
is no other, the call waits. Whoever registers by force takes the procedure away
from those who have it.
"""

import asyncio

import pytest
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, RegisterOptions, SubscribeOptions

from peer import Flavour, Inbox, Patient, call_errors, canceled, join, revocations, settle

FORCE = RegisterOptions(force_reregister=True)


async def register_patient(session, procedure, **options):
    patient = Patient()
    await session.register(patient, procedure, RegisterOptions(**options))
    return patient


async def test_calls_beyond_the_concurrency_wait(flavour, uri):
    """ROU-19, ROU-20, ROU-22, ROU-23: and are invoked in the order in which they came."""
    started = []
    gates = [asyncio.Event() for _ in range(5)]

    async def work(i):
        started.append(i)
        await gates[i].wait()
        return i

    async with join(flavour) as callee, join(flavour) as caller:
        await callee.register(work, uri("work"), RegisterOptions(concurrency=2))
        calls = [caller.call(uri("work"), i) for i in range(5)]
        await settle(caller, callee)
        assert started == [0, 1]
        gates[1].set()
        assert await calls[1] == 1
        await settle(callee)
        assert started == [0, 1, 2]
        for gate in gates:
            gate.set()
        assert await asyncio.gather(*calls) == list(range(5))
        assert started == list(range(5))


async def test_concurrency_is_of_each_callee(flavour, uri):
    """ROU-21: round-robin passes over those that have enough to do."""
    async with join(flavour) as a, join(flavour) as b:
        few = await register_patient(a, uri("shared"), invoke="roundrobin", concurrency=1)
        many = await register_patient(b, uri("shared"), invoke="roundrobin")
        calls = [b.call(uri("shared")) for _ in range(5)]
        await settle(b, a)
        assert (few.waiting(), many.waiting()) == (1, 4)
        for patient, n in ((few, 1), (many, 4)):
            for _ in range(n):
                (await patient.next()).set_result(n)
        assert sorted(await asyncio.gather(*calls)) == [1, 4, 4, 4, 4]


async def test_canceled_call_makes_room(flavour, uri):
    """ROU-20, CAN-18: one that runs as well as one that waits."""
    async with join(flavour) as callee, join(flavour) as caller:
        patient = await register_patient(callee, uri("work"), concurrency=1)
        running, waiting, last = [caller.call(uri("work")) for _ in range(3)]
        await patient.next()
        await canceled(waiting)
        await settle(caller, callee)
        assert (call_errors(caller), callee.interrupts()) == (["wamp.error.canceled"], [])
        await canceled(running)
        (await patient.next()).set_result("last")
        assert await last == "last"
        assert callee.interrupts() == [["killnowait", "wamp.error.canceled"]]


async def test_waiting_counts_for_the_timeout(flavour, uri):
    """ROU-50: and the call is never invoked."""
    async with join(flavour) as callee, join(flavour) as caller:
        patient = await register_patient(callee, uri("work"), concurrency=1)
        running = caller.call(uri("work"))
        answer = await patient.next()
        with pytest.raises(ApplicationError, match="wamp.error.timeout"):
            await caller.call(uri("work"), options=CallOptions(timeout=30))
        answer.set_result("done")
        assert await running == "done"
        await settle(callee)
        assert patient.waiting() == 0


async def test_callee_that_leaves_ends_what_waits_for_it(flavour, uri):
    """ROU-23, ROU-27"""
    async with join(flavour) as caller:
        async with join(flavour) as callee:
            patient = await register_patient(callee, uri("work"), concurrency=1)
            calls = [caller.call(uri("work")) for _ in range(3)]
            await settle(caller)
            await patient.next()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert [end.error for end in ends] == ["wamp.error.canceled"] * 3


async def test_not_everybody_can_wait(uri):
    """ROU-22, ROU-23: by default a thousand and some more."""
    flavour = Flavour("unix", "cbor")
    async with join(flavour) as callee, join(flavour) as caller:
        await register_patient(callee, uri("work"), concurrency=1)
        calls = [caller.call(uri("work")) for _ in range(1100)]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert done.pop().exception().error == "crossbar.error.max_concurrency_reached"
        await settle(caller)
        refused = [call.exception().error for call in calls if call.done()]
        assert 0 < len(refused) < 100
        assert set(refused) == {"crossbar.error.max_concurrency_reached"}


async def test_registering_by_force(flavour, uri):
    """ROU-24, ROU-25, ROU-26: those who had it learn of that; what they are about, they finish."""
    async with join(flavour) as one, join(flavour) as two, join(flavour) as heir:
        patient = await register_patient(one, uri("throne"), invoke="roundrobin")
        registration = await two.register(lambda: "two", uri("throne"), RegisterOptions(invoke="roundrobin"))
        call = heir.call(uri("throne"))
        answer = await patient.next()
        crowned = await heir.register(lambda: "heir", uri("throne"), FORCE)
        assert crowned.id != registration.id
        assert [await two.call(uri("throne")) for _ in range(2)] == ["heir", "heir"]
        answer.set_result("one")
        assert await call == "one"
        await settle(one, two)
        assert revocations(one) == revocations(two) == [(registration.id, "wamp.error.unregistered")]


async def test_registering_by_force_in_events(flavour, uri):
    """ROU-25, ROU-60, RMA-15"""
    async with join(flavour) as one, join(flavour) as heir:
        first = await one.register(lambda: "one", uri("throne"))
        inbox = Inbox()
        options = SubscribeOptions(match="prefix", details_arg="details")
        await heir.subscribe(inbox, "wamp.registration.on_", options)
        second = await heir.register(lambda: "heir", uri("throne"), FORCE)
        sessions = [(await session.joined).session for session in (one, heir)]
        events = []
        while len(events) < 4:
            (session, what), _, details = await inbox.next()
            registration = what["id"] if isinstance(what, dict) else what
            if registration in (first.id, second.id):
                events.append([details.topic.rpartition(".")[2], session, registration])
        assert events == [
            ["on_unregister", sessions[0], first.id],
            ["on_delete", sessions[0], first.id],
            ["on_create", sessions[1], second.id],
            ["on_register", sessions[1], second.id],
        ]


async def test_force_where_nobody_has_registered(flavour, uri):
    """ROU-24"""
    async with join(flavour) as session, join(flavour) as other:
        await session.register(lambda: "here", uri("free"), FORCE)
        assert await other.call(uri("free")) == "here"
        with pytest.raises(ApplicationError, match="wamp.error.procedure_already_exists"):
            await other.register(lambda: "there", uri("free"))
