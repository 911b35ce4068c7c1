// Retained events, sharded subscriptions and registrations as autobahn-js sees
// them over each of its transports and serializers. It knows of none of them, but
// passes on the options that it is given, and the detail `retained`.

import assert from 'node:assert/strict';

import { autobahnFlavours, inbox, over } from './peer.js';
import { INTEGERS, NESTED, UNICODE } from './values.js';

const check = over(autobahnFlavours);

const [SUBSCRIBED, EVENT] = [33, 36];
const RETAIN = { acknowledge: true, retain: true };

/** Subscribes, and gives the inbox in which what was retained comes first. */
async function retained(session, topic, options = {}) {
  const box = inbox();
  await session.subscribe(topic, (args, kwargs, details) => box.push({ args, kwargs, details }), { get_retained: true, ...options });
  return box;
}

check('RET-01 RET-03 RET-09 RET-13 RET-15 a retained event comes before others, as it was published', async ({ join, uri }) => {
  const [publisher, subscriber] = [await join(), await join()];
  await publisher.publish(uri('news'), ['older'], {}, RETAIN);
  const { id } = await publisher.publish(uri('news'), [UNICODE, ...INTEGERS], NESTED, RETAIN);
  const box = await retained(subscriber, uri('news'));
  await publisher.publish(uri('news'), ['live'], {}, { acknowledge: true });
  const { args, kwargs, details } = await box.next();
  assert.deepEqual([args, kwargs], [[UNICODE, ...INTEGERS], NESTED]);
  assert.deepEqual([details.publication, details.retained], [id, true]);
  const live = await box.next();
  assert.deepEqual([live.args, live.details.retained], [['live'], false]);
  assert.deepEqual(subscriber.received.map(([type]) => type), [SUBSCRIBED, EVENT, EVENT]);
});

check('RET-07 A-32 the retained events of a pattern', async ({ join, uri }) => {
  const [publisher, subscriber] = [await join(), await join()];
  for (const topic of ['b.x', 'a.x', 'c.y', 'b.x']) await publisher.publish(uri(topic), [], {}, RETAIN);
  for (const [match, pattern, topics] of [['prefix', '', ['a.x', 'c.y', 'b.x']], ['wildcard', '.x', ['a.x', 'b.x']]]) {
    const box = await retained(subscriber, uri(pattern), { match });
    for (const topic of topics) assert.equal((await box.next()).details.topic, uri(topic));
  }
});

check('RET-04 RET-05 RET-06 BWL-09 who may have a retained event', async ({ join, uri }) => {
  const [publisher, one, two] = [await join(), await join(), await join()];
  await publisher.publish(uri('news'), ['all'], {}, RETAIN);
  await publisher.publish(uri('news'), ['one'], {}, { ...RETAIN, eligible: [one.id] });
  await publisher.publish(uri('news'), ['nobody'], {}, { ...RETAIN, eligible: [] });
  assert.deepEqual((await (await retained(one, uri('news'))).next()).args, ['one']);
  assert.deepEqual((await (await retained(two, uri('news'))).next()).args, ['all']);
  const own = await retained(publisher, uri('news'));
  await two.publish(uri('news'), ['live'], {}, RETAIN);
  assert.deepEqual((await own.next()).args, ['live']);
});

check('RET-02 where nothing is retained', async ({ join, uri }) => {
  const [publisher, subscriber] = [await join('forgetful'), await join('forgetful')];
  await publisher.publish(uri('news'), ['forgotten'], {}, RETAIN);
  const box = await retained(subscriber, uri('news'));
  await publisher.publish(uri('news'), ['live'], {}, RETAIN);
  assert.deepEqual((await box.next()).args, ['live']);
});

check('SSB-03 SSB-04 a publication with a key goes to one shard, and to those that are in none', async ({ join, uri }) => {
  const publisher = await join('sharded');
  const members = [];
  for (const nkey of ['a', 'a', 'b', undefined]) {
    const [session, box] = [await join('sharded'), inbox()];
    const { id } = await session.subscribe(uri('news'), ([i]) => box.push(i), nkey && { nkey });
    members.push({ id, box });
  }
  assert.equal(new Set(members.map(({ id }) => id)).size, 1);
  const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  for (const rkey of keys) await publisher.publish(uri('news'), [rkey], {}, { acknowledge: true, rkey });
  await publisher.publish(uri('news'), ['to all'], {}, { acknowledge: true });
  const [a, twin, b, all] = await Promise.all(members.map(({ box }) => upTo(box, 'to all')));
  assert.deepEqual(a, twin);
  assert.deepEqual(all, keys);
  assert.deepEqual([...a, ...b].toSorted(), keys.toSorted());
  assert.ok(a.length > 0 && b.length > 0);
});

async function upTo(box, last) {
  const events = [];
  for (;;) {
    const event = await box.next();
    if (event === last) return events;
    events.push(event);
  }
}

check('SHD-02 SHD-03 calls with a key go where the key belongs', async ({ join, uri }) => {
  const [one, two, caller] = [await join('sharded'), await join('sharded'), await join('sharded')];
  await one.register(uri('query'), () => 'one', { invoke: 'roundrobin' });
  await two.register(uri('query'), () => 'two', { invoke: 'roundrobin' });
  const answers = new Set();
  for (let i = 0; i < 20; i++) {
    const ask = () => caller.call(uri('query'), [], {}, { runmode: 'partition', rkey: `key ${i}` });
    const answer = await ask();
    assert.equal(await ask(), answer);
    answers.add(answer);
  }
  assert.equal(answers.size, 2);
});

check('SSB-01 elsewhere keys do not matter', async ({ join, uri }) => {
  const [publisher, subscriber] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('news'), ([i]) => box.push(i), { nkey: 'a' });
  await subscriber.subscribe(uri('other'), ([i]) => box.push(i), { nkey: 'b' });
  for (const i of [1, 2, 3]) publisher.publish(uri(i % 2 ? 'news' : 'other'), [i], {}, { rkey: `key ${i}` });
  for (const i of [1, 2, 3]) assert.equal(await box.next(), i);
});
