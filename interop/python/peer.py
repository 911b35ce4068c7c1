"""autobahn-python sessions on the router under test.

``join`` opens one session over one *flavour*: a transport with a serializer.
The router's addresses come from the environment (see ../README.md).
"""

import asyncio
import itertools
import logging
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import txaio

txaio.use_asyncio()

from autobahn.asyncio.rawsocket import WampRawSocketClientFactory  # noqa: E402
from autobahn.asyncio.wamp import ApplicationSession  # noqa: E402
from autobahn.asyncio.websocket import WampWebSocketClientFactory  # noqa: E402
from autobahn.wamp.exception import ApplicationError  # noqa: E402
from autobahn.wamp.message import Call, Error, Interrupt, Unregistered  # noqa: E402
from autobahn.wamp.serializer import (  # noqa: E402
    CBORSerializer,
    JsonSerializer,
    MsgPackSerializer,
)
from autobahn.wamp.types import ComponentConfig, PublishOptions  # noqa: E402

# It reports every ordinary close as a warning.
logging.getLogger(__name__).setLevel(logging.ERROR)

REALM = "realm1"
SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}
CLOSE_TIMEOUT = 2  # seconds
TO_ME_TOO = PublishOptions(exclude_me=False)


@dataclass(frozen=True)
class Flavour:
    """How a session speaks: ``ws``, ``tcp`` or ``unix`` with a serializer."""

    transport: str
    serializer: str

    def __str__(self):
        return f"{self.transport}-{self.serializer}"


FLAVOURS = [Flavour(t, s) for t in ("ws", "tcp", "unix") for s in SERIALIZERS]


def url():
    """The router's WebSocket URL."""
    return os.environ["TANDEM_URL"]


def tcp():
    """The router's RawSocket address as (host, port)."""
    host, _, port = os.environ["TANDEM_TCP"].rpartition(":")
    return host, int(port)


def run(coroutine, timeout=None):
    """Runs a coroutine on a fresh event loop, for at most ``timeout`` seconds."""

    async def on_this_loop():
        txaio.config.loop = asyncio.get_running_loop()
        await asyncio.wait_for(coroutine, timeout)

    asyncio.run(on_this_loop())


_numbers = itertools.count(1)


def uri_space():
    """A function that turns names into URIs that no other test uses."""
    base = f"interop.py{os.getpid()}.n{next(_numbers)}"
    return lambda name: f"{base}.{name}"


class Peer(ApplicationSession):
    """A session that tells through futures what the callbacks were told, and keeps what it received."""

    def __init__(self, realm=REALM):
        super().__init__(ComponentConfig(realm=realm))
        loop = asyncio.get_running_loop()
        self.joined = loop.create_future()  # SessionDetails, or PermissionError on ABORT
        self.left = loop.create_future()  # CloseDetails of the GOODBYE or ABORT
        self.closed = loop.create_future()  # whether the transport closed cleanly
        self.received = []  # every message that came, to assert on what the interface hides

    def onJoin(self, details):
        self.joined.set_result(details)

    def onMessage(self, msg):
        self.received.append(msg)
        return super().onMessage(msg)

    @property
    def welcome(self):
        """What the router told this session of itself: session, authid, authrole."""
        return self.joined.result()

    def interrupts(self):
        """Mode and reason of every INTERRUPT that came."""
        return [[m.mode, m.reason] for m in self.received if isinstance(m, Interrupt)]

    def onLeave(self, details):
        self.left.set_result(details)
        if not self.joined.done():
            self.joined.set_exception(PermissionError(details.reason))
        return super().onLeave(details)

    def onClose(self, wasClean):
        super().onClose(wasClean)
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("closed before WELCOME"))
        self.closed.set_result(wasClean)

    def onUserError(self, fail, msg):
        """Errors raised by the endpoints are the tests' own; they are not news."""


async def open_transport(session, flavour):
    """Connects ``session`` over ``flavour``; the session then sends HELLO."""
    loop = asyncio.get_running_loop()
    serializer = SERIALIZERS[flavour.serializer]()
    if flavour.transport == "ws":
        factory = WampWebSocketClientFactory(lambda: session, url=url(), serializers=[serializer])
        await loop.create_connection(factory, factory.host, factory.port)
        return
    factory = WampRawSocketClientFactory(lambda: session, serializer=serializer)
    if flavour.transport == "unix":
        await loop.create_unix_connection(factory, os.environ["TANDEM_UNIX"])
    else:
        await loop.create_connection(factory, *tcp())


@asynccontextmanager
async def join(flavour, realm=REALM):
    """A session that has joined; it says GOODBYE when the block ends."""
    session = Peer(realm)
    await open_transport(session, flavour)
    await session.joined
    try:
        yield session
    finally:
        if session.is_attached():
            session.leave()
        await asyncio.wait_for(session.closed, CLOSE_TIMEOUT)


async def refused(awaitable):
    """The error URI with which a request was refused."""
    with pytest.raises(ApplicationError) as caught:
        await awaitable
    return caught.value.error


async def settle(*sessions):
    """Waits until each has received what the router sent it before: the router answers in order."""
    for session in sessions:
        await session.call("wamp.registration.match", "interop.settle")


class Inbox:
    """Collects the events of a subscription for a test to wait on."""

    def __init__(self):
        self._events = asyncio.Queue()

    def __call__(self, *args, details=None, **kwargs):
        self._events.put_nowait((list(args), kwargs, details))

    async def next(self):
        """The next event as (args, kwargs, details)."""
        return await self._events.get()

    def empty(self):
        """Whether all events that came have been told of."""
        return self._events.empty()

    async def next_args(self):
        """The positional arguments of the next event."""
        args, _, _ = await self.next()
        return args


class Patient:
    """An endpoint that answers when the test wants, or at once when interrupted."""

    def __init__(self):
        self._calls = asyncio.Queue()

    async def __call__(self):
        answer = asyncio.get_running_loop().create_future()
        self._calls.put_nowait(answer)
        try:
            return await answer
        except asyncio.CancelledError:
            return "interrupted"

    def waiting(self):
        """How many calls came that ``next`` has not told of."""
        return self._calls.qsize()

    async def next(self):
        """The future that answers the next call."""
        return await self._calls.get()


async def canceled(call):
    """Cancels a call; what the router makes of that comes later, see ``call_errors``."""
    call.cancel()
    await asyncio.sleep(0)  # CANCEL is sent by a callback of the future
    assert call.cancelled()


def call_errors(session):
    """The error of every ERROR that came in answer to a CALL."""
    return [m.error for m in session.received if isinstance(m, Error) and m.request_type == Call.MESSAGE_TYPE]


def revocations(session):
    """Registration and reason of every UNREGISTERED that the session did not ask for."""
    return [(m.registration, m.reason) for m in session.received if isinstance(m, Unregistered) and m.request == 0]
