"""Call canceling and call timeout (CAN, TMO).

autobahn cancels with a CANCEL that has no mode, which is killnowait (CAN-06).
It forgets what the caller made of the call, but not the call: the ERROR that
the router owes it is seen in what the session received.
"""

import pytest
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.message import Result
from autobahn.wamp.types import CallOptions

from peer import Patient, call_errors, canceled, join, settle

CANCELED = "wamp.error.canceled"
TIMEOUT = "wamp.error.timeout"


async def test_cancel_interrupts_the_callee(flavour, uri):
    """CAN-04, CAN-06, CAN-10, CAN-12: and discards what that answers; other calls go on."""
    async with join(flavour) as callee, join(flavour) as caller:
        patient = Patient()
        await callee.register(patient, uri("patient"))
        call, other = caller.call(uri("patient")), caller.call(uri("patient"))
        answers = [await patient.next(), await patient.next()]
        await canceled(call)
        await settle(caller, callee)
        assert call_errors(caller) == [CANCELED]
        answers[1].set_result("other")
        assert await other == "other"
        assert callee.interrupts() == [["killnowait", CANCELED]]


async def test_caller_and_callee_in_one_session(flavour, uri):
    """CAN-04"""
    async with join(flavour) as session:
        patient = Patient()
        await session.register(patient, uri("patient"))
        call = session.call(uri("patient"))
        await patient.next()
        await canceled(call)
        await settle(session)
        assert (call_errors(session), session.interrupts()) == ([CANCELED], [["killnowait", CANCELED]])


async def test_cancel_and_answer_cross(flavour, uri):
    """CAN-08, ROU-43: whichever comes first, there is one answer."""
    async with join(flavour) as callee, join(flavour) as caller:
        patient = Patient()
        await callee.register(patient, uri("patient"))
        for _ in range(20):
            call = caller.call(uri("patient"))
            (await patient.next()).set_result("answered")
            await canceled(call)
        await settle(caller)
        results = [m for m in caller.received if isinstance(m, Result)]
        assert len(results) + len(call_errors(caller)) == 20 + 1


async def test_timeout_is_in_milliseconds(flavour, uri):
    """TMO-01, TMO-05, TMO-06: its documentation says seconds, but it sends the number as it is."""
    async with join(flavour) as callee, join(flavour) as caller:
        patient = Patient()
        await callee.register(patient, uri("patient"))
        with pytest.raises(ApplicationError) as caught:
            await caller.call(uri("patient"), options=CallOptions(timeout=50))
        assert caught.value.error == TIMEOUT
        await patient.next()
        call = caller.call(uri("patient"), options=CallOptions(timeout=60_000))
        (await patient.next()).set_result("in time")
        assert await call == "in time"
        assert callee.interrupts() == [["killnowait", TIMEOUT]]


async def test_cancel_stops_the_timer(flavour, uri):
    """ROU-48: a second call, started later with the same timeout, is the first to time out."""
    async with join(flavour) as callee, join(flavour) as caller:
        patient = Patient()
        await callee.register(patient, uri("patient"))
        options = CallOptions(timeout=50)
        await canceled(caller.call(uri("patient"), options=options))
        with pytest.raises(ApplicationError, match=TIMEOUT):
            await caller.call(uri("patient"), options=options)
        assert call_errors(caller) == [CANCELED, TIMEOUT]
        await settle(callee)
        assert callee.interrupts() == [["killnowait", CANCELED], ["killnowait", TIMEOUT]]
