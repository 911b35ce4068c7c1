"""Opening and closing a session (SES, FEA, WS, RS)."""

import asyncio

import pytest
from autobahn.asyncio.component import Component
from autobahn.asyncio.wamp import ApplicationRunner
from autobahn.wamp.exception import ApplicationError

import peer
from peer import Peer, join

DEALER_FEATURES = (
    "call_canceling",
    "call_timeout",
    "caller_identification",
    "pattern_based_registration",
    "progressive_call_results",
    "registration_meta_api",
    "registration_revocation",
    "shared_registration",
)
BROKER_FEATURES = (
    "pattern_based_subscription",
    "publisher_exclusion",
    "publisher_identification",
    "subscriber_blackwhite_listing",
)


async def test_welcome_names_session_realm_and_identity(flavour):
    """SES-08, SES-10"""
    async with join(flavour) as session:
        details = await session.joined
        assert 1 <= details.session <= 2**53
        assert details.realm == peer.REALM
        assert details.authrole == "anonymous"
        assert details.authmethod == "anonymous"


async def test_welcome_announces_the_features_used_here(flavour):
    """FEA-01"""
    async with join(flavour) as session:
        dealer, broker = session._router_roles["dealer"], session._router_roles["broker"]
        for feature in DEALER_FEATURES:
            assert getattr(dealer, feature) is True, feature
        for feature in BROKER_FEATURES:
            assert getattr(broker, feature) is True, feature


async def test_sessions_have_ids_of_their_own(flavour):
    """IDS-02"""
    async with join(flavour) as one, join(flavour) as other:
        assert (await one.joined).session != (await other.joined).session


async def test_goodbye_is_answered_and_the_transport_closes_cleanly(flavour):
    """SES-14"""
    async with join(flavour) as session:
        session.leave("wamp.close.close_realm")
        assert (await session.left).reason == "wamp.close.goodbye_and_out"
        assert await session.closed is True


async def test_unknown_realm_is_refused(flavour):
    """SES-06"""
    session = Peer(realm="interop.no.such.realm")
    await peer.open_transport(session, flavour)
    with pytest.raises(PermissionError, match="wamp.error.no_such_realm"):
        await session.joined
    await session.closed


async def test_registrations_of_a_lost_transport_are_gone(flavour, uri):
    """RPC-19, WS-11: no GOODBYE, just a dead connection."""
    async with join(flavour) as caller:
        async with join(flavour) as callee:
            await callee.register(lambda: "here", uri("who"))
            assert await caller.call(uri("who")) == "here"
            callee._transport.abort()
            await callee.closed
        async with join(flavour) as heir:
            await register_when_free(heir, uri("who"))
            assert await caller.call(uri("who")) == "heir"


async def register_when_free(session, procedure):
    """The router learns of a dead connection a little later than we do."""
    while True:
        try:
            return await session.register(lambda: "heir", procedure)
        except ApplicationError as error:
            assert error.error == "wamp.error.procedure_already_exists"
            await asyncio.sleep(0.01)


async def test_runner_with_everything_that_autobahn_offers_by_default(uri):
    """WS-01, BAT-07: batched subprotocols first, permessage-deflate offered."""
    session = Peer()
    runner = ApplicationRunner(peer.url(), peer.REALM)
    await runner.run(lambda _: session, start_loop=False)
    await session.joined
    await session.register(lambda x: x, uri("echo"))
    assert await session.call(uri("echo"), "x" * 70000) == "x" * 70000
    session.leave()
    assert await session.closed is True


async def test_component(uri):
    """The newer of the two interfaces that autobahn has."""
    transport = {"type": "websocket", "url": peer.url(), "serializers": ["msgpack"]}
    component = Component(transports=[transport], realm=peer.REALM)
    answers = []

    @component.on_join
    async def joined(session, _details):
        await session.register(lambda x: x, uri("echo"))
        answers.append(await session.call(uri("echo"), 42))
        session.leave()

    await component.start(loop=asyncio.get_running_loop())
    assert answers == [42]
