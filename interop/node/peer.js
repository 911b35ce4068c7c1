// The two JavaScript clients on the router under test, and what their suites
// share. The router's addresses come from the environment (see ../README.md).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
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
  return { name: `wampy, ${name}`, ...abilities, join: (t, realm, announce) => joinWampy(t, serializer(), realm, announce) };
}

/**
 * Makes a function that defines one test for each flavour. The test's body gets
 * `join`, which opens a session, and `uri`, which makes URIs of its own.
 */
export function over(flavours) {
  return (name, body) => {
    for (const flavour of flavours) {
      const environment = (t) => ({ t, flavour, uri: uriSpace(), join: (...how) => flavour.join(t, ...how) });
      test(`${name} (${flavour.name})`, { timeout: TEST_TIMEOUT }, (t) => body(environment(t)));
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

// A session of either client also has
//
//   welcome   the details that the router welcomed it with
//   received  every message that came since then, as a list, to assert on what
//             the client's own interface hides
//   closed    resolves when the connection has ended
//   lose      ends the connection without a GOODBYE
//   problems  what the client reported as an error. Any that is left at the end
//             fails the test, so it takes out those that it expects

/**
 * An autobahn session that has joined. `goodbye` leaves and resolves to what
 * the connection was told of its end, and so does `closed`. What
 * autobahn calls an internal error, such as a protocol violation by the router,
 * is a problem.
 */
async function joinAutobahn(t, transport, realm = REALM) {
  const problems = [];
  const connection = new autobahn.Connection({
    realm,
    transports: [transport],
    max_retries: 0,
    on_user_error: () => {},
    on_internal_error: (error) => problems.push(error),
  });
  const closed = new Promise((resolve) => {
    connection.onclose = (reason, details) => resolve({ how: reason, reason: details.reason });
  });
  const opened = new Promise((resolve) => {
    connection.onopen = (session, welcome) => resolve(Object.assign(session, { welcome, problems, closed, received: [] }));
  });
  connection.open();
  const session = await Promise.race([opened, closed.then((end) => Promise.reject(new Error(end.reason)))]);
  record(session);
  session.lose = () => session._socket.close();
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

// autobahn has no hook for messages but one that prints them.
function record(session) {
  const take = session._socket.onmessage;
  session._socket.onmessage = (message) => {
    session.received.push(message);
    take(message);
  };
}

/**
 * A wampy session that has joined; any error that it reports is a problem.
 * `announce` are features that it claims to have as a caller, besides its own.
 */
async function joinWampy(t, serializer, realm = REALM, announce = []) {
  const [problems, received] = [[], []];
  let close;
  const closed = new Promise((resolve) => { close = resolve; });
  const session = new Wampy(router.url, {
    realm,
    serializer,
    ws: WebSocket,
    autoReconnect: false,
    uriValidation: 'loose',
    payloadSerializers: { json: new JsonSerializer(), msgpack: new MsgpackSerializer(), cbor: new CborSerializer() },
    debug: true,
    logger: ([what, message]) => what.startsWith('websocket message received') && received.push(message),
    onClose: close,
    onError: (error) => problems.push(error),
  });
  for (const feature of announce) session._wamp_features.roles.caller.features[feature] = true;
  Object.assign(session, { welcome: await session.connect(), problems, received, closed, lose: () => session._ws.terminate() });
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

/** Awaits an autobahn call: its progressive results, and the final result or the error. */
export async function stream(call) {
  const progress = [];
  const end = await call.then((result) => ({ result }), (error) => ({ error }), (result) => progress.push(result));
  return { progress, ...end };
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

const pythonCallees = new Map(); // by transport and serializer: what pythonCallee gives
const children = []; // their processes
after(() => Promise.all(children.map((child) => stop(child, () => child.stdin.end()))), { timeout: CLOSE_TIMEOUT });

/**
 * The procedures of ../python/callee.py over a transport and serializer, as a
 * function from their names to their URIs. One process serves all tests of a
 * file, because it takes long to start.
 */
export function pythonCallee(transport, serializer) {
  const key = `${transport}-${serializer}`;
  if (!pythonCallees.has(key)) pythonCallees.set(key, startPythonCallee(transport, serializer));
  return pythonCallees.get(key);
}

async function startPythonCallee(transport, serializer) {
  const uri = uriSpace();
  const args = [`${interop}/python/callee.py`, transport, serializer, uri('py')];
  const child = spawn(variable('TANDEM_PYTHON'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = await once(createInterface(child.stdout), 'line');
  assert.equal(line, 'ready');
  return (name) => uri(`py.${name}`);
}

/** Starts `tandem register PROCEDURE --echo`, a callee written in Go, and gives its process. */
export function startTandemEcho(t, transport, serializer, procedure, realm = REALM) {
  const url = { tcp: `tcp://${router.host}:${router.port}`, unix: `unix://${router.unix}`, ws: router.url }[transport];
  const args = ['register', procedure, '--echo', '--url', url, '--realm', realm, '--serializer', serializer];
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
