// wampy.js over WebSocket with each of its serializers.
//
// It writes integers above 2^32 as floats (SER-04), among them the IDs with
// which it unregisters and unsubscribes, and `match` as undefined.

import assert from 'node:assert/strict';

import { inbox, over, rejection, wampyFlavours } from './peer.js';
import { BIGINTS, BINARY, BINARY_IN_JSON, INTEGERS, NESTED, UNICODE } from './values.js';

const check = over(wampyFlavours);
const checkBinary = over(wampyFlavours.filter((flavour) => flavour.binary));
const checkText = over(wampyFlavours.filter((flavour) => !flavour.binary));
const checkBigints = over(wampyFlavours.filter((flavour) => flavour.bigints));

const echo = ({ argsList, argsDict }) => ({ argsList, argsDict });
const report = (name) => ({ details }) => ({ argsList: [name, details.procedure ?? null] });
const bytes = (value) => Buffer.from(value);

check('SES-14 GOODBYE is answered and the transport closes', async ({ join }) => {
  const session = await join();
  assert.ok(session.getSessionId() >= 1 && session.getSessionId() <= 2 ** 53);
  await session.disconnect();
  assert.ok(!session.getSessionId());
});

check('SES-06 an unknown realm is refused', async ({ join }) => {
  const error = await rejection(join('interop.no.such.realm'));
  assert.equal(error.errorUri, 'wamp.error.no_such_realm');
});

check('RPC-06 a call carries args and kwargs both ways', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  const payload = { argsList: [1, 'two', [3]], argsDict: { four: { five: 6 } } };
  const { argsList, argsDict } = await caller.call(uri('echo'), payload);
  assert.deepEqual({ argsList, argsDict }, payload);
});

check('SER-03 unicode, integers and nested values arrive as sent', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const seen = [];
  await callee.register(uri('echo'), ({ argsList: [value] }) => (seen.push(value), { argsList: [value] }));
  for (const value of [UNICODE, INTEGERS, NESTED, null, '', false]) {
    const { argsList } = await caller.call(uri('echo'), { argsList: [value] });
    assert.deepEqual(argsList, [value]);
    assert.deepEqual(seen.pop(), value);
  }
});

checkBinary('SER-03 binary arrives as sent', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  for (const value of [BINARY, new Uint8Array(BINARY), Buffer.alloc(0)]) {
    const { argsList, argsDict } = await caller.call(uri('echo'), { argsList: [value], argsDict: { deep: [value] } });
    assert.deepEqual([bytes(argsList[0]), bytes(argsDict.deep[0])], [bytes(value), bytes(value)]);
  }
});

checkText('BJS-01 binary in JSON passes between JSON peers as the text it is', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  const { argsList } = await caller.call(uri('echo'), [BINARY_IN_JSON, '\u0000not base64!']);
  assert.deepEqual(argsList, [BINARY_IN_JSON, '\u0000not base64!']);
});

checkBigints('SER-07 integers beyond 2^53 arrive as sent', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  const { argsList } = await caller.call(uri('echo'), BIGINTS);
  assert.deepEqual(argsList, BIGINTS);
});

check("RPC-07 a callee's error keeps its URI and payload", async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('fail'), ({ argsList, argsDict }) => {
    throw { error: 'com.example.error.refused', argsList, argsDict };
  });
  const payload = { argsList: [UNICODE, 7], argsDict: { limit: 2 ** 53 } };
  const error = await rejection(caller.call(uri('fail'), payload));
  assert.equal(error.errorUri, 'com.example.error.refused');
  assert.deepEqual({ argsList: error.argsList, argsDict: error.argsDict }, payload);
});

check('RPC-05 no such procedure', async ({ join, uri }) => {
  const caller = await join();
  const error = await rejection(caller.call(uri('nobody')));
  assert.equal(error.errorUri, 'wamp.error.no_such_procedure');
});

check('RPC-02 a second single registration is refused', async ({ join, uri }) => {
  const [first, second] = [await join(), await join()];
  await first.register(uri('taken'), () => 'first');
  const error = await rejection(second.register(uri('taken'), () => 'second'));
  assert.equal(error.errorUri, 'wamp.error.procedure_already_exists');
  assert.deepEqual((await second.call(uri('taken'))).argsList, ['first']);
});

check('RPC-03 SER-04 after UNREGISTER a call fails and the URI is free', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('gone'), () => 'once');
  assert.deepEqual((await caller.call(uri('gone'))).argsList, ['once']);
  await callee.unregister(uri('gone'));
  assert.equal((await rejection(caller.call(uri('gone')))).errorUri, 'wamp.error.no_such_procedure');
  await caller.register(uri('gone'), () => 'again');
  assert.deepEqual((await callee.call(uri('gone'))).argsList, ['again']);
});

check('PBR-04 PBR-07 PBR-08 exact, prefix and wildcard registrations', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('a.b.c'), report('exact'));
  await callee.register(uri('a.b'), report('prefix'), { match: 'prefix' });
  await callee.register(uri('a..c.d'), report('wildcard'), { match: 'wildcard' });
  const winners = { 'a.b': 'prefix', 'a.b.c.d': 'prefix', 'a.b.x': 'prefix', 'a.q.c.d': 'wildcard' };
  for (const [called, winner] of Object.entries(winners)) {
    assert.deepEqual((await caller.call(uri(called))).argsList, [winner, uri(called)]);
  }
  assert.deepEqual((await caller.call(uri('a.b.c'))).argsList, ['exact', null]);
});

