// The registration meta API, the revocation of registrations and extensions of
// REGISTER, as autobahn-js sees them over each of its transports and serializers.
//
// The other suites register at the same time, so a test looks at its own only.

import assert from 'node:assert/strict';

import { autobahnFlavours, inbox, over, rejection } from './peer.js';

const check = over(autobahnFlavours);

const CREATED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const [EVENT, REGISTERED, UNREGISTERED] = [36, 65, 67];
const ask = (session, procedure, ...args) => session.call(`wamp.registration.${procedure}`, args);
const refusal = async (promise) => (await rejection(promise)).error;

check('RMA-07 RMA-08 RMA-09 RMA-11 MET-05 a registration is found as soon as it is made', async ({ join, uri }) => {
  const [callee, other] = [await join(), await join()];
  const { id: exact } = await callee.register(uri('a.b.c'), () => null);
  const { id: prefix } = await callee.register(uri('a'), () => null, { match: 'prefix' });
  const { id: wildcard } = await callee.register(uri('.z'), () => null, { match: 'wildcard' });
  const list = await ask(other, 'list');
  assert.deepEqual(Object.keys(list).sort(), ['exact', 'prefix', 'wildcard']);
  assert.ok(list.exact.includes(exact) && list.prefix.includes(prefix) && list.wildcard.includes(wildcard));
  assert.equal(await ask(other, 'lookup', uri('a.b.c')), exact);
  assert.equal(await ask(other, 'lookup', uri('a'), { match: 'prefix' }), prefix);
  assert.equal(await ask(other, 'lookup', uri('.z'), { match: 'wildcard' }), wildcard);
  assert.equal(await ask(other, 'lookup', uri('a')), null);
  assert.equal(await ask(other, 'match', uri('a.b.c')), exact);
  assert.equal(await ask(other, 'match', uri('a.b')), prefix);
  assert.equal(await ask(other, 'match', uri('b.x.z')), null);
  assert.equal(await ask(other, 'match', uri('b.z')), wildcard);
  assert.equal(await ask(other, 'match', 'wamp.registration.match'), null);
});

check('RMA-06 RMA-10 RMA-12 what is known of a registration and its callees', async ({ join, uri }) => {
  const [one, two] = [await join(), await join()];
  const { id } = await one.register(uri('shared'), () => null, { match: 'prefix', invoke: 'roundrobin' });
  await two.register(uri('shared'), () => null, { match: 'prefix', invoke: 'roundrobin' });
  const { created, ...known } = await ask(two, 'get', id);
  assert.match(created, CREATED);
  assert.deepEqual(known, { id, uri: uri('shared'), match: 'prefix', invoke: 'roundrobin' });
  assert.deepEqual(await ask(two, 'list_callees', id), [one.id, two.id]);
  assert.equal(await ask(two, 'count_callees', id), 2);
  await one.goodbye();
  assert.deepEqual(await ask(two, 'list_callees', id), [two.id]);
});

check('MET-02 RMA-10 RPC-20 questions that have no answer', async ({ join }) => {
  const session = await join();
  for (const procedure of ['get', 'list_callees', 'count_callees']) {
    assert.equal(await refusal(ask(session, procedure, 2 ** 50)), 'wamp.error.no_such_registration');
    assert.equal(await refusal(ask(session, procedure)), 'wamp.error.invalid_argument');
  }
  assert.equal(await refusal(ask(session, 'lookup', 7)), 'wamp.error.invalid_argument');
  assert.equal(await refusal(ask(session, 'no_such')), 'wamp.error.no_such_procedure');
});

check('URI-06 URI-07 RPC-20 what is in the name of the router is the router\'s', async ({ join, uri }) => {
  const session = await join();
  for (const [name, match] of [['wamp.registration.list', 'exact'], ['wamp', 'exact'], ['wamp.my', 'prefix'], ['wamp..my', 'wildcard']]) {
    assert.equal(await refusal(session.register(name, () => null, { match })), 'wamp.error.invalid_uri');
  }
  const event = session.publish('wamp.registration.on_create', [session.id, {}], {}, { acknowledge: true });
  assert.equal(await refusal(event), 'wamp.error.invalid_uri');
});

/**
 * Subscribes to all events of registrations, and gives the function that awaits
 * the next that `mine` wants: its name, the session, the registration.
 */
async function watch(session) {
  const box = inbox();
  const take = (args, kwargs, { topic }) => box.push([topic.split('.').pop(), ...args]);
  await session.subscribe('wamp.registration.on_', take, { match: 'prefix' });
  return async (mine) => {
    for (;;) {
      const event = await box.next();
      if (mine(event)) return event;
    }
  };
}

