// The subscription meta API, the revocation of subscriptions, and what a whole
// realm decides about publications, as autobahn-js sees them over each of its
// transports and serializers.
//
// The other suites subscribe at the same time, so a test looks at its own only.

import assert from 'node:assert/strict';

import { autobahnFlavours, inbox, over, rejection } from './peer.js';

const check = over(autobahnFlavours);

const CREATED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const [EVENT, SUBSCRIBED, UNSUBSCRIBED] = [36, 33, 35];
const ACKNOWLEDGED = { acknowledge: true };
const ask = (session, procedure, ...args) => session.call(`wamp.subscription.${procedure}`, args);
const refusal = async (promise) => (await rejection(promise)).error;
const nothing = () => {};

check('UMA-07 MET-05 a subscription is found as soon as it is made', async ({ join, uri }) => {
  const [subscriber, other] = [await join(), await join()];
  const { id: exact } = await subscriber.subscribe(uri('a.b.c'), nothing);
  const { id: prefix } = await subscriber.subscribe(uri('a'), nothing, { match: 'prefix' });
  const { id: wildcard } = await subscriber.subscribe(uri('a..c'), nothing, { match: 'wildcard' });
  const list = await ask(other, 'list');
  assert.deepEqual(Object.keys(list).sort(), ['exact', 'prefix', 'wildcard']);
  assert.ok(list.exact.includes(exact) && list.prefix.includes(prefix) && list.wildcard.includes(wildcard));
  assert.equal(await ask(other, 'lookup', uri('a.b.c')), exact);
  assert.equal(await ask(other, 'lookup', uri('a'), { match: 'prefix' }), prefix);
  assert.equal(await ask(other, 'lookup', uri('a')), null);
  assert.deepEqual(await ask(other, 'match', uri('a.b.c')), [exact, prefix, wildcard]);
  assert.deepEqual(await ask(other, 'match', uri('a.z')), [prefix]);
  assert.equal(await ask(other, 'match', uri('b')), null);
});

check('UMA-06 UMA-07 UMA-09 what is known of a subscription and its subscribers', async ({ join, uri }) => {
  const [one, two] = [await join(), await join()];
  const { id } = await one.subscribe(uri('news'), nothing, { match: 'wildcard' });
  await two.subscribe(uri('news'), nothing, { match: 'wildcard' });
  const { created, ...known } = await ask(two, 'get', id);
  assert.match(created, CREATED);
  assert.deepEqual(known, { id, uri: uri('news'), match: 'wildcard' });
  assert.deepEqual(await ask(two, 'list_subscribers', id), [one.id, two.id]);
  assert.equal(await ask(two, 'count_subscribers', id), 2);
  await one.goodbye();
  assert.deepEqual(await ask(two, 'list_subscribers', id), [two.id]);
});

check('MET-02 UMA-07 questions that have no answer', async ({ join }) => {
  const session = await join();
  for (const procedure of ['get', 'list_subscribers', 'count_subscribers']) {
    assert.equal(await refusal(ask(session, procedure, 2 ** 50)), 'wamp.error.no_such_subscription');
    assert.equal(await refusal(ask(session, procedure)), 'wamp.error.invalid_argument');
  }
  assert.equal(await refusal(ask(session, 'lookup', 7)), 'wamp.error.invalid_argument');
});

/** Subscribes to all events of subscriptions, and gives the function that awaits the next about one of them. */
async function watch(session) {
  const box = inbox();
  const take = (args, kwargs, { topic }) => box.push([topic.split('.').pop(), ...args]);
  await session.subscribe('wamp.subscription.on_', take, { match: 'prefix' });
  return async (id, uri) => {
    for (;;) {
      const event = await box.next();
      if (event[2] === id || (uri && event[2].uri === uri)) return event;
    }
  };
}

check('UMA-01 UMA-02 UMA-03 the life of a subscription in events', async ({ join, uri }) => {
  const [observer, one, two] = [await join(), await join(), await join()];
  const sessions = [one.id, two.id];
  const next = await watch(observer);
  const subscription = await one.subscribe(uri('watched'), nothing);
  await two.subscribe(uri('watched'), nothing);
  await two.subscribe(uri('watched'), () => 'again');
  await one.unsubscribe(subscription);
  await two.goodbye();

  const { id } = subscription;
  const [name, session, { created, ...known }] = await next(id, uri('watched'));
  assert.match(created, CREATED);
  assert.deepEqual([name, session, known], ['on_create', sessions[0], { id, uri: uri('watched'), match: 'exact' }]);
  const events = [];
  while (events.at(-1)?.[0] !== 'on_delete') events.push(await next(id));
  assert.deepEqual(events, [
    ['on_subscribe', sessions[0], id],
    ['on_subscribe', sessions[1], id],
    ['on_unsubscribe', sessions[0], id],
    ['on_unsubscribe', sessions[1], id],
    ['on_delete', sessions[1], id],
  ]);
});

