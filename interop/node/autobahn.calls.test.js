// What autobahn-js makes of a call beyond its arguments, over each of its
// transports and serializers: progress, canceling, timeout, who calls.
//
// It does not announce call canceling as a callee, and as a caller it forgets a
// call that it cancels unless the mode is kill; see ../README.md.

import assert from 'node:assert/strict';

import { autobahn, autobahnFlavours, inbox, over, rejection, stream } from './peer.js';
import { NESTED, UNICODE } from './values.js';

const check = over(autobahnFlavours);

const PROGRESSIVE = { receive_progress: true };
const whoCalls = (args, kwargs, { caller, caller_authid, caller_authrole }) => [caller ?? null, caller_authid ?? null, caller_authrole ?? null];
const identity = ({ id, welcome }) => [id, welcome.authid, welcome.authrole];

/** An endpoint that answers when the test wants: `next` gives the function that answers the next call. */
function patient() {
  const calls = inbox();
  return { endpoint: () => new Promise(calls.push), next: calls.next };
}

check('FEA-01 of what it can, the router announces all that callers and callees use', async ({ join }) => {
  const { features } = await join();
  assert.deepEqual(features.caller, { caller_identification: true, call_canceling: true, progressive_call_results: true });
  assert.deepEqual(features.callee, {
    caller_identification: true,
    pattern_based_registration: true,
    shared_registration: true,
    progressive_call_results: true,
    registration_revocation: true,
  });
});

check('PCR-04 PCR-05 PCR-12 progressive results arrive in order, before the final one', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  await callee.register(uri('count'), ([text], kwargs, { progress }) => {
    for (const i of numbers) progress([i, text]);
    return 'done';
  });
  const { progress, result } = await stream(caller.call(uri('count'), [UNICODE], {}, PROGRESSIVE));
  assert.deepEqual(progress.map(({ args }) => args), numbers.map((i) => [i, UNICODE]));
  assert.equal(result, 'done');
});

check('PCR-06 progressive results may be of any shape', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('shapes'), (args, kwargs, { progress }) => {
    progress();
    progress([NESTED]);
    progress([], { more: UNICODE });
    return new autobahn.Result();
  });
  const { progress, result } = await stream(caller.call(uri('shapes'), [], {}, PROGRESSIVE));
  assert.deepEqual(progress.slice(0, 2), [null, NESTED]);
  assert.deepEqual([progress[2].args, progress[2].kwargs], [[], { more: UNICODE }]);
  assert.equal(result, null);
});

check('PCR-03 a callee is not asked for progress that the caller does not want', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('asked'), (args, kwargs, { progress }) => progress !== null);
  assert.equal(await caller.call(uri('asked')), false);
  assert.equal(await caller.call(uri('asked'), [], {}, PROGRESSIVE), true);
});

check('PCR-12 PCR-13 an error may follow progress', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('break'), (args, kwargs, { progress }) => {
    progress(['so far so good']);
    throw new autobahn.Error('com.example.error.broken', [7]);
  });
  const { progress, error } = await stream(caller.call(uri('break'), [], {}, PROGRESSIVE));
  assert.deepEqual(progress, ['so far so good']);
  assert.deepEqual([error.error, error.args], ['com.example.error.broken', [7]]);
});

check('PCR-09 ROU-27 a callee that leaves amid its progress answers its caller', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('leave'), (args, kwargs, { progress }) => {
    progress([1]);
    callee.goodbye();
    return new Promise(() => {});
  });
  const { progress, error } = await stream(caller.call(uri('leave'), [], {}, PROGRESSIVE));
  assert.deepEqual([progress, error.error], [[1], 'wamp.error.canceled']);
});

check('CAN-05 CAN-10 kill ends the call at once, as this callee cannot be interrupted', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const slow = patient();
  await callee.register(uri('slow'), slow.endpoint);
  const call = caller.call(uri('slow'));
  const answer = await slow.next();
  call.cancel({ mode: 'kill' });
  assert.equal((await rejection(call)).error, 'wamp.error.canceled');
  answer('too late');
  const again = caller.call(uri('slow'));
  (await slow.next())('in time');
  assert.equal(await again, 'in time');
});