check('SHR-06 ROU-09 round-robin takes turns', async ({ join, uri }) => {
  const sessions = [await join(), await join(), await join()];
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    await sessions[i].register(uri('shared'), () => name, { invoke: 'roundrobin' });
  }
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push((await sessions[0].call(uri('shared'))).argsList[0]);
  assert.deepEqual(answers, ['a', 'b', 'c', 'a', 'b', 'c']);
});

check('PUB-07 PUB-10 an event carries args and kwargs', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('news'), box.push);
  const payload = { argsList: [UNICODE, ...INTEGERS], argsDict: NESTED };
  const { publicationId } = await publisher.publish(uri('news'), payload);
  assert.ok(publicationId >= 1 && publicationId <= 2 ** 53);
  const { argsList, argsDict } = await box.next();
  assert.deepEqual({ argsList, argsDict }, payload);
});

check('PEX-01 the publisher is excluded', async ({ join, uri }) => {
  const [publisher, other] = [await join(), await join()];
  const own = inbox();
  await publisher.subscribe(uri('news'), own.push);
  await publisher.publish(uri('news'), ['own']);
  await publisher.publish(uri('news'), ['own'], { exclude_me: true });
  await other.publish(uri('news'), ["another's"]);
  assert.deepEqual((await own.next()).argsList, ["another's"]);
});

check('BWL-01 BWL-02 BWL-06 a publication reaches those whom it names, or all but those', async ({ join, uri }) => {
  const [publisher, one, two] = [await join(), await join(), await join()];
  const boxes = [inbox(), inbox()];
  await one.subscribe(uri('news'), boxes[0].push);
  await two.subscribe(uri('news'), boxes[1].push);
  const [id, { authid, authrole }] = [Number(one.getSessionId()), one.welcome]; // MessagePack makes it a BigInt
  const reached = [
    [{ eligible: id }, [one]],
    [{ eligible: [id, Number(two.getSessionId())], exclude: id }, [two]],
    [{ eligible_authid: [authid, 'nobody'] }, [one]],
    [{ eligible_authrole: authrole }, [one, two]],
    [{ exclude: [id, 1] }, [two]],
    [{ exclude_authid: authid }, [two]],
    [{ exclude_authrole: [authrole] }, []],
    [{}, [one, two]],
  ];
  for (const [i, [options]] of reached.entries()) await publisher.publish(uri('news'), [i], options);
  for (const [n, session] of [one, two].entries()) {
    for (const [i, [, sessions]] of reached.entries()) {
      if (sessions.includes(session)) assert.deepEqual((await boxes[n].next()).argsList, [i]);
    }
  }
});

check('PID-01 PID-04 subscribers learn who publishes if the publisher wishes', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('news'), box.push);
  const { authid, authrole } = publisher.welcome;
  await publisher.publish(uri('news'), ['default']);
  assert.deepEqual((await box.next()).details, {});
  await publisher.publish(uri('news'), ['wishes'], { disclose_me: true });
  const identity = { publisher: publisher.getSessionId(), publisher_authid: authid, publisher_authrole: authrole };
  assert.deepEqual((await box.next()).details, identity);
});

check('PBS-04 PBS-06 prefix subscription', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('topic.emergency'), box.push, { match: 'prefix' });
  const matching = ['topic.emergency', 'topic.emergency.11', 'topic.emergency-low', 'topic.emergency.a.b'];
  for (const topic of ['topic.emerge', ...matching]) await publisher.publish(uri(topic), [topic]);
  for (const topic of matching) {
    const { argsList, details } = await box.next();
    assert.deepEqual([argsList, details.topic], [[topic], uri(topic)]);
  }
});

check('PBS-04 PBS-07 wildcard subscription', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('app..userevent'), box.push, { match: 'wildcard' });
  const matching = ['app.foo.userevent', 'app.bar.userevent'];
  const others = ['app.foo.userevent.bar', 'app.foo.user', 'app2.foo.userevent'];
  for (const topic of [...others, ...matching]) await publisher.publish(uri(topic), [topic]);
  for (const topic of matching) {
    const { argsList, details } = await box.next();
    assert.deepEqual([argsList, details.topic], [[topic], uri(topic)]);
  }
});

check('PUB-04 SER-04 after UNSUBSCRIBE no event arrives', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const [gone, kept] = [inbox(), inbox()];
  const { subscriptionId } = await subscriber.subscribe(uri('news'), gone.push);
  await subscriber.subscribe(uri('marker'), kept.push);
  await subscriber.unsubscribe(subscriptionId);
  await publisher.publish(uri('news'), ['late']);
  await publisher.publish(uri('marker'), ['on time']);
  await kept.next();
  assert.equal(gone.size(), 0);
});

check('RET-01 RET-03 what wampy knows of retained events: it asks for them, but does not send retain', async ({ join, uri }) => {
  const [publisher, subscriber] = [await join(), await join()];
  const box = inbox();
  await publisher.publish(uri('news'), ['not retained'], { retain: true });
  await subscriber.subscribe(uri('news'), box.push, { get_retained: true });
  await publisher.publish(uri('news'), ['live']);
  const { argsList, details } = await box.next();
  assert.deepEqual([argsList, details], [['live'], {}]);
});

check('TES-09 RET-03 wampy can have a testament retained', async ({ join, uri }) => {
  const [heir, testator] = [await join(), await join()];
  const payload = { argsList: [uri('will'), [UNICODE], {}], argsDict: { publish_options: { retain: true } } };
  await testator.call('wamp.session.add_testament', payload);
  await testator.disconnect();
  const box = inbox();
  await heir.subscribe(uri('will'), box.push, { get_retained: true });
  const { argsList, details } = await box.next();
  assert.deepEqual([argsList, details], [[UNICODE], { retained: true }]);
});
