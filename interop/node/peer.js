// The two JavaScript clients on the router under test, and what their suites
// share. The router's addresses come from the environment (see ../README.md).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { WebSocket } from 'ws';
import { Wampy } from 'wampy';
import { CborSerializer } from 'wampy/CborSerializer.js';
import { JsonSerializer } from 'wampy/JsonSerializer.js';
import { MsgpackSerializer } from 'wampy/MsgpackSerializer.js';

// autobahn takes the platform's WebSocket, which Node has from version 22 on.
globalThis.WebSocket ??= WebSocket;

const require = createRequire(import.meta.url);
export const autobahn = require('autobahn');
const serializers = require('autobahn/lib/serializer.js');

// It reports every ordinary close as a warning.
require('autobahn/lib/log.js').warn = () => {};

export const REALM = 'realm1';
const TEST_TIMEOUT = 5000; // milliseconds
const CLOSE_TIMEOUT = 2000;
const RETRY = 20;

const tcp = new URL(`tcp://${variable('TANDEM_TCP')}`);
const router = { url: variable('TANDEM_URL'), host: tcp.hostname, port: Number(tcp.port), unix: variable('TANDEM_UNIX') };

function variable(name) {
  assert.ok(process.env[name], `${name} is not set: start these tests with ../run.sh`);
  return process.env[name];
}

// Flavours: a client's transport with a serializer. `binary` tells that it
// carries byte strings, `bigints` that it carries integers beyond 2^53 exactly.

const websocket = (serializer) => () => ({ type: 'websocket', url: router.url, serializers: [serializer()] });

export const autobahnFlavours = [
  autobahnFlavour('JSON over WebSocket', websocket(() => new serializers.JSONSerializer())),
  autobahnFlavour('MessagePack over WebSocket', websocket(() => new serializers.MsgpackSerializer()), { binary: true }),
  autobahnFlavour('CBOR over WebSocket', websocket(() => new serializers.CBORSerializer()), { binary: true, bigints: true }),
  autobahnFlavour('JSON over RawSocket on TCP', () => ({ type: 'rawsocket', host: router.host, port: router.port })),
  autobahnFlavour('JSON over RawSocket on a Unix socket', () => ({ type: 'rawsocket', path: router.unix })),
];

export const wampyFlavours = [
  wampyFlavour('JSON', () => new JsonSerializer()),
  wampyFlavour('MessagePack', () => new MsgpackSerializer(), { binary: true, bigints: true }),
  wampyFlavour('CBOR', () => new CborSerializer(), { binary: true }),
];

function autobahnFlavour(name, transport, abilities) {
  return { name: `autobahn-js, ${name}`, ...abilities, join: (t, realm) => joinAutobahn(t, transport(), realm) };
}

function wampyFlavour(name, serializer, abilities) {
  return { name: `wampy, ${name}`, ...abilities, join: (t, realm) => joinWampy(t, serializer(), realm) };
}

/**
 * Makes a function that defines one test for each flavour. The test's body gets
 * `join`, which opens a session, and `uri`, which makes URIs of its own.
 */
export function over(flavours) {
  return (name, body) => {
    for (const flavour of flavours) {
      test(`${name} (${flavour.name})`, { timeout: TEST_TIMEOUT }, (t) => body({ t, flavour, uri: uriSpace(), join: (realm) => flavour.join(t, realm) }));
    }
  };
}

/** Defines a single test with the same time limit. */
export function check(name, body) {
  test(name, { timeout: TEST_TIMEOUT }, (t) => body({ t, uri: uriSpace() }));
}

let spaces = 0;

function uriSpace() {
  const base = `interop.js${process.pid}.n${++spaces}`;
  return (name) => `${base}.${name}`;
}

/**
 * An autobahn session that has joined. `goodbye` leaves and resolves to what
 * the connection was told of its end. What autobahn calls an internal error,
 * such as a protocol violation by the router, fails the test.
 */
async function joinAutobahn(t, transport, realm = REALM) {
  const problems = [];
  const connection = new autobahn.Connection({
    realm,
    transports: [transport],
    use_es6_promises: true,
    max_retries: 0,
    on_user_error: () => {},
    on_internal_error: (error) => problems.push(error),
  });
  const closed = new Promise((resolve) => {
    connection.onclose = (reason, details) => resolve({ how: reason, reason: details.reason });
  });
  const opened = new Promise((resolve) => {
    connection.onopen = resolve;
  });
  connection.open();
  const session = await Promise.race([opened, closed.then((end) => Promise.reject(new Error(end.reason)))]);
  let leaving = false;
  session.goodbye = () => {
    if (!leaving) connection.close();
    leaving = true;
    return closed;
  };
  t.after(async () => {
    if (connection.isOpen) await session.goodbye();
    assert.deepEqual(problems, []);
  }, { timeout: CLOSE_TIMEOUT });
  return session;
}

/** A wampy session that has joined; any error that it reports fails the test. */
async function joinWampy(t, serializer, realm = REALM) {
  const problems = [];
  const session = new Wampy(router.url, {
    realm,
    serializer,
    ws: WebSocket,
    autoReconnect: false,
    uriValidation: 'loose',
    onError: (error) => problems.push(error),
  });
  await session.connect();
  t.after(async () => {
    if (session.getSessionId()) await session.disconnect();
    assert.deepEqual(problems, []);
  }, { timeout: CLOSE_TIMEOUT });
  return session;
}

/** The reason why a promise is rejected; resolving fails the test. */
export function rejection(promise) {
  return promise.then((value) => assert.fail(`not rejected but ${JSON.stringify(value)}`), (error) => error);
}

/** Collects events for a test to wait on. */
export function inbox() {
  const events = [];
  const waiting = [];
  return {
    push: (event) => (waiting.length > 0 ? waiting.shift()(event) : events.push(event)),
    next: () => (events.length > 0 ? Promise.resolve(events.shift()) : new Promise((resolve) => waiting.push(resolve))),
    size: () => events.length,
  };
}

const interop = fileURLToPath(new URL('..', import.meta.url));

/** Starts ../python/callee.py with its procedures below `prefix` and waits until it has registered. */
export async function startPythonCallee(t, transport, serializer, prefix) {
  const script = `${interop}/python/callee.py`;
  const child = spawn(variable('TANDEM_PYTHON'), [script, transport, serializer, prefix], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => stop(child, () => child.stdin.end()), { timeout: CLOSE_TIMEOUT });
  const [line] = await once(createInterface(child.stdout), 'line');
  assert.equal(line, 'ready');
}

/** Starts `tandem register PROCEDURE --echo`, a callee written in Go, and gives its process. */
export function startTandemEcho(t, transport, serializer, procedure) {
  const url = { tcp: `tcp://${router.host}:${router.port}`, unix: `unix://${router.unix}`, ws: router.url }[transport];
  const args = ['register', procedure, '--echo', '--url', url, '--realm', REALM, '--serializer', serializer];
  const child = spawn(variable('TANDEM_BIN'), args, { stdio: ['ignore', 'ignore', 'inherit'] });
  t.after(() => stop(child, () => child.kill('SIGTERM')), { timeout: CLOSE_TIMEOUT });
  return child;
}

async function stop(child, ask) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  ask();
  await once(child, 'exit');
}

/** Calls again until the callee's process has registered the procedure. */
export async function whenRegistered(callee, call) {
  for (;;) {
    assert.equal(callee.exitCode, null, 'the callee has ended');
    try {
      return await call();
    } catch (error) {
      if ((error.error ?? error.errorUri) !== 'wamp.error.no_such_procedure') throw error;
    }
    await pause(RETRY);
  }
}
