"""Runs the commands of Tandem's own command line on the router under test."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import asynccontextmanager

import peer

RETRY = 0.02  # seconds


def url_of(flavour):
    host, port = peer.tcp()
    return {"ws": peer.url(), "tcp": f"tcp://{host}:{port}", "unix": "unix://" + os.environ["TANDEM_UNIX"]}[
        flavour.transport
    ]


async def start(flavour, verb, *args, realm=peer.REALM):
    """Starts ``tandem VERB --url … --realm … --serializer … ARGS``."""
    return await start_at(url_of(flavour), verb, "--serializer", flavour.serializer, *args, realm=realm)


async def start_at(url, verb, *args, realm=peer.REALM):
    command = (verb, "--url", url, "--realm", realm, *args)
    return await asyncio.create_subprocess_exec(
        os.environ["TANDEM_BIN"], *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )


async def tandem(flavour, verb, *args, **realm):
    """Runs a command to its end: (exit code, stdout, stderr)."""
    return await end_of(await start(flavour, verb, *args, **realm))


async def tandem_at(url, verb, *args):
    """Runs a command on a router of the test's own: (exit code, stdout, stderr)."""
    return await end_of(await start_at(url, verb, *args))


async def end_of(process):
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def running(flavour, verb, *args):
    """A command that runs until the block ends; then it must leave in peace."""
    process = await start(flavour, verb, *args)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
