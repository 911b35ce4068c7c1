// Callers in JavaScript, callees of their own processes in Python and Go, each
// with another serializer: the router transcodes in both directions.
//
// Neither JavaScript client decodes binary in JSON (BJS), so a JSON caller sees,
// and can send, the text that stands for it.

import assert from 'node:assert/strict';

import { autobahnFlavours, check, inbox, pythonCallee, rejection, startTandemEcho, wampyFlavours, whenRegistered } from './peer.js';
import { BINARY, BINARY_IN_JSON, INTEGERS, NESTED, UNICODE } from './values.js';

const [autobahnJson, autobahnMsgpack, autobahnCbor] = autobahnFlavours;
const [wampyJson, wampyMsgpack, wampyCbor] = wampyFlavours;

const callees = [
  ['tcp', 'cbor'],
  ['tcp', 'msgpack'],
  ['unix', 'cbor'],
  ['unix', 'msgpack'],
];

for (const [transport, serializer] of callees) {
  const callee = `a ${serializer} RawSocket callee on ${transport}`;

  check(`autobahn-js JSON caller, ${callee} in Python: what arrives there`, async ({ t, uri }) => {
    const py = await pythonCallee(transport, serializer);
    const caller = await autobahnJson.join(t);
    const sent = [UNICODE, BINARY_IN_JSON, '\u0000not base64!', 2 ** 53, -1, 0.5, true, null];
    assert.deepEqual(await caller.call(py('types'), sent), [
      `str ${UNICODE}`,
      `bytes ${BINARY.toString('hex')}`,
      'str \u0000not base64!',
      'int 9007199254740992',
      'int -1',
      'float 0.5',
      'bool True',
      'NoneType None',
    ]);
  });

  check(`autobahn-js JSON caller, ${callee} in Python: what comes back`, async ({ t, uri }) => {
    const py = await pythonCallee(transport, serializer);
    const caller = await autobahnJson.join(t);
    const { args, kwargs } = await caller.call(py('vector'));
    assert.deepEqual(args, [BINARY_IN_JSON, UNICODE, 2 ** 53 - 1, 2 ** 53, Number(2n ** 63n - 1n)]);
    assert.deepEqual(kwargs, { nested: { bytes: BINARY_IN_JSON } });
    const echoed = await caller.call(py('echo'), [UNICODE, ...INTEGERS], NESTED);
    assert.deepEqual([echoed.args, echoed.kwargs], [[UNICODE, ...INTEGERS], NESTED]);
  });

  check(`autobahn-js JSON caller, ${callee} in Python: errors`, async ({ t, uri }) => {
    const py = await pythonCallee(transport, serializer);
    const caller = await autobahnJson.join(t);
    const error = await rejection(caller.call(py('fail'), [BINARY_IN_JSON, UNICODE], { limit: 2 ** 53 }));
    assert.equal(error.error, 'com.example.error.refused');
    assert.deepEqual(error.args, [BINARY_IN_JSON, UNICODE]);
    assert.deepEqual(error.kwargs, { limit: 2 ** 53 });
  });

  check(`wampy JSON caller, ${callee} in Python`, async ({ t, uri }) => {
    const py = await pythonCallee(transport, serializer);
    const caller = await wampyJson.join(t);
    const { argsList } = await caller.call(py('types'), [UNICODE, BINARY_IN_JSON, 2 ** 53]);
    assert.deepEqual(argsList, [[`str ${UNICODE}`, `bytes ${BINARY.toString('hex')}`, 'int 9007199254740992']]);
    const error = await rejection(caller.call(py('fail'), { argsList: [1], argsDict: { two: 2 } }));
    assert.equal(error.errorUri, 'com.example.error.refused');
    assert.deepEqual([error.argsList, error.argsDict], [[1], { two: 2 }]);
  });

  check(`autobahn-js JSON caller, ${callee} in Go`, async ({ t, uri }) => {
    const echo = startTandemEcho(t, transport, serializer, uri('echo'));
    const caller = await autobahnJson.join(t);
    const args = [UNICODE, BINARY_IN_JSON, ...INTEGERS];
    const result = await whenRegistered(echo, () => caller.call(uri('echo'), args, NESTED));
    assert.deepEqual([result.args, result.kwargs], [args, NESTED]);
  });
}

// Byte strings and integers as the JavaScript encoders write them.

check('autobahn-js CBOR caller, JSON callee in Python: bignum tags and byte strings', async ({ t, uri }) => {
  const py = await pythonCallee('ws', 'json');
  const caller = await autobahnCbor.join(t);
  assert.deepEqual(await caller.call(py('types'), [BINARY, 2n ** 63n - 1n, 2n ** 53n + 1n]), [
    `bytes ${BINARY.toString('hex')}`,
    'int 9223372036854775807',
    'int 9007199254740993',
  ]);
});