check('RMA-01 RMA-02 RMA-03 ROU-60 the life of a registration in events', async ({ join, uri }) => {
  const [observer, one, two] = [await join(), await join(), await join()];
  const sessions = [one.id, two.id];
  const next = await watch(observer);
  const registration = await one.register(uri('watched'), () => null, { invoke: 'first' });
  await two.register(uri('watched'), () => null, { invoke: 'first' });
  await one.unregister(registration);
  await two.goodbye();

  const { id } = registration;
  const [name, session, { created, ...known }] = await next(([, , details]) => details.uri === uri('watched'));
  assert.match(created, CREATED);
  assert.deepEqual([name, session, known], ['on_create', sessions[0], { id, uri: uri('watched'), match: 'exact', invoke: 'first' }]);
  const events = [];
  while (events.at(-1)?.[0] !== 'on_delete') events.push(await next((event) => event[2] === id));
  assert.deepEqual(events, [
    ['on_register', sessions[0], id],
    ['on_register', sessions[1], id],
    ['on_unregister', sessions[0], id],
    ['on_unregister', sessions[1], id],
    ['on_delete', sessions[1], id],
  ]);
});

check('RMA-05 RMA-14 ROU-61 who caused an event receives it too, after the reply and when the state has changed', async ({ join, uri }) => {
  const session = await join();
  const next = await watch(session);
  const registration = await session.register(uri('own'), () => null);
  const { id } = registration;
  const own = (event) => event[2] === id;
  assert.deepEqual(await next(own), ['on_register', session.id, id]);
  assert.equal(await ask(session, 'count_callees', id), 1);
  await session.unregister(registration);
  assert.deepEqual(await next(own), ['on_unregister', session.id, id]);
  assert.equal(await refusal(ask(session, 'get', id)), 'wamp.error.no_such_registration');
  assert.deepEqual(await next(own), ['on_delete', session.id, id]);
  const when = (match) => session.received.findIndex(match);
  const event = (topic) => when(([type, , , details, args]) => type === EVENT && details.topic.endsWith(topic) && args[1] === id);
  assert.ok(when(([type]) => type === REGISTERED) < event('on_register'));
  assert.ok(when(([type]) => type === UNREGISTERED) < event('on_unregister'));
});

check('RRV-01 RRV-03 RRV-05 RRV-06 a callee learns that its registration was revoked, and why', async ({ join, uri }) => {
  const [callee, admin] = [await join(), await join()];
  const answers = inbox();
  const registration = await callee.register(uri('revoked'), () => new Promise(answers.push));
  const { id } = registration;
  const call = admin.call(uri('revoked'));
  const answer = await answers.next();
  const next = await watch(admin);
  const removed = await admin.call('wamp.registration.remove_callee', [id, callee.id], { reason: 'com.example.reason' });
  assert.equal(removed, null);
  assert.equal(await registration.on_unregister, 'com.example.reason');
  assert.equal(registration.active, false);
  assert.deepEqual(callee.received.at(-1), [UNREGISTERED, 0, { registration: id, reason: 'com.example.reason' }]);
  for (const event of ['on_unregister', 'on_delete']) {
    assert.deepEqual(await next((event) => event[2] === id), [event, callee.id, id]);
  }
  assert.equal(await refusal(admin.call(uri('revoked'))), 'wamp.error.no_such_procedure');
  answer('done before');
  assert.equal(await call, 'done before');
  const again = await callee.register(uri('revoked'), () => 'again');
  assert.notEqual(again.id, id);
  assert.equal(await admin.call(uri('revoked')), 'again');
});

check('RRV-01 RRV-06 of several callees one is removed, without a reason', async ({ join, uri }) => {
  const [one, two] = [await join(), await join()];
  const registration = await one.register(uri('shared'), () => 'one', { invoke: 'roundrobin' });
  await two.register(uri('shared'), () => 'two', { invoke: 'roundrobin' });
  await ask(two, 'remove_callee', registration.id, one.id);
  assert.equal(await registration.on_unregister, undefined);
  assert.deepEqual([await one.call(uri('shared')), await one.call(uri('shared'))], ['two', 'two']);
  assert.equal(await refusal(ask(two, 'remove_callee', registration.id, one.id)), 'wamp.error.no_such_registration');
});

// Options of REGISTER that other software invented; autobahn passes on what it does not know.

check('ROU-24 ROU-25 a callee learns that another has taken its procedure by force', async ({ join, uri }) => {
  const [callee, heir] = [await join(), await join()];
  const registration = await callee.register(uri('throne'), () => 'callee');
  const crowned = await heir.register(uri('throne'), () => 'heir', { force_reregister: true });
  assert.notEqual(crowned.id, registration.id);
  assert.equal(await registration.on_unregister, 'wamp.error.unregistered');
  assert.equal(await callee.call(uri('throne')), 'heir');
});

check('ROU-19 ROU-22 ROU-23 a callee takes as many calls at once as it says, the others wait', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const answers = inbox();
  await callee.register(uri('one.by.one'), ([n]) => new Promise((resolve) => answers.push(() => resolve(n))), { concurrency: 1 });
  const calls = [1, 2, 3].map((n) => caller.call(uri('one.by.one'), [n]));
  for (const [i, call] of calls.entries()) {
    const answer = await answers.next();
    await ask(caller, 'list');
    await ask(callee, 'list');
    assert.equal(answers.size(), 0);
    answer();
    assert.equal(await call, i + 1);
  }
});
