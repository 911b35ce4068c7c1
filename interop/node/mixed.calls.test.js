// Calls between different clients, beyond arguments: progress, canceling,
// timeout, who calls, payload passthru. The callees in Python announce call
// canceling; no other here does.

import assert from 'node:assert/strict';

import { autobahnFlavours, check, inbox, pythonCallee, rejection, startTandemEcho, stream, wampyFlavours, whenRegistered } from './peer.js';
import { BINARY, BINARY_IN_JSON, UNICODE } from './values.js';

const [autobahnJson, autobahnMsgpack, autobahnCbor] = autobahnFlavours;
const [wampyJson, wampyMsgpack, wampyCbor] = wampyFlavours;

const PROGRESSIVE = { receive_progress: true };
const CANCELED = 'wamp.error.canceled';
const squares = (n) => Array.from({ length: n }, (_, i) => [[i, UNICODE], { square: i * i }]);

// Progress

for (const [transport, serializer] of [['tcp', 'msgpack'], ['unix', 'cbor']]) {
  check(`PCR-04 progress of a ${serializer} RawSocket callee on ${transport} in Python, autobahn-js JSON caller`, async ({ t }) => {
    const py = await pythonCallee(transport, serializer);
    const caller = await autobahnJson.join(t);
    const { progress, result } = await stream(caller.call(py('count'), [30], {}, PROGRESSIVE));
    assert.deepEqual(progress.map(({ args, kwargs }) => [args, kwargs]), squares(30));
    assert.equal(result, BINARY_IN_JSON);
  });

  check(`PCR-04 progress of a ${serializer} RawSocket callee on ${transport} in Python, wampy JSON caller`, async ({ t }) => {
    const py = await pythonCallee(transport, serializer);
    const caller = await wampyJson.join(t);
    const progress = [];
    const { argsList } = await caller.call(py('count'), [30], { progress_callback: (result) => progress.push(result) });
    assert.deepEqual(progress.map(({ argsList, argsDict }) => [argsList, argsDict]), squares(30));
    assert.ok(progress.every(({ details }) => details.progress === true));
    assert.deepEqual(argsList, [BINARY_IN_JSON]);
  });
}

check('PCR-04 PCR-13 progress and an error of an autobahn-js CBOR callee, wampy MessagePack caller', async ({ t, uri }) => {
  const [callee, caller] = [await autobahnCbor.join(t), await wampyMsgpack.join(t)];
  await callee.register(uri('break'), (args, kwargs, { progress }) => {
    progress([BINARY], { text: UNICODE });
    throw 'broken';
  });
  const progress = [];
  const error = await rejection(caller.call(uri('break'), null, { progress_callback: (result) => progress.push(result) }));
  assert.deepEqual(progress.map(({ argsList, argsDict }) => [Buffer.from(argsList[0]), argsDict]), [[BINARY, { text: UNICODE }]]);
  assert.deepEqual([error.errorUri, error.argsList], ['wamp.error.runtime_error', ['broken']]);
});

// Canceling

/** Starts a call in Python that waits to be interrupted, and gives it and how to cancel it when it waits. */
async function waitingAutobahn(caller, py, then) {
  const waiting = inbox();
  const call = caller.call(py('wait'), [then], {}, PROGRESSIVE);
  call.then(null, () => {}, waiting.push);
  assert.equal(await waiting.next(), 'waiting');
  return { call, cancel: call.cancel };
}

/** The same with wampy. */
async function waitingWampy(caller, py, then, options) {
  const waiting = inbox();
  const call = caller.call(py('wait'), [then], { progress_callback: waiting.push, ...options });
  const { reqId } = caller.getOpStatus();
  call.catch(() => {});
  assert.deepEqual((await waiting.next()).argsList, ['waiting']);
  return { call, cancel: (options) => caller.cancel(reqId, options) };
}

const OUTCOMES = {
  answer: 'stopped',
  fail: 'com.example.error.stopped',
  'do nothing': 'wamp.error.runtime_error',
};

for (const [then, outcome] of Object.entries(OUTCOMES)) {
  check(`CAN-03 CAN-12 kill: autobahn-js gets what the interrupted callee in Python says, here: ${then}`, async ({ t }) => {
    const py = await pythonCallee('tcp', 'msgpack');
    const caller = await autobahnJson.join(t);
    const { call, cancel } = await waitingAutobahn(caller, py, then);
    cancel({ mode: 'kill' });
    assert.equal(await call.then(String, ({ error }) => error), outcome);
    assert.deepEqual(await caller.call(py('interrupts')), [['kill', CANCELED]]);
  });

  check(`CAN-03 CAN-12 kill: wampy gets what the interrupted callee in Python says, here: ${then}`, async ({ t }) => {
    const py = await pythonCallee('tcp', 'msgpack');
    const caller = await wampyJson.join(t);
    const { call, cancel } = await waitingWampy(caller, py, then);
    cancel({ mode: 'kill' });
    assert.equal(await call.then(({ argsList }) => argsList[0], ({ errorUri }) => errorUri), outcome);
    assert.deepEqual((await caller.call(py('interrupts'))).argsList, [[['kill', CANCELED]]]);
  });
}

