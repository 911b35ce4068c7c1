// The session meta API and testaments, as autobahn-js sees them over each of its
// transports and serializers.
//
// The other suites join and leave at the same time, so a test looks at its own
// sessions only; what counts or ends all sessions has a realm of its own.

import assert from 'node:assert/strict';

import { autobahnFlavours, inbox, over, rejection } from './peer.js';
import { NESTED, UNICODE } from './values.js';

const check = over(autobahnFlavours);

const ALONE = 'alone.autobahn';
const ask = (session, procedure, args = [], kwargs = {}) => session.call(`wamp.session.${procedure}`, args, kwargs);
const refusal = async (promise) => (await rejection(promise)).error;
const identity = ({ authid, authrole, authmethod, authprovider }) => ({ authid, authrole, authmethod, authprovider });
const publicly = (known) => Object.fromEntries(Object.entries(known).filter(([key]) => !key.startsWith('_')));

/** Subscribes to topics, and gives the inbox of [last part of the topic, ...args]. */
async function watch(session, ...topics) {
  const box = inbox();
  for (const topic of topics) await session.subscribe(topic, (args, kwargs, details) => box.push([details.topic.split('.').pop(), ...args]));
  return box;
}

/** The next event that is about a session. */
async function about(id, box) {
  for (;;) {
    const event = await box.next();
    if ((event[1].session ?? event[1]) === id) return event;
  }
}

check('SMA-03 SMA-06 what is known of a session', async ({ join }) => {
  const [asker, other] = [await join(), await join()];
  const { transport, ...known } = publicly(await ask(asker, 'get', [other.id]));
  assert.deepEqual(known, { session: other.id, ...identity(other.welcome) });
});

check('SMA-02 SMA-05 the sessions of a realm, and of some roles', async ({ join }) => {
  const [one, two] = [await join(ALONE), await join(ALONE)];
  const sorted = (ids) => ids.toSorted((a, b) => a - b);
  const ids = sorted([one.id, two.id]);
  for (const args of [[], [['anonymous', 'nobody']]]) {
    assert.deepEqual(sorted(await ask(one, 'list', args)), ids);
    assert.equal(await ask(one, 'count', args), 2);
  }
  for (const roles of [[], ['nobody']]) {
    assert.deepEqual(await ask(one, 'list', [roles]), []);
    assert.equal(await ask(one, 'count', [roles]), 0);
  }
});

check('SMA-03 SMA-04 SMA-17 sessions come and go in events', async ({ join }) => {
  const observer = await join();
  const box = await watch(observer, 'wamp.session.on_join', 'wamp.session.on_leave');
  const other = await join();
  const known = publicly(await ask(observer, 'get', [other.id]));
  await other.goodbye();
  assert.deepEqual(await about(known.session, box), ['on_join', known]);
  assert.deepEqual(await about(known.session, box), ['on_leave', known.session, known.authid, known.authrole]);
});

check('SMA-07 SMA-14 who cannot be ended', async ({ join }) => {
  const [admin, spared] = [await join(), await join()];
  assert.equal(await refusal(ask(admin, 'kill', [admin.id])), 'wamp.error.no_such_session');
  assert.equal(await refusal(ask(admin, 'kill', [2 ** 50])), 'wamp.error.no_such_session');
  assert.equal(await refusal(ask(admin, 'kill', ['seven'])), 'wamp.error.invalid_argument');
  assert.equal(await refusal(ask(admin, 'kill')), 'wamp.error.invalid_argument');
  assert.equal(await refusal(ask(admin, 'kill', [spared.id], { reason: 'because of that' })), 'wamp.error.invalid_uri');
  assert.equal((await ask(admin, 'get', [spared.id])).session, spared.id);
});

check('SMA-07 SMA-08 SMA-09 a session that is ended learns why', async ({ join }) => {
  const [admin, one, two] = [await join(), await join(), await join()];
  const left = await watch(admin, 'wamp.session.on_leave');
  const [id, other, { authid }] = [one.id, two.id, two.welcome];
  assert.equal(await ask(admin, 'kill', [id], { reason: 'com.example.reason', message: UNICODE }), null);
  assert.equal((await one.closed).reason, 'com.example.reason');
  assert.deepEqual(one.received.at(-1), [6, { message: UNICODE }, 'com.example.reason']);
  assert.deepEqual((await about(id, left)).slice(0, 2), ['on_leave', id]);
  assert.deepEqual(await ask(admin, 'kill_by_authid', [authid]), [other]);
  assert.equal((await two.closed).reason, 'wamp.close.killed');
  assert.deepEqual(two.received.at(-1), [6, {}, 'wamp.close.killed']);
});

