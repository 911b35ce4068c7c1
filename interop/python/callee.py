"""A callee of its own process, for callers in other languages.

    python callee.py TRANSPORT SERIALIZER PREFIX

registers, below PREFIX, the procedures

    echo        answers with the args and kwargs it was called with
    types       answers with the Python type and value of each argument, as text
    vector      answers with a byte string, a text and the edges of the integers
    fail        answers with the error com.example.error.refused and its own payload
    count       yields the numbers below its argument as progress, and answers with a byte string
    wait        says so as progress and waits to be interrupted; then it answers as its argument wants
    interrupts  answers with the mode and reason of every INTERRUPT since the last such answer
    who         answers with what it knows of its caller

It prints "ready" when all are registered and leaves when its standard input ends.
"""

import asyncio
import sys

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallResult, RegisterOptions

import values
from peer import Flavour, join, run


def echo(*args, **kwargs):
    return CallResult(*args, **kwargs)


def types(*args):
    return [describe(arg) for arg in args]


def describe(value):
    text = value.hex() if isinstance(value, bytes) else value
    return f"{type(value).__name__} {text}"


def vector():
    return CallResult(values.BINARY, values.UNICODE, 2**53 - 1, 2**53, 2**63 - 1, nested={"bytes": values.BINARY})


def fail(*args, **kwargs):
    raise ApplicationError("com.example.error.refused", *args, **kwargs)


def count(n, details):
    for i in range(n):
        details.progress(i, values.UNICODE, square=i * i)
    return values.BINARY


async def wait(then, details):
    details.progress("waiting")
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        if then == "answer":
            return "stopped"
        if then == "fail":
            raise ApplicationError("com.example.error.stopped")
        raise


def who(details):
    return [details.caller, details.caller_authid, details.caller_authrole]


async def standard_input_ends():
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def main(transport, serializer, prefix):
    async with join(Flavour(transport, serializer)) as session:

        def interrupts():
            seen = session.interrupts()
            session.received.clear()
            return seen

        for endpoint in (echo, types, vector, fail, interrupts):
            await session.register(endpoint, f"{prefix}.{endpoint.__name__}")
        for endpoint in (count, wait, who):
            await session.register(endpoint, f"{prefix}.{endpoint.__name__}", RegisterOptions(details=True))
        print("ready", flush=True)
        await standard_input_ends()


if __name__ == "__main__":
    run(main(*sys.argv[1:]))