for (const options of [undefined, { mode: 'killnowait' }]) {
  const name = options ? 'killnowait' : 'no mode';

  check(`CAN-04 CAN-06 CAN-12 ${name}: wampy gets its error, the callee in Python is interrupted and its answer discarded`, async ({ t }) => {
    const py = await pythonCallee('unix', 'cbor');
    const caller = await wampyCbor.join(t);
    const { call, cancel } = await waitingWampy(caller, py, 'answer');
    cancel(options);
    assert.equal((await rejection(call)).errorUri, CANCELED);
    assert.deepEqual((await caller.call(py('interrupts'))).argsList, [[['killnowait', CANCELED]]]);
  });

  check(`CAN-04 CAN-06 CAN-19 ${name}: autobahn-js gets an error that it does not expect, the callee in Python is interrupted`, async ({ t }) => {
    const py = await pythonCallee('unix', 'cbor');
    const [caller, observer] = [await autobahnJson.join(t), await autobahnJson.join(t)];
    const { cancel } = await waitingAutobahn(caller, py, 'answer');
    cancel(options);
    await caller.closed;
    assert.equal(caller.received.at(-1)[4], CANCELED);
    assert.equal(caller.problems.splice(0).length, 1);
    assert.deepEqual(await observer.call(py('interrupts')), [['killnowait', CANCELED]]);
  });
}

check('CAN-02 CAN-20 skip: wampy gets its error, the callee in Python is not interrupted', async ({ t }) => {
  const py = await pythonCallee('tcp', 'msgpack');
  const caller = await wampyMsgpack.join(t);
  const { call, cancel } = await waitingWampy(caller, py, 'answer');
  cancel({ mode: 'skip' });
  assert.equal((await rejection(call)).errorUri, CANCELED);
  assert.deepEqual((await caller.call(py('interrupts'))).argsList, [[]]);
});

check('TMO-05 TMO-08 a timeout of wampy interrupts the callee in Python', async ({ t }) => {
  const py = await pythonCallee('tcp', 'msgpack');
  const caller = await wampyJson.join(t);
  const { call } = await waitingWampy(caller, py, 'answer', { timeout: 50 });
  assert.equal((await rejection(call)).errorUri, 'wamp.error.timeout');
  assert.deepEqual((await caller.call(py('interrupts'))).argsList, [[['killnowait', 'wamp.error.timeout']]]);
});

check('PCR-09 RPC-15 ROU-35 a caller that leaves has the callee in Python interrupted', async ({ t }) => {
  const py = await pythonCallee('tcp', 'msgpack');
  const [caller, observer] = [await autobahnMsgpack.join(t), await autobahnJson.join(t)];
  await waitingAutobahn(caller, py, 'answer');
  await caller.goodbye();
  assert.deepEqual(await observer.call(py('interrupts')), [['killnowait', CANCELED]]);
});

// Who calls, who publishes

check('CID-01 CID-03 a callee in Python learns who calls if the caller wishes', async ({ t }) => {
  const py = await pythonCallee('tcp', 'msgpack');
  const [autobahn, wampy] = [await autobahnJson.join(t), await wampyCbor.join(t)];
  assert.deepEqual(await autobahn.call(py('who')), [null, null, null]);
  const ofAutobahn = [autobahn.id, autobahn.welcome.authid, autobahn.welcome.authrole];
  assert.deepEqual(await autobahn.call(py('who'), [], {}, { disclose_me: true }), ofAutobahn);
  const ofWampy = [wampy.getSessionId(), wampy.welcome.authid, wampy.welcome.authrole];
  assert.deepEqual((await wampy.call(py('who'), null, { disclose_me: true })).argsList, [ofWampy]);
});

check('PID-01 BWL-01 autobahn-js subscribers: one is named and learns that wampy publishes', async ({ t, uri }) => {
  const [named, other, publisher] = [await autobahnJson.join(t), await autobahnCbor.join(t), await wampyMsgpack.join(t)];
  const [mine, others] = [inbox(), inbox()];
  await named.subscribe(uri('news'), ([text], kwargs, { publisher }) => mine.push([text, publisher]));
  await other.subscribe(uri('news'), ([text], kwargs, { publisher }) => others.push([text, publisher]));
  await publisher.publish(uri('news'), ['secret'], { eligible: named.id, disclose_me: true });
  await publisher.publish(uri('news'), ['public']);
  assert.deepEqual([await mine.next(), await mine.next()], [['secret', Number(publisher.getSessionId())], ['public', undefined]]);
  assert.deepEqual(await others.next(), ['public', undefined]);
});

// Payload passthru, which only wampy has

const PPT = { ppt_scheme: 'x_interop', ppt_serializer: 'cbor' };

