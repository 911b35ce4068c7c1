// autobahn-js over each of its transports and serializers.

import assert from 'node:assert/strict';

import { autobahn, autobahnFlavours, inbox, over, REALM, rejection } from './peer.js';
import { BIGINTS, BINARY, BINARY_IN_JSON, INTEGERS, NESTED, UNICODE } from './values.js';

const check = over(autobahnFlavours);
const checkBinary = over(autobahnFlavours.filter((flavour) => flavour.binary));
const checkText = over(autobahnFlavours.filter((flavour) => !flavour.binary));
const checkBigints = over(autobahnFlavours.filter((flavour) => flavour.bigints));

const echo = (args, kwargs) => new autobahn.Result(args, kwargs);
const report = (name) => (args, kwargs, details) => [name, details.procedure];
const collect = (box) => (args, kwargs, details) => box.push({ args, kwargs, details });

check('SES-08 FEA-01 the router welcomes and announces what is used here', async ({ join }) => {
  const session = await join();
  assert.equal(session.realm, REALM);
  assert.ok(session.id >= 1 && session.id <= 2 ** 53);
  assert.equal(session.features.callee.pattern_based_registration, true);
  assert.equal(session.features.callee.shared_registration, true);
  assert.equal(session.features.subscriber.pattern_based_subscription, true);
  assert.equal(session.features.subscriber.publisher_identification, true);
  assert.deepEqual(session.features.publisher, {
    publisher_identification: true,
    subscriber_blackwhite_listing: true,
    publisher_exclusion: true,
  });
});

check('SES-06 an unknown realm is refused', async ({ join }) => {
  const error = await rejection(join('interop.no.such.realm'));
  assert.equal(error.message, 'wamp.error.no_such_realm');
});

check('SES-14 GOODBYE is answered and the transport closes', async ({ join }) => {
  const session = await join();
  assert.deepEqual(await session.goodbye(), { how: 'closed', reason: 'wamp.close.goodbye_and_out' });
});

check('RPC-06 a call carries args and kwargs both ways', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  const result = await caller.call(uri('echo'), [1, 'two', [3]], { four: { five: 6 } });
  assert.deepEqual(result.args, [1, 'two', [3]]);
  assert.deepEqual(result.kwargs, { four: { five: 6 } });
});

check('SER-03 unicode, integers and nested values arrive as sent', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const seen = [];
  await callee.register(uri('echo'), ([value]) => (seen.push(value), value));
  for (const value of [UNICODE, INTEGERS, NESTED, null, '', false]) {
    assert.deepEqual(await caller.call(uri('echo'), [value]), value);
    assert.deepEqual(seen.pop(), value);
  }
});

checkBinary('SER-03 binary arrives as sent', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  const result = await caller.call(uri('echo'), [BINARY, Buffer.alloc(0)], { deep: [BINARY] });
  assert.deepEqual(result.args, [BINARY, Buffer.alloc(0)]);
  assert.deepEqual(result.kwargs, { deep: [BINARY] });
});

checkText('BJS-01 binary in JSON passes between JSON peers as the text it is', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  for (const text of [BINARY_IN_JSON, '\u0000', '\u0000not base64!']) {
    assert.equal(await caller.call(uri('echo'), [text]), text);
  }
});

checkBigints('SER-07 integers beyond 2^53 arrive as sent', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), echo);
  const result = await caller.call(uri('echo'), BIGINTS);
  assert.deepEqual(result.args, BIGINTS);
});

check('a large message arrives', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const text = 'payload '.repeat(40_000);
  await callee.register(uri('echo'), echo);
  assert.equal(await caller.call(uri('echo'), [text]), text);
});

check('RPC-11 caller and callee may be one session', async ({ join, uri }) => {
  const session = await join();
  await session.register(uri('echo'), echo);
  assert.equal(await session.call(uri('echo'), ['self']), 'self');
});

check('RPC-10 calls in flight are told apart', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const waiting = [];
  await callee.register(uri('slow'), ([i]) => new Promise((resolve) => {
    waiting.push(() => resolve(i));
    if (waiting.length === 20) waiting.reverse().forEach((answer) => answer());
  }));
  const numbers = Array.from({ length: 20 }, (_, i) => i);
  assert.deepEqual(await Promise.all(numbers.map((i) => caller.call(uri('slow'), [i]))), numbers);
});

check("RPC-07 a callee's error keeps its URI and payload", async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('fail'), (args, kwargs) => {
    throw new autobahn.Error('com.example.error.refused', args, kwargs);
  });
  const error = await rejection(caller.call(uri('fail'), [UNICODE, 7], { limit: 2 ** 53 }));
  assert.equal(error.error, 'com.example.error.refused');
  assert.deepEqual(error.args, [UNICODE, 7]);
  assert.deepEqual(error.kwargs, { limit: 2 ** 53 });
});

