// The history of events as both JavaScript clients see it: the call of
// wamp.subscription.get_events has one positional result for each event.
//
// One history is of all topics below `interop.`, so a test asks for the events
// of its own topics only.

import assert from 'node:assert/strict';

import { autobahnFlavours, over, rejection, wampyFlavours } from './peer.js';
import { NESTED, UNICODE } from './values.js';

const REALM = 'remembering';
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

// What the tests need of a session, in the words of each client.
const clients = [
  {
    check: over(autobahnFlavours),
    publish: async (session, uri, args, kwargs) => (await session.publish(uri, args, kwargs, { acknowledge: true })).id,
    call: async (session, uri, args, kwargs) => {
      const result = await session.call(uri, args, kwargs);
      return result?.args ?? [result];
    },
    errorOf: ({ error }) => error,
  },
  {
    check: over(wampyFlavours),
    publish: async (session, uri, argsList, argsDict) => (await session.publish(uri, { argsList, argsDict })).publicationId,
    call: async (session, uri, argsList, argsDict) => (await session.call(uri, { argsList, argsDict })).argsList ?? [],
    errorOf: ({ errorUri }) => errorUri,
  },
];

for (const { check, publish, call, errorOf } of clients) {
  const lookup = async (session) => (await call(session, 'wamp.subscription.lookup', ['interop.', { match: 'prefix' }], {}))[0];
  const ask = (session, id, query) => call(session, 'wamp.subscription.get_events', [id], query);

  check('EVH-01 EVH-02 EVH-05 EVH-06 EVH-13 what was published before anybody asked', async ({ join, uri }) => {
    const [publisher, reader] = [await join(REALM), await join(REALM)];
    const publication = await publish(publisher, uri('news'), [UNICODE, 7], NESTED);
    await publish(publisher, uri('other'), ['not this'], {});
    const id = await lookup(reader);
    const events = await ask(reader, id, { topic: uri('news') });
    assert.equal(events.length, 1);
    const [{ timestamp, subscription, publication: found, args, kwargs }] = events;
    assert.match(timestamp, TIMESTAMP);
    assert.deepEqual([subscription, found, args, kwargs], [id, publication, [UNICODE, 7], NESTED]);
  });

  check('EVH-03 EVH-04 EVH-08 A-31 queries', async ({ join, uri }) => {
    const session = await join(REALM);
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await publish(session, uri('news'), [i], {}));
    const id = await lookup(session);
    const numbers = async (query) => (await ask(session, id, { topic: uri('news'), ...query })).map(({ args: [i] }) => i);
    assert.deepEqual(await numbers({}), [0, 1, 2, 3, 4]);
    assert.deepEqual(await numbers({ limit: 2 }), [0, 1]);
    assert.deepEqual(await numbers({ limit: 2, reverse: true }), [4, 3]);
    assert.deepEqual(await numbers({ after_publication: ids[1], until_publication: ids[3] }), [2, 3]);
    assert.deepEqual(await numbers({ from_publication: ids[3] }), [3, 4]);
    assert.deepEqual(await numbers({ before_publication: ids[1] }), [0]);
    assert.deepEqual(await numbers({ after_time: '2001-02-03T04:05:06+07:00' }), [0, 1, 2, 3, 4]);
    assert.deepEqual(await numbers({ until_time: '2001-02-03T04:05:06Z' }), []);
  });

  check('EVH-12 EVH-14 questions that have no answer', async ({ join }) => {
    const session = await join(REALM);
    const id = await lookup(session);
    assert.equal(errorOf(await rejection(ask(session, 2 ** 50, {}))), 'wamp.error.no_such_subscription');
    for (const query of [{ limit: -1 }, { reverse: 1 }, { from_time: 'now' }, { after_publication: 'x' }]) {
      assert.equal(errorOf(await rejection(ask(session, id, query))), 'wamp.error.invalid_argument');
    }
  });
}