check('UMA-05 who caused an event receives it too, after the reply', async ({ join, uri }) => {
  const session = await join();
  const next = await watch(session);
  const subscription = await session.subscribe(uri('own'), nothing);
  const { id } = subscription;
  assert.deepEqual(await next(id), ['on_subscribe', session.id, id]);
  await session.unsubscribe(subscription);
  assert.deepEqual(await next(id), ['on_unsubscribe', session.id, id]);
  assert.deepEqual(await next(id), ['on_delete', session.id, id]);
  const when = (match) => session.received.findLastIndex(match);
  const event = (topic) => when(([type, , , details, args]) => type === EVENT && details.topic.endsWith(topic) && args[1] === id);
  assert.ok(when(([type]) => type === SUBSCRIBED) < event('.on_subscribe'));
  assert.ok(when(([type]) => type === UNSUBSCRIBED) < event('.on_unsubscribe'));
});

check('SRV-01 SRV-02 SRV-03 SRV-04 a subscriber learns that its subscription was revoked, and why', async ({ join, uri }) => {
  const [subscriber, admin] = [await join(), await join()];
  const [gone, kept] = [inbox(), inbox()];
  const subscription = await subscriber.subscribe(uri('news'), gone.push);
  await subscriber.subscribe(uri('marker'), kept.push);
  const { id } = subscription;
  const next = await watch(admin);
  const args = [id, subscriber.id];
  assert.equal(await admin.call('wamp.subscription.remove_subscriber', args, { reason: 'com.example.reason' }), null);
  assert.equal(await subscription.on_unsubscribe, 'com.example.reason');
  assert.equal(subscription.active, false);
  assert.deepEqual(subscriber.received.at(-1), [UNSUBSCRIBED, 0, { subscription: id, reason: 'com.example.reason' }]);
  for (const event of ['on_unsubscribe', 'on_delete']) assert.deepEqual(await next(id), [event, subscriber.id, id]);
  admin.publish(uri('news'), ['late']);
  admin.publish(uri('marker'), ['on time']);
  await kept.next();
  assert.equal(gone.size(), 0);
  assert.notEqual((await subscriber.subscribe(uri('news'), gone.push)).id, id);
});

check('SRV-01 SRV-02 of several subscribers one is removed, without a reason', async ({ join, uri }) => {
  const [one, two] = [await join(), await join()];
  const box = inbox();
  const subscription = await one.subscribe(uri('news'), nothing);
  await two.subscribe(uri('news'), box.push);
  await ask(two, 'remove_subscriber', subscription.id, one.id);
  assert.equal(await subscription.on_unsubscribe, undefined);
  one.publish(uri('news'), ['still']);
  assert.deepEqual(await box.next(), ['still']);
  assert.equal(await refusal(ask(two, 'remove_subscriber', subscription.id, one.id)), 'wamp.error.no_such_subscription');
  assert.equal(await refusal(ask(two, 'remove_subscriber', subscription.id, 2 ** 50)), 'wamp.error.no_such_session');
});

check('PUB-06 PUB-15 who may not publish learns it if it asks', async ({ join, uri }) => {
  const visitor = await join('guarded');
  visitor.publish(uri('news'), ['nobody answers']);
  assert.equal(await refusal(visitor.publish(uri('news'), [], {}, ACKNOWLEDGED)), 'wamp.error.not_authorized');
  assert.equal(await refusal(visitor.publish('wamp.my', [], {}, ACKNOWLEDGED)), 'wamp.error.invalid_uri');
  assert.equal(visitor.received.length, 2);
});

check('PID-02 where nobody may say who publishes', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join('discreet'), await join('discreet')];
  const box = inbox();
  await subscriber.subscribe(uri('news'), (args, kwargs, details) => box.push([...args, details.publisher]));
  publisher.publish(uri('news'), ['dropped'], {}, { disclose_me: true });
  const wish = publisher.publish(uri('news'), ['refused'], {}, { ...ACKNOWLEDGED, disclose_me: true });
  assert.equal(await refusal(wish), 'wamp.error.option_disallowed.disclose_me');
  publisher.publish(uri('news'), ['unknown']);
  assert.deepEqual(await box.next(), ['unknown', undefined]);
});

check('PID-03 PTL-01 PTL-02 where publishers are always known, and how much they are trusted', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join('open'), await join('open')];
  const box = inbox();
  await subscriber.subscribe(uri('news'), (args, kwargs, details) => box.push(details));
  publisher.publish(uri('news'), [], {}, { trustlevel: 9 });
  const { publisher: id, publisher_authid: authid } = await box.next();
  assert.deepEqual([id, authid], [publisher.id, publisher.welcome.authid]);
  assert.equal(subscriber.received.at(-1)[3].trustlevel, 3);
});

check('PUB-13 PBS-08 events keep their order across topics and patterns', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  const collect = (name) => ([i]) => box.push(`${i} ${name}`);
  await subscriber.subscribe(uri('a.'), collect('wildcard'), { match: 'wildcard' });
  await subscriber.subscribe(uri('a'), collect('longer prefix'), { match: 'prefix' });
  await subscriber.subscribe(uri(''), collect('prefix'), { match: 'prefix' });
  await subscriber.subscribe(uri('a.b'), collect('exact'));
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  for (const i of numbers) publisher.publish(uri(i % 2 ? 'c' : 'a.b'), [i]);
  for (const i of numbers) {
    const names = i % 2 ? ['prefix'] : ['exact', 'prefix', 'longer prefix', 'wildcard'];
    for (const name of names) assert.equal(await box.next(), `${i} ${name}`);
  }
});
