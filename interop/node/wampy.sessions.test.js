// The meta APIs of sessions and subscriptions, testaments, and what a whole
// realm decides, as wampy.js sees them over WebSocket with each of its
// serializers. It writes large integers as floats (MET-06), and does not announce
// the revocation of subscriptions.
//
// The other suites join and subscribe at the same time, so a test looks at its
// own only; what ends all sessions has a realm of its own.

import assert from 'node:assert/strict';

import { inbox, over, rejection, wampyFlavours } from './peer.js';
import { NESTED, UNICODE } from './values.js';

const check = over(wampyFlavours);

const ALONE = 'alone.wampy';
const UNSUBSCRIBED = 35;
const payload = (argsList, argsDict) => ({ argsList, argsDict });
const ask = async (session, procedure, args = [], kwargs = {}) => (await session.call(`wamp.${procedure}`, payload(args, kwargs))).argsList?.[0];
const refusal = async (promise) => (await rejection(promise)).errorUri;
const publicly = (known) => Object.fromEntries(Object.entries(known).filter(([key]) => !key.startsWith('_')));
const idOf = (session) => Number(session.getSessionId()); // MessagePack makes it a BigInt
const nothing = () => {};

/** Subscribes to topics, and gives the inbox of [last part of the topic, ...args]. */
async function watch(session, ...topics) {
  const box = inbox();
  for (const topic of topics) await session.subscribe(topic, ({ argsList }) => box.push([topic.split('.').pop(), ...argsList]));
  return box;
}

check('SMA-03 SMA-05 SMA-06 MET-06 which sessions there are', async ({ join }) => {
  const [asker, other] = [await join(ALONE), await join(ALONE)];
  const { session, transport, ...known } = publicly(await ask(asker, 'session.get', [other.getSessionId()]));
  const { authid, authrole, authmethod, authprovider } = other.welcome;
  assert.equal(Number(session), idOf(other));
  assert.deepEqual(known, { authid, authrole, authmethod, authprovider });
  assert.equal(await ask(asker, 'session.count'), 2);
  assert.equal((await ask(asker, 'session.list', [['anonymous']])).length, 2);
  assert.deepEqual(await ask(asker, 'session.list', [[]]), []);
  assert.equal(await refusal(ask(asker, 'session.get', [2 ** 50])), 'wamp.error.no_such_session');
  assert.equal(await refusal(ask(asker, 'session.get', ['seven'])), 'wamp.error.invalid_argument');
});

check('SMA-03 SMA-04 SMA-17 sessions come and go in events', async ({ join }) => {
  const observer = await join(ALONE);
  const box = await watch(observer, 'wamp.session.on_join', 'wamp.session.on_leave');
  const other = await join(ALONE);
  const [id, known] = [other.getSessionId(), publicly(await ask(observer, 'session.get', [other.getSessionId()]))];
  await other.disconnect();
  assert.deepEqual(await box.next(), ['on_join', known]);
  assert.deepEqual(await box.next(), ['on_leave', id, known.authid, known.authrole]);
});

check('SMA-07 SMA-08 SMA-09 SMA-10 SMA-11 a session that is ended learns why', async ({ join }) => {
  const admin = await join(ALONE);
  const reason = 'com.example.reason';
  for (const [procedure, argument, answer] of [
    ['kill', (victim) => [victim.getSessionId()], () => undefined],
    ['kill_by_authid', (victim) => [victim.welcome.authid], (id) => [id]],
    ['kill_by_authrole', () => ['anonymous'], () => 1],
    ['kill_all', () => [], () => 1],
  ]) {
    const victim = await join(ALONE);
    const id = victim.getSessionId();
    assert.deepEqual(await ask(admin, `session.${procedure}`, argument(victim), { reason, message: UNICODE }), answer(id));
    await victim.closed;
    assert.deepEqual(victim.received.at(-1), [6, { message: UNICODE }, reason]);
  }
});

for (const [how, end] of [['leaves', (session) => session.disconnect()], ['is lost', (session) => session.lose()]]) {
  check(`TES-01 TES-05 TES-06 TES-07 TES-08 what a session that ${how} leaves behind`, async ({ join, uri }) => {
    const [heir, testator] = [await join(), await join()];
    const box = inbox();
    await heir.subscribe(uri('will'), ({ argsList, argsDict }) => box.push([argsList, argsDict]));
    await ask(testator, 'session.add_testament', [uri('will'), ['flushed'], {}]);
    assert.equal(await ask(testator, 'session.flush_testaments'), undefined);
    await ask(testator, 'session.add_testament', [uri('will'), [UNICODE], NESTED]);
    await ask(testator, 'session.add_testament', [uri('will'), ['first'], {}], { scope: 'detached' });
    const options = { eligible: [heir.getSessionId()] };
    await ask(testator, 'session.add_testament', [uri('will'), ['last'], {}], { publish_options: options });
    await end(testator);
    assert.deepEqual((await box.next())[0], ['first']);
    assert.deepEqual(await box.next(), [[UNICODE], NESTED]);
    assert.deepEqual((await box.next())[0], ['last']);
  });
}