check('autobahn-js CBOR caller, MessagePack callee in Python: bignum tags and byte strings', async ({ t, uri }) => {
  const py = await pythonCallee('tcp', 'msgpack');
  const caller = await autobahnCbor.join(t);
  assert.deepEqual(await caller.call(py('types'), [BINARY, 2n ** 63n - 1n, -(2n ** 63n)]), [
    `bytes ${BINARY.toString('hex')}`,
    'int 9223372036854775807',
    'int -9223372036854775808',
  ]);
});

check('wampy MessagePack caller, CBOR callee in Python: 64-bit integers', async ({ t, uri }) => {
  const py = await pythonCallee('unix', 'cbor');
  const caller = await wampyMsgpack.join(t);
  const { argsList } = await caller.call(py('types'), [BINARY, 2n ** 63n - 1n, -(2n ** 63n)]);
  assert.deepEqual(argsList, [[`bytes ${BINARY.toString('hex')}`, 'int 9223372036854775807', 'int -9223372036854775808']]);
});

check('SER-12 wampy CBOR caller, JSON callee in Python: a typed array (tag 64) is its bytes', async ({ t, uri }) => {
  const py = await pythonCallee('ws', 'json');
  const caller = await wampyCbor.join(t);
  const { argsList } = await caller.call(py('types'), [new Uint8Array(BINARY)]);
  assert.deepEqual(argsList, [[`bytes ${BINARY.toString('hex')}`]]);
});

check('a wampy MessagePack publisher, autobahn-js JSON and CBOR subscribers', async ({ t, uri }) => {
  const [json, cbor, publisher] = [await autobahnJson.join(t), await autobahnCbor.join(t), await wampyMsgpack.join(t)];
  const [texts, bytes] = [inbox(), inbox()];
  await json.subscribe(uri('news'), (args) => texts.push(args));
  await cbor.subscribe(uri('news'), (args) => bytes.push(args));
  await publisher.publish(uri('news'), [BINARY, UNICODE, 2 ** 31]);
  assert.deepEqual(await texts.next(), [BINARY_IN_JSON, UNICODE, 2 ** 31]);
  assert.deepEqual(await bytes.next(), [BINARY, UNICODE, 2 ** 31]);
});

check('RET-09 wampy and autobahn-js get what autobahn-js had retained, each in its own serializer', async ({ t, uri }) => {
  const publisher = await autobahnCbor.join(t);
  const retain = { acknowledge: true, retain: true };
  await publisher.publish(uri('news'), [BINARY, UNICODE, ...INTEGERS], NESTED, retain);
  const [json, msgpack] = [await wampyJson.join(t), await wampyMsgpack.join(t)];
  for (const [session, binary] of [[json, (value) => value === BINARY_IN_JSON], [msgpack, (value) => BINARY.equals(value)]]) {
    const box = inbox();
    await session.subscribe(uri('news'), box.push, { get_retained: true });
    const { argsList: [first, ...rest], argsDict, details } = await box.next();
    assert.ok(binary(first));
    assert.deepEqual([rest.map(plain), argsDict, details.retained], [[UNICODE, ...INTEGERS], NESTED, true]);
  }
});

// wampy's MessagePack makes a BigInt of an integer beyond 2^53.
const plain = (value) => (typeof value === 'bigint' ? Number(value) : value);

check('PUB-13 a JSON subscriber and publishers of two serializers and clients: the order of each', async ({ t, uri }) => {
  const [subscriber, one, two] = [await autobahnJson.join(t), await autobahnCbor.join(t), await wampyMsgpack.join(t)];
  const events = inbox();
  await subscriber.subscribe(uri(''), ([name, i]) => events.push([name, i]), { match: 'prefix' });
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  for (const i of numbers) {
    one.publish(uri(`a${i % 3}`), ['one', i]);
    two.publish(uri(`b${i % 3}`), ['two', i]);
  }
  const seen = { one: [], two: [] };
  for (let i = 0; i < 400; i++) {
    const [name, number] = await events.next();
    seen[name].push(number);
  }
  assert.deepEqual(seen, { one: numbers, two: numbers });
});

check('SHR-06 round-robin over callees of three serializers and two clients', async ({ t, uri }) => {
  const [a, b, c] = [await autobahnMsgpack.join(t), await wampyCbor.join(t), await autobahnJson.join(t)];
  await a.register(uri('shared'), () => 'a', { invoke: 'roundrobin' });
  await b.register(uri('shared'), () => 'b', { invoke: 'roundrobin' });
  await c.register(uri('shared'), () => 'c', { invoke: 'roundrobin' });
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push(await a.call(uri('shared')));
  assert.deepEqual(answers, ['a', 'b', 'c', 'a', 'b', 'c']);
});
