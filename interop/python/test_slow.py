"""Subscribers that do not read what is sent to them (FLW): nobody else suffers."""

import pytest
from autobahn.wamp.types import PublishOptions

from peer import Flavour, Inbox, join

EVENTS = 400  # of this size: more than a queue and the buffers of a connection take
FILLER = "x" * 60_000
ACKNOWLEDGED = PublishOptions(acknowledge=True)


@pytest.fixture(params=[Flavour("tcp", "msgpack"), Flavour("unix", "cbor"), Flavour("ws", "json")], ids=str)
def stalling(request):
    """How the subscriber that does not read is connected."""
    return request.param


async def flood(publisher, reader, topic):
    """Publishes numbered events one after the other, each of which another subscriber must get."""
    read = Inbox()
    await reader.subscribe(read, topic)
    for i in range(EVENTS):
        await publisher.publish(topic, i, FILLER, options=ACKNOWLEDGED)
        assert (await read.next_args())[0] == i


def stop_reading(session):
    session._transport.transport.pause_reading()


def read_again(session):
    session._transport.transport.resume_reading()


@pytest.mark.parametrize("realm", ["drops.new", "drops.old"])
async def test_slow_subscriber_loses_events_and_stays(stalling, uri, realm):
    """FLW-02, PUB-18, PUB-13: and what it gets is in order."""
    fast = Flavour("tcp", "cbor")
    async with join(stalling, realm) as slow, join(fast, realm) as publisher, join(fast, realm) as reader:
        inbox = Inbox()
        await slow.subscribe(inbox, uri("news"))
        stop_reading(slow)
        await flood(publisher, reader, uri("news"))
        known = await publisher.call("wamp.session.get", slow.welcome.session)
        assert known["_lost"] > 0
        read_again(slow)
        seen = [(await inbox.next_args())[0] for _ in range(EVENTS - known["_lost"])]
        assert seen == sorted(set(seen))
        assert (seen[-1] == EVENTS - 1) == (realm == "drops.old")
        await publisher.publish(uri("news"), "live", options=ACKNOWLEDGED)
        assert await inbox.next_args() == ["live"]


async def test_slow_subscriber_is_disconnected(stalling, uri):
    """FLW-02, SMA-04"""
    fast = Flavour("tcp", "cbor")
    async with join(stalling) as slow, join(fast) as publisher, join(fast) as reader:
        leaves = Inbox()
        await reader.subscribe(leaves, "wamp.session.on_leave")
        await slow.subscribe(lambda *_: None, uri("news"))
        stop_reading(slow)
        await flood(publisher, reader, uri("news"))
        while (await leaves.next_args())[0] != slow.welcome.session:
            pass
        read_again(slow)
        await slow.closed