check('CAN-02 CAN-04 CAN-06 CAN-19 any other mode too, but then this caller takes the answer for a violation', async ({ join, uri }) => {
  const callee = await join();
  const slow = patient();
  await callee.register(uri('slow'), slow.endpoint);
  for (const options of [undefined, { mode: 'skip' }, { mode: 'killnowait' }]) {
    const caller = await join();
    const call = caller.call(uri('slow'));
    const answer = await slow.next();
    call.cancel(options);
    assert.equal((await rejection(call)).error, 'Cancelled');
    await caller.closed;
    const [type, requestType, request, details, error] = caller.received.at(-1);
    assert.deepEqual([type, requestType, request, details, error], [8, 48, 1, {}, 'wamp.error.canceled']);
    assert.equal(caller.problems.splice(0).length, 1);
    answer('too late');
  }
});

check('TMO-01 TMO-05 TMO-06 TMO-07 a timeout is in milliseconds', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const slow = patient();
  await callee.register(uri('slow'), slow.endpoint);
  const error = await rejection(caller.call(uri('slow'), [], {}, { timeout: 30 }));
  assert.equal(error.error, 'wamp.error.timeout');
  (await slow.next())('too late');
  for (const timeout of [0, 60_000]) {
    const call = caller.call(uri('slow'), [], {}, { timeout });
    (await slow.next())('in time');
    assert.equal(await call, 'in time');
  }
});

check('CID-01 CID-02 CID-03 the callee learns who calls if either of them wishes', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('on.request'), whoCalls);
  await callee.register(uri('always'), whoCalls, { disclose_caller: true });
  assert.deepEqual(await caller.call(uri('on.request')), [null, null, null]);
  assert.deepEqual(await caller.call(uri('on.request'), [], {}, { disclose_me: true }), identity(caller));
  assert.deepEqual(await caller.call(uri('always')), identity(caller));
  caller.caller_disclose_me = true;
  assert.deepEqual(await caller.call(uri('on.request')), identity(caller));
});

check('CID-06 each callee of a shared registration wishes for itself', async ({ join, uri }) => {
  const [one, other] = [await join(), await join()];
  await one.register(uri('shared'), whoCalls, { invoke: 'roundrobin', disclose_caller: true });
  await other.register(uri('shared'), whoCalls, { invoke: 'roundrobin' });
  assert.deepEqual(await other.call(uri('shared')), identity(other));
  assert.deepEqual(await other.call(uri('shared')), [null, null, null]);
});

check('CID-10 a caller cannot say that it is another', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('on.request'), whoCalls);
  await callee.register(uri('always'), whoCalls, { disclose_caller: true });
  const pretence = { caller: callee.id, caller_authid: 'root', caller_authrole: 'admin' };
  assert.deepEqual(await caller.call(uri('on.request'), [], {}, { ...pretence }), [null, null, null]);
  assert.deepEqual(await caller.call(uri('always'), [], {}, { ...pretence }), identity(caller));
});

check('ROU-53 a shard key alone changes nothing, a run mode is refused', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('shard'), () => 'done');
  assert.equal(await caller.call(uri('shard'), [], {}, { rkey: 'key' }), 'done');
  const error = await rejection(caller.call(uri('shard'), [], {}, { runmode: 'partition', rkey: 'key' }));
  assert.equal(error.error, 'wamp.error.option_not_allowed');
});

check('RRT-05 that a callee is unavailable is an error as any other, as it did not announce call rerouting', async ({ join, uri }) => {
  const [one, other] = [await join(), await join()];
  for (const session of [one, other]) {
    await session.register(uri('shared'), () => {
      throw new autobahn.Error('wamp.error.unavailable', ['closed on Sundays']);
    }, { invoke: 'roundrobin' });
  }
  const error = await rejection(one.call(uri('shared')));
  assert.deepEqual([error.error, error.args], ['wamp.error.unavailable', ['closed on Sundays']]);
});
