// The registration meta API as wampy.js sees it over WebSocket with each of its
// serializers. It writes large integers as floats (MET-06), and does not announce
// the revocation of registrations.
//
// The other suites register at the same time, so a test looks at its own only.

import assert from 'node:assert/strict';

import { inbox, over, rejection, wampyFlavours } from './peer.js';

const check = over(wampyFlavours);

const [EVENT_TOPIC, UNREGISTERED] = ['wamp.registration.on_', 67];
const ask = async (session, procedure, ...args) => (await session.call(`wamp.registration.${procedure}`, args)).argsList?.[0];
const refusal = async (promise) => (await rejection(promise)).errorUri;

check('RMA-06 RMA-07 RMA-08 RMA-09 RMA-10 RMA-12 what is registered', async ({ join, uri }) => {
  const [one, two] = [await join(), await join()];
  const options = { match: 'wildcard', invoke: 'last' };
  const { registrationId: id } = await one.register(uri('a..c'), () => null, options);
  await two.register(uri('a..c'), () => null, options);
  const { exact, prefix, wildcard } = await ask(one, 'list');
  assert.deepEqual([Array.isArray(exact), Array.isArray(prefix), wildcard.includes(id)], [true, true, true]);
  assert.equal(await ask(one, 'lookup', uri('a..c'), { match: 'wildcard' }), id);
  assert.equal(await ask(one, 'lookup', uri('a..c')), null);
  assert.equal(await ask(one, 'match', uri('a.b.c')), id);
  assert.equal(await ask(one, 'match', uri('a.b')), null);
  const { created, ...known } = await ask(one, 'get', id);
  assert.ok(Date.parse(created) <= Date.now());
  assert.deepEqual(known, { id, uri: uri('a..c'), match: 'wildcard', invoke: 'last' });
  assert.deepEqual(await ask(one, 'list_callees', id), [one.getSessionId(), two.getSessionId()]);
  assert.equal(await ask(one, 'count_callees', id), 2);
});

check('MET-02 MET-06 RMA-10 questions that have no answer', async ({ join }) => {
  const session = await join();
  for (const procedure of ['get', 'list_callees', 'count_callees']) {
    assert.equal(await refusal(ask(session, procedure, 2 ** 52)), 'wamp.error.no_such_registration');
    assert.equal(await refusal(ask(session, procedure, 'seven')), 'wamp.error.invalid_argument');
  }
});

check('RMA-01 RMA-02 RMA-03 ROU-60 the life of a registration in events', async ({ join, uri }) => {
  const [observer, callee] = [await join(), await join()];
  const session = callee.getSessionId();
  const box = inbox();
  await observer.subscribe(EVENT_TOPIC, ({ details, argsList }) => box.push([details.topic, ...argsList]), { match: 'prefix' });
  const { registrationId: id } = await callee.register(uri('watched'), () => null);
  await callee.disconnect();
  const events = [];
  while (events.at(-1)?.[0] !== 'wamp.registration.on_delete') {
    const [topic, session, what] = await box.next();
    if ((what.id ?? what) === id) events.push([topic, session, what.uri ?? null]);
  }
  assert.deepEqual(events, [
    ['wamp.registration.on_create', session, uri('watched')],
    ['wamp.registration.on_register', session, null],
    ['wamp.registration.on_unregister', session, null],
    ['wamp.registration.on_delete', session, null],
  ]);
});

check('RRV-02 RRV-06 a callee that did not announce revocation loses its registration without a message', async ({ join, uri }) => {
  const [callee, admin] = [await join(), await join()];
  const { registrationId: id } = await callee.register(uri('revoked'), () => 'here');
  const payload = { argsList: [id, callee.getSessionId()], argsDict: { reason: 'com.example.reason' } };
  assert.equal((await admin.call('wamp.registration.remove_callee', payload)).argsList, undefined);
  assert.equal(await refusal(callee.call(uri('revoked'))), 'wamp.error.no_such_procedure');
  assert.deepEqual(callee.received.filter(([type]) => type === UNREGISTERED), []);
});
