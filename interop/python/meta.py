"""What the tests of the meta APIs of registrations and subscriptions share."""

import re

from autobahn.wamp.types import SubscribeOptions

from peer import Inbox

CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Watch:
    """The meta events of registrations or subscriptions that a session receives, as [name, session, ID or details]."""

    def __init__(self, kind):
        self._kind = kind
        self._inbox = Inbox()

    async def start(self, session):
        options = SubscribeOptions(match="prefix", details_arg="details")
        await session.subscribe(self._inbox, f"wamp.{self._kind}.on_", options)
        return self

    async def of(self, uri, number):
        """The events of one of them, up to the last of its life."""
        events = []
        while not events or events[-1][0] != "on_delete":
            args, _, details = await self._inbox.next()
            if is_about(args[1], uri, number):
                events.append([details.topic.rpartition(".")[2], *args])
        return events


def is_about(what, uri, number):
    """Whether the second argument of a meta event is the ID, or the details of the URI."""
    return what == number or isinstance(what, dict) and what["uri"] == uri