check('PPT-01 PPT-08 wampy passes a payload through from MessagePack to CBOR and back', async ({ t, uri }) => {
  const [callee, caller] = [await wampyCbor.join(t), await wampyMsgpack.join(t)];
  await callee.register(uri('echo'), ({ argsList, argsDict }) => ({ argsList, argsDict, options: PPT }));
  const { details, argsList, argsDict } = await caller.call(uri('echo'), { argsList: [UNICODE], argsDict: { bytes: BINARY } }, PPT);
  assert.deepEqual([details.ppt_scheme, details.ppt_serializer], ['x_interop', 'cbor']);
  assert.deepEqual([argsList, Buffer.from(argsDict.bytes)], [[UNICODE], BINARY]);
});

check('PPT-01 a callee in Go takes a payload that wampy passes through', async ({ t, uri }) => {
  const echo = startTandemEcho(t, 'unix', 'msgpack', uri('echo'));
  const caller = await wampyCbor.join(t);
  const { argsList } = await whenRegistered(echo, () => caller.call(uri('echo'), [BINARY], PPT));
  assert.ok(Buffer.from(argsList[0]).includes(BINARY)); // it answers with what it got, as it got it
});

check('PPT-05 a payload is not passed through to a callee that did not announce it', async ({ t, uri }) => {
  const py = await pythonCallee('tcp', 'msgpack');
  const [callee, caller] = [await autobahnJson.join(t), await wampyMsgpack.join(t)];
  await callee.register(uri('echo'), () => assert.fail('invoked'));
  for (const procedure of [uri('echo'), py('echo')]) {
    assert.equal((await rejection(caller.call(procedure, [1], PPT))).errorUri, 'wamp.error.feature_not_supported');
  }
});

check('PPT-06 nor is a result passed through to a caller that did not announce it', async ({ t, uri }) => {
  const [callee, caller] = [await wampyMsgpack.join(t), await autobahnJson.join(t)];
  await callee.register(uri('secret'), () => ({ argsList: [1], options: PPT }));
  await callee.register(uri('plain'), () => ({ argsList: [1] }));
  assert.equal((await rejection(caller.call(uri('secret')))).error, 'wamp.error.feature_not_supported');
  assert.equal(await caller.call(uri('plain')), 1);
});

check('PPT-07 PPT-09 but every subscriber gets the event', async ({ t, uri }) => {
  const [json, cbor, publisher] = [await autobahnJson.join(t), await autobahnCbor.join(t), await wampyMsgpack.join(t)];
  const [texts, bytes] = [inbox(), inbox()];
  await json.subscribe(uri('news'), texts.push);
  await cbor.subscribe(uri('news'), bytes.push);
  await publisher.publish(uri('news'), [BINARY], PPT);
  const [wrapped] = await bytes.next();
  assert.ok(wrapped.includes(BINARY));
  assert.deepEqual(await texts.next(), [`\0${wrapped.toString('base64')}`]);
  assert.deepEqual(cbor.received.at(-1)[3], PPT);
});

// Calls in parts, which wampy can make but does not announce

const PARTS = ['progressive_call_invocations'];

check('PCI-06 callees in Python and autobahn-js take no calls in parts', async ({ t, uri }) => {
  const py = await pythonCallee('tcp', 'msgpack');
  const [callee, caller] = [await autobahnJson.join(t), await wampyJson.join(t, undefined, PARTS)];
  await callee.register(uri('echo'), () => assert.fail('invoked'));
  for (const procedure of [uri('echo'), py('echo')]) {
    const { result, sendData } = caller.progressiveCall(procedure, [1]);
    sendData([2], { progress: false });
    assert.equal((await rejection(result)).errorUri, 'wamp.error.feature_not_supported');
  }
});

check('PCI-01 PCI-13 PCI-16 a callee in Go takes calls in parts, and may answer before the last', async ({ t, uri }) => {
  const echo = startTandemEcho(t, 'tcp', 'cbor', uri('echo'));
  const caller = await wampyJson.join(t, undefined, PARTS);
  await whenRegistered(echo, () => caller.call(uri('echo')));
  const { result, sendData } = caller.progressiveCall(uri('echo'), [1]);
  for (const n of [2, 3, 4]) sendData([n]);
  assert.deepEqual((await result).argsList, [1]);
  sendData([5], { progress: false });
  assert.deepEqual((await caller.call(uri('echo'), [6])).argsList, [6]);
});

check('PCI-01 PCI-04 in a lenient realm a callee in Go takes parts that wampy does not announce', async ({ t, uri }) => {
  const echo = startTandemEcho(t, 'unix', 'msgpack', uri('echo'), 'lenient');
  const caller = await wampyCbor.join(t, 'lenient');
  await whenRegistered(echo, () => caller.call(uri('echo')));
  const { result, sendData } = caller.progressiveCall(uri('echo'), [1]);
  sendData([2], { progress: false });
  assert.deepEqual((await result).argsList, [1]);
});