check('UMA-06 UMA-07 UMA-09 which subscriptions there are', async ({ join, uri }) => {
  const [one, two] = [await join(), await join()];
  const { subscriptionId: id } = await one.subscribe(uri('a..c'), nothing, { match: 'wildcard' });
  await two.subscribe(uri('a..c'), nothing, { match: 'wildcard' });
  assert.ok((await ask(one, 'subscription.list')).wildcard.includes(id));
  assert.equal(await ask(one, 'subscription.lookup', [uri('a..c'), { match: 'wildcard' }]), id);
  assert.equal(await ask(one, 'subscription.lookup', [uri('a..c')]), null);
  assert.deepEqual(await ask(one, 'subscription.match', [uri('a.b.c')]), [id]);
  assert.equal(await ask(one, 'subscription.match', [uri('a.b')]), null);
  const { created, ...known } = await ask(one, 'subscription.get', [id]);
  assert.ok(Date.parse(created) <= Date.now());
  assert.deepEqual(known, { id, uri: uri('a..c'), match: 'wildcard' });
  assert.deepEqual(await ask(one, 'subscription.list_subscribers', [id]), [one.getSessionId(), two.getSessionId()]);
  assert.equal(await ask(one, 'subscription.count_subscribers', [id]), 2);
  assert.equal(await refusal(ask(one, 'subscription.get', [2 ** 50])), 'wamp.error.no_such_subscription');
});

check('UMA-01 UMA-02 UMA-03 the life of a subscription in events', async ({ join, uri }) => {
  const [observer, subscriber] = [await join(), await join()];
  const session = subscriber.getSessionId();
  const box = inbox();
  const take = ({ details, argsList }) => box.push([details.topic.split('.').pop(), ...argsList]);
  await observer.subscribe('wamp.subscription.on_', take, { match: 'prefix' });
  const { subscriptionId: id } = await subscriber.subscribe(uri('watched'), nothing);
  await subscriber.disconnect();
  const events = [];
  while (events.at(-1)?.[0] !== 'on_delete') {
    const [name, session, what] = await box.next();
    if ((what.id ?? what) === id) events.push([name, session, what.uri ?? null]);
  }
  assert.deepEqual(events, [
    ['on_create', session, uri('watched')],
    ['on_subscribe', session, null],
    ['on_unsubscribe', session, null],
    ['on_delete', session, null],
  ]);
});

check('SRV-01 SRV-03 SRV-04 a subscriber that did not announce revocation loses its subscription without a message', async ({ join, uri }) => {
  const [subscriber, admin] = [await join(), await join()];
  const [gone, kept] = [inbox(), inbox()];
  const { subscriptionId: id } = await subscriber.subscribe(uri('news'), gone.push);
  await subscriber.subscribe(uri('marker'), kept.push);
  assert.equal(await ask(admin, 'subscription.remove_subscriber', [id, subscriber.getSessionId()]), undefined);
  await admin.publish(uri('news'), ['late']);
  await admin.publish(uri('marker'), ['on time']);
  await kept.next();
  assert.equal(gone.size(), 0);
  assert.deepEqual(subscriber.received.filter(([type]) => type === UNSUBSCRIBED), []);
});

check('PUB-15 SMA-15 what a realm refuses', async ({ join, uri }) => {
  const [visitor, other] = [await join('guarded'), await join('guarded')];
  assert.equal(await refusal(visitor.publish(uri('news'), ['in vain'])), 'wamp.error.not_authorized');
  assert.equal(await refusal(ask(visitor, 'session.kill', [other.getSessionId()])), 'wamp.error.not_authorized');
  assert.equal(await refusal(ask(visitor, 'session.kill_all')), 'wamp.error.not_authorized');
});

check('PID-02 where nobody may say who publishes', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join('discreet'), await join('discreet')];
  const box = inbox();
  await subscriber.subscribe(uri('news'), box.push);
  const wish = publisher.publish(uri('news'), ['refused'], { disclose_me: true });
  assert.equal(await refusal(wish), 'wamp.error.option_disallowed.disclose_me');
  await publisher.publish(uri('news'), ['unknown']);
  const { argsList, details } = await box.next();
  assert.deepEqual([argsList, details], [['unknown'], {}]);
});

check('PID-03 PTL-01 where publishers are always known, and how much they are trusted', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join('open'), await join('open')];
  const box = inbox();
  await subscriber.subscribe(uri('news'), ({ details }) => box.push(details));
  await publisher.publish(uri('news'), ['open']);
  const { authid, authrole } = publisher.welcome;
  const identity = { publisher: publisher.getSessionId(), publisher_authid: authid, publisher_authrole: authrole };
  assert.deepEqual(await box.next(), { ...identity, trustlevel: 3 });
});

check('PUB-13 events keep their order', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('a'), box.push, { match: 'prefix' });
  await subscriber.subscribe(uri('z'), box.push);
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  await Promise.all(numbers.map((i) => publisher.publish(uri(i % 2 ? 'z' : 'a.b'), [i])));
  for (const i of numbers) assert.deepEqual((await box.next()).argsList, [i]);
});
