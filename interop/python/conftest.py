"""Runs coroutine tests on a fresh event loop each, bounded in time."""

import inspect
import os

import pytest

import peer

TEST_TIMEOUT = 5  # seconds
ADDRESSES = ("TANDEM_URL", "TANDEM_TCP", "TANDEM_UNIX")


def pytest_configure():
    missing = [name for name in ADDRESSES if name not in os.environ]
    if missing:
        pytest.exit(f"{', '.join(missing)} not set: start these tests with ../run.sh", 2)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    peer.run(pyfuncitem.obj(**arguments), TEST_TIMEOUT)
    return True


@pytest.fixture(params=peer.FLAVOURS, ids=str)
def flavour(request):
    """Every transport with every serializer."""
    return request.param


@pytest.fixture
def uri():
    """Turns a name into a URI of this test alone."""
    return peer.uri_space()