check("RPC-22 a callee's exception is a runtime error", async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('fail'), () => {
    throw 'broken';
  });
  const error = await rejection(caller.call(uri('fail')));
  assert.equal(error.error, 'wamp.error.runtime_error');
  assert.deepEqual(error.args, ['broken']);
});

check('RPC-05 no such procedure', async ({ join, uri }) => {
  const caller = await join();
  const error = await rejection(caller.call(uri('nobody')));
  assert.equal(error.error, 'wamp.error.no_such_procedure');
});

check('RPC-02 a second single registration is refused', async ({ join, uri }) => {
  const [first, second] = [await join(), await join()];
  await first.register(uri('taken'), () => 'first');
  const error = await rejection(second.register(uri('taken'), () => 'second'));
  assert.equal(error.error, 'wamp.error.procedure_already_exists');
  assert.equal(await second.call(uri('taken')), 'first');
});

check('RPC-03 after UNREGISTER a call fails and the URI is free', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const registration = await callee.register(uri('gone'), () => 'once');
  assert.equal(await caller.call(uri('gone')), 'once');
  await callee.unregister(registration);
  assert.equal((await rejection(caller.call(uri('gone')))).error, 'wamp.error.no_such_procedure');
  await caller.register(uri('gone'), () => 'again');
  assert.equal(await callee.call(uri('gone')), 'again');
});

check('RPC-16 a callee that leaves mid-call answers its caller', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('hang'), () => {
    callee.goodbye();
    return new Promise(() => {});
  });
  const error = await rejection(caller.call(uri('hang')));
  assert.equal(error.error, 'wamp.error.canceled');
});

check('PBR-04 PBR-07 exact, prefix and wildcard registrations', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('a.b.c'), report('exact'));
  await callee.register(uri('a.b'), report('prefix'), { match: 'prefix' });
  await callee.register(uri('a..c.d'), report('wildcard'), { match: 'wildcard' });
  const winners = { 'a.b.c': 'exact', 'a.b': 'prefix', 'a.b.c.d': 'prefix', 'a.b.x': 'prefix', 'a.q.c.d': 'wildcard' };
  for (const [called, winner] of Object.entries(winners)) {
    assert.deepEqual(await caller.call(uri(called)), [winner, uri(called)]);
  }
  const error = await rejection(caller.call(uri('a.q.c')));
  assert.equal(error.error, 'wamp.error.no_such_procedure');
});

check('SHR-06 ROU-09 round-robin takes turns', async ({ join, uri }) => {
  const sessions = [await join(), await join(), await join()];
  const ids = new Set();
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    const registration = await sessions[i].register(uri('shared'), () => name, { invoke: 'roundrobin' });
    ids.add(registration.id.toString());
  }
  assert.equal(ids.size, 1);
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push(await sessions[0].call(uri('shared')));
  assert.deepEqual(answers, ['a', 'b', 'c', 'a', 'b', 'c']);
});

check('SHR-04 invocation policies do not mix', async ({ join, uri }) => {
  const [first, second] = [await join(), await join()];
  await first.register(uri('shared'), () => 'first', { invoke: 'roundrobin' });
  for (const invoke of ['single', 'first', 'last', 'random']) {
    const error = await rejection(second.register(uri('shared'), () => 'second', { invoke }));
    assert.equal(error.error, 'wamp.error.procedure_already_exists');
  }
});

check('PUB-07 PUB-10 an event carries args, kwargs and the publication', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('news'), collect(box));
  const published = await publisher.publish(uri('news'), [UNICODE, ...INTEGERS], NESTED, { acknowledge: true });
  const event = await box.next();
  assert.deepEqual(event.args, [UNICODE, ...INTEGERS]);
  assert.deepEqual(event.kwargs, NESTED);
  assert.equal(event.details.publication, published.id);
});

check('PUB-06 PUB-13 unacknowledged publications arrive in order', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('news'), collect(box));
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  for (const i of numbers) assert.equal(publisher.publish(uri('news'), [i]), undefined);
  for (const i of numbers) assert.deepEqual((await box.next()).args, [i]);
});

check('PEX-01 PEX-02 the publisher is excluded unless it asks', async ({ join, uri }) => {
  const [publisher, other] = [await join(), await join()];
  const [own, others] = [inbox(), inbox()];
  await publisher.subscribe(uri('news'), collect(own));
  await other.subscribe(uri('news'), collect(others));
  await publisher.publish(uri('news'), ['default'], {}, { acknowledge: true });
  await publisher.publish(uri('news'), ['true'], {}, { acknowledge: true, exclude_me: true });
  await publisher.publish(uri('news'), ['false'], {}, { acknowledge: true, exclude_me: false });
  assert.deepEqual((await own.next()).args, ['false']);
  for (const text of ['default', 'true', 'false']) assert.deepEqual((await others.next()).args, [text]);
});

