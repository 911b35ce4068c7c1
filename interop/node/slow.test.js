// Subscribers that do not read what is sent to them, with publishers and other
// subscribers that must not suffer from it.

import assert from 'node:assert/strict';

import { autobahnFlavours, check, inbox, wampyFlavours } from './peer.js';

const [autobahnJson, , autobahnCbor, autobahnTcp] = autobahnFlavours;
const [wampyJson, wampyMsgpack, wampyCbor] = wampyFlavours;

const EVENTS = 400; // of this size: more than a queue and the buffers of a connection take
const FILLER = 'x'.repeat(60_000);
const ACKNOWLEDGED = { acknowledge: true };

/** Publishes numbered events one after the other to a subscriber that reads them and one that does not. */
async function flood(t, uri, realm, stalled) {
  const [reader, publisher] = [await autobahnJson.join(t, realm), await autobahnCbor.join(t, realm)];
  const read = inbox();
  await reader.subscribe(uri, ([i]) => read.push(i));
  stalled._ws.pause();
  for (let i = 0; i < EVENTS; i++) {
    await publisher.publish(uri, [i, FILLER], {}, ACKNOWLEDGED);
    assert.equal(await read.next(), i);
  }
  return publisher;
}

// Who loses the newest learns it behind the gap; who loses the oldest, with the next that is published.
for (const [flavour, realm] of [[wampyMsgpack, 'drops.new'], [wampyCbor, 'drops.old']]) {
  check(`FLW-02 a subscriber learns how many events it lost: ${realm} (${flavour.name})`, async ({ t, uri }) => {
    const slow = await flavour.join(t, realm);
    const box = inbox();
    await slow.subscribe(uri('news'), ({ argsList: [i], details }) => box.push([i, details._lost ?? 0]));
    const publisher = await flood(t, uri('news'), realm, slow);
    const { _lost: known } = await publisher.call('wamp.session.get', [Number(slow.getSessionId())]);
    assert.ok(known > 0);
    slow._ws.resume();
    const events = [];
    while (events.length < EVENTS - known) events.push(await box.next());
    await publisher.publish(uri('news'), [EVENTS], {}, ACKNOWLEDGED);
    events.push(await box.next());

    const told = events.reduce((sum, [, lost]) => sum + lost, 0);
    assert.equal(told, known);
    const gaps = events.map(([i], n) => i - (n > 0 ? events[n - 1][0] + 1 : 0));
    assert.ok(gaps.every((gap) => gap >= 0)); // none out of order, and none twice
    if (realm === 'drops.new') assert.deepEqual(gaps, events.map(([, lost]) => lost));
    else assert.equal(events.at(-2)[0], EVENTS - 1);
  });
}

check('FLW-02 elsewhere the session of a subscriber that does not read ends', async ({ t, uri }) => {
  const slow = await wampyJson.join(t);
  await slow.subscribe(uri('news'), () => {});
  const observer = await autobahnTcp.join(t);
  const left = inbox();
  await observer.subscribe('wamp.session.on_leave', ([id]) => left.push(id));
  const id = slow.getSessionId();
  await flood(t, uri('news'), undefined, slow);
  while (await left.next() !== id);
  slow._ws.resume();
  await slow.closed;
});