check('SMA-10 all other sessions of a role are ended', async ({ join }) => {
  const [admin, victim] = [await join(ALONE), await join(ALONE)];
  assert.equal(await ask(admin, 'kill_by_authrole', ['nobody']), 0);
  assert.equal(await ask(admin, 'kill_by_authrole', ['anonymous']), 1);
  assert.equal((await victim.closed).reason, 'wamp.close.killed');
});

check('SMA-11 SMA-12 TES-07 all other sessions are ended, and nobody hears of it', async ({ join, uri }) => {
  const [admin, victim] = [await join(ALONE), await join(ALONE)];
  const box = await watch(admin, uri('will'), 'wamp.session.on_leave', 'wamp.session.on_join', 'wamp.registration.on_delete');
  await victim.register(uri('work'), () => null);
  await ask(victim, 'add_testament', [uri('will'), ['left behind'], {}]);
  assert.equal(await ask(admin, 'kill_all', [], { reason: 'com.example.reason' }), 1);
  assert.equal((await victim.closed).reason, 'com.example.reason');
  assert.equal(await refusal(admin.call(uri('work'))), 'wamp.error.no_such_procedure');
  const next = await join(ALONE);
  const [name, { session }] = await box.next();
  assert.deepEqual([name, session], ['on_join', next.id]);
});

check('SMA-15 not everybody may end sessions', async ({ join }) => {
  const [visitor, other] = [await join('guarded'), await join('guarded')];
  for (const [procedure, args] of [['kill', [other.id]], ['kill_by_authid', ['x']], ['kill_by_authrole', ['x']], ['kill_all', []]]) {
    assert.equal(await refusal(ask(visitor, procedure, args)), 'wamp.error.not_authorized');
  }
  assert.ok(await ask(visitor, 'count') >= 2);
});

for (const [how, end] of [['leaves', (session) => session.goodbye()], ['is lost', (session) => session.lose()]]) {
  check(`TES-01 TES-05 TES-07 TES-08 what a session that ${how} leaves behind`, async ({ join, uri }) => {
    const [heir, testator] = [await join(), await join()];
    const box = inbox();
    await heir.subscribe(uri('will'), (args, kwargs) => box.push([args, kwargs]));
    await ask(testator, 'add_testament', [uri('will'), [UNICODE], NESTED]);
    await ask(testator, 'add_testament', [uri('will'), ['first'], {}], { scope: 'detached' });
    await ask(testator, 'add_testament', [uri('will'), ['nobody'], {}], { publish_options: { eligible: [] } });
    await ask(testator, 'add_testament', [uri('will'), ['last'], {}], { publish_options: { eligible: [heir.id] } });
    end(testator);
    const events = [await box.next(), await box.next(), await box.next()];
    assert.deepEqual(events, [[['first'], {}], [[UNICODE], NESTED], [['last'], {}]]);
  });
}

check('TES-02 TES-03 TES-06 what is flushed is not left behind', async ({ join, uri }) => {
  const [heir, testator] = [await join(), await join()];
  const box = await watch(heir, uri('will'));
  for (const scope of ['destroyed', 'detached']) await ask(testator, 'add_testament', [uri('will'), [scope], {}], { scope });
  assert.equal(await ask(testator, 'flush_testaments', [], { scope: 'detached' }), null);
  assert.equal(await refusal(ask(testator, 'flush_testaments', [], { scope: 'all' })), 'wamp.error.invalid_argument');
  await testator.goodbye();
  assert.deepEqual(await box.next(), ['will', 'destroyed']);
  assert.equal(box.size(), 0);
});

check('TES-10 TES-11 what cannot be left behind', async ({ join, uri }) => {
  const [testator, visitor] = [await join(), await join('guarded')];
  assert.equal(await refusal(ask(testator, 'add_testament', ['no uri', [], {}])), 'wamp.error.invalid_uri');
  assert.equal(await refusal(ask(testator, 'add_testament', ['wamp.session.on_join', [], {}])), 'wamp.error.invalid_uri');
  assert.equal(await refusal(ask(testator, 'add_testament', [uri('will'), 'text', {}])), 'wamp.error.invalid_argument');
  assert.equal(await refusal(ask(visitor, 'add_testament', [uri('will'), [], {}])), 'wamp.error.not_authorized');
});