check('BWL-01 BWL-02 BWL-03 BWL-04 BWL-07 a publication reaches those whom it names, or all but those', async ({ join, uri }) => {
  const [publisher, one, two] = [await join(), await join(), await join()];
  const boxes = [inbox(), inbox()];
  await one.subscribe(uri('news'), collect(boxes[0]));
  await two.subscribe(uri('news'), collect(boxes[1]));
  const { authid, authrole } = one.welcome;
  const reached = [
    [{ eligible: [one.id, 1] }, [one]],
    [{ eligible: [] }, []],
    [{ eligible_authid: [authid, 'nobody'] }, [one]],
    [{ eligible_authrole: [authrole] }, [one, two]],
    [{ eligible_authrole: ['nobody'] }, []],
    [{ exclude: [one.id, 1] }, [two]],
    [{ exclude: [] }, [one, two]],
    [{ exclude_authid: [authid] }, [two]],
    [{ exclude_authrole: [authrole] }, []],
    [{ eligible: [one.id, two.id], exclude: [one.id] }, [two]],
    [{}, [one, two]],
  ];
  for (const [i, [options]] of reached.entries()) publisher.publish(uri('news'), [i], {}, options);
  for (const [n, session] of [one, two].entries()) {
    for (const [i, [, sessions]] of reached.entries()) {
      if (sessions.includes(session)) assert.deepEqual((await boxes[n].next()).args, [i]);
    }
  }
});

check('BWL-05 PEX-04 a publisher that names itself is still excluded, other sessions are not', async ({ join, uri }) => {
  const [publisher, other] = [await join(), await join()];
  const [own, others] = [inbox(), inbox()];
  await publisher.subscribe(uri('news'), collect(own));
  await other.subscribe(uri('news'), collect(others));
  await publisher.publish(uri('news'), ['named'], {}, { acknowledge: true, eligible: [publisher.id, other.id] });
  await publisher.publish(uri('news'), ['both'], {}, { acknowledge: true, eligible: [publisher.id], exclude_me: false });
  assert.deepEqual((await own.next()).args, ['both']);
  assert.deepEqual((await others.next()).args, ['named']);
  assert.equal(others.size(), 0);
});

check('PID-01 PID-04 PID-06 subscribers learn who publishes if the publisher wishes', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('news'), collect(box));
  const identity = [publisher.id, publisher.welcome.authid, publisher.welcome.authrole];
  const seen = async () => {
    const { details } = await box.next();
    return [details.publisher, details.publisher_authid, details.publisher_authrole];
  };
  publisher.publish(uri('news'), ['default']);
  assert.deepEqual(await seen(), [undefined, undefined, undefined]);
  publisher.publish(uri('news'), ['pretends'], {}, { publisher: subscriber.id, publisher_authid: 'root' });
  assert.deepEqual(await seen(), [undefined, undefined, undefined]);
  publisher.publish(uri('news'), ['wishes'], {}, { disclose_me: true });
  assert.deepEqual(await seen(), identity);
  publisher.publisher_disclose_me = true;
  publisher.publish(uri('news'), ['always wishes']);
  assert.deepEqual(await seen(), identity);
});

check('PBS-04 PBS-06 prefix subscription', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('topic.emergency'), collect(box), { match: 'prefix' });
  const matching = ['topic.emergency', 'topic.emergency.11', 'topic.emergency-low', 'topic.emergency.a.b'];
  for (const topic of ['topic.emerge', ...matching]) await publisher.publish(uri(topic), [topic], {}, { acknowledge: true });
  for (const topic of matching) {
    const event = await box.next();
    assert.deepEqual([event.args, event.details.topic], [[topic], uri(topic)]);
  }
});

check('PBS-04 PBS-07 wildcard subscription', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('app..userevent'), collect(box), { match: 'wildcard' });
  const matching = ['app.foo.userevent', 'app.bar.userevent'];
  const others = ['app.foo.userevent.bar', 'app.foo.user', 'app2.foo.userevent'];
  for (const topic of [...others, ...matching]) await publisher.publish(uri(topic), [topic], {}, { acknowledge: true });
  for (const topic of matching) {
    const event = await box.next();
    assert.deepEqual([event.args, event.details.topic], [[topic], uri(topic)]);
  }
});

check('PUB-12 after UNSUBSCRIBE no event arrives', async ({ join, uri }) => {
  const [subscriber, publisher] = [await join(), await join()];
  const [gone, kept] = [inbox(), inbox()];
  const subscription = await subscriber.subscribe(uri('news'), collect(gone));
  await subscriber.subscribe(uri('marker'), collect(kept));
  await subscriber.unsubscribe(subscription);
  await publisher.publish(uri('news'), ['late'], {}, { acknowledge: true });
  await publisher.publish(uri('marker'), [], {}, { acknowledge: true });
  await kept.next();
  assert.equal(gone.size(), 0);
});
