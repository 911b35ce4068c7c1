// What wampy.js makes of a call beyond its arguments, over WebSocket with each
// of its serializers: canceling, timeout, who calls, payload passthru, and what
// it makes of calls in parts.
//
// As a callee it announces neither progressive results nor call canceling, and
// as a caller not the progressive invocations that it has; see ../README.md.

import assert from 'node:assert/strict';

import { inbox, over, rejection, wampyFlavours } from './peer.js';
import { BINARY, NESTED, UNICODE } from './values.js';

const check = over(wampyFlavours);
const checkBinary = over(wampyFlavours.filter((flavour) => flavour.binary));

const ABORT_MESSAGE = 3;
const whoCalls = ({ details }) => ({ argsList: [details.caller ?? null, details.caller_authid ?? null, details.caller_authrole ?? null] });
const refusal = async (promise) => (await rejection(promise)).errorUri;
const only = async (promise) => (await promise).argsList[0];

/** An endpoint that answers when the test wants: `next` gives the function that answers the next call. */
function patient() {
  const calls = inbox();
  return { endpoint: () => new Promise(calls.push), next: calls.next };
}

check('FEA-01 the router announces all that wampy uses', async ({ join }) => {
  const { dealer, broker } = (await join()).welcome.roles;
  for (const feature of [
    'caller_identification',
    'call_canceling',
    'call_timeout',
    'pattern_based_registration',
    'payload_passthru_mode',
    'progressive_call_invocations',
    'progressive_call_results',
    'registration_meta_api',
    'shared_registration',
  ]) assert.equal(dealer.features[feature], true, feature);
  for (const feature of [
    'pattern_based_subscription',
    'payload_passthru_mode',
    'publisher_exclusion',
    'publisher_identification',
    'subscriber_blackwhite_listing',
  ]) assert.equal(broker.features[feature], true, feature);
});

check('PCR-01 PCR-07 a callee that does not announce progress is not asked for it, and what it sends is dropped', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('count'), ({ details, result_handler }) => {
    for (const i of [1, 2, 3]) result_handler({ argsList: [i], options: { progress: true } });
    return { argsList: [details.receive_progress ?? null] };
  });
  const progress = inbox();
  const { argsList } = await caller.call(uri('count'), null, { progress_callback: progress.push });
  assert.deepEqual([progress.size(), argsList], [0, [null]]);
});

check('CAN-02 CAN-04 CAN-05 CAN-06 CAN-10 a canceled call ends at once in every mode, as this callee cannot be interrupted', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const slow = patient();
  await callee.register(uri('slow'), slow.endpoint);
  for (const options of [undefined, { mode: 'skip' }, { mode: 'kill' }, { mode: 'killnowait' }]) {
    const canceled = caller.call(uri('slow'));
    const { reqId } = caller.getOpStatus();
    const kept = caller.call(uri('slow'));
    const answers = [await slow.next(), await slow.next()];
    caller.cancel(reqId, options);
    assert.equal(await refusal(canceled), 'wamp.error.canceled');
    answers[0]('too late');
    answers[1]('kept');
    assert.equal(await only(kept), 'kept');
  }
});

check('TMO-01 TMO-05 TMO-06 a timeout is in milliseconds', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  const slow = patient();
  await callee.register(uri('slow'), slow.endpoint);
  assert.equal(await refusal(caller.call(uri('slow'), null, { timeout: 30 })), 'wamp.error.timeout');
  (await slow.next())('too late');
  const call = caller.call(uri('slow'), null, { timeout: 60_000 });
  (await slow.next())('in time');
  assert.equal(await only(call), 'in time');
});

check('CID-01 CID-03 the callee learns who calls if the caller wishes', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('who'), whoCalls);
  const { authid, authrole } = caller.welcome;
  assert.deepEqual((await caller.call(uri('who'))).argsList, [null, null, null]);
  assert.deepEqual((await caller.call(uri('who'), null, { disclose_me: true })).argsList, [caller.getSessionId(), authid, authrole]);
});

// Payload passthru: what is sent and what wraps it, by the abilities of the transport's own serializer.

const passthru = (ppt_serializer) => ({ ppt_scheme: 'x_interop', ppt_serializer, ppt_cipher: 'x_none', ppt_keyid: 'key 7' });
const pptOf = ({ ppt_scheme, ppt_serializer, ppt_cipher, ppt_keyid }) => ({ ppt_scheme, ppt_serializer, ppt_cipher, ppt_keyid });
const PAYLOAD = { argsList: [UNICODE, NESTED, 2 ** 53 - 1], argsDict: { more: NESTED } };

async function passThrough({ join, uri }, serializer) {
  const [callee, caller] = [await join(), await join()];
  const seen = [];
  const [there, back] = [passthru(serializer), { ...passthru(serializer), ppt_keyid: 'key 8' }];
  await callee.register(uri('echo'), ({ details, argsList, argsDict }) => {
    seen.push(pptOf(details));
    return { argsList, argsDict, options: back };
  });
  const { details, argsList, argsDict } = await caller.call(uri('echo'), PAYLOAD, there);
  assert.deepEqual({ argsList, argsDict }, PAYLOAD);
  assert.deepEqual([seen, pptOf(details)], [[there], back]);
}

async function publishThrough({ join, uri }, serializer) {
  const [subscriber, publisher] = [await join(), await join()];
  const box = inbox();
  await subscriber.subscribe(uri('news'), box.push);
  await publisher.publish(uri('news'), PAYLOAD, passthru(serializer));
  const { details, argsList, argsDict } = await box.next();
  assert.deepEqual({ argsList, argsDict }, PAYLOAD);
  assert.deepEqual(pptOf(details), passthru(serializer));
}

for (const serializer of ['native', 'json']) {
  check(`PPT-01 PPT-02 a call and its result with a payload passed through in ${serializer}`, (test) => passThrough(test, serializer));
  check(`PPT-02 an event with a payload passed through in ${serializer}`, (test) => publishThrough(test, serializer));
}

for (const serializer of ['msgpack', 'cbor']) {
  checkBinary(`PPT-01 PPT-02 PPT-08 a call and its result with a payload passed through in ${serializer}`, (test) => passThrough(test, serializer));
  checkBinary(`PPT-02 PPT-08 an event with a payload passed through in ${serializer}`, (test) => publishThrough(test, serializer));
}

checkBinary('PPT-08 the router does not look into what it passes through', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('echo'), ({ argsList }) => ({ argsList }));
  await caller.call(uri('echo'), [BINARY], passthru('cbor'));
  const [, , , , wrapped] = callee.received.find(([type]) => type === 68);
  assert.equal(wrapped.length, 1);
  assert.ok(Buffer.from(wrapped[0]).includes(BINARY));
});

checkBinary('PPT-02 the schemes that WAMP names', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('scheme'), ({ details, argsList }) => [details.ppt_scheme, argsList]);
  for (const options of [{ ppt_scheme: 'mqtt' }, { ppt_scheme: 'wamp', ppt_serializer: 'cbor' }]) {
    assert.deepEqual((await caller.call(uri('scheme'), ['sent'], options)).argsList, [options.ppt_scheme, ['sent']]);
  }
});

check('PPT-12 the router itself takes no payload that it cannot look into', async ({ join }) => {
  const caller = await join();
  assert.equal(await refusal(caller.call('wamp.registration.list', [1], passthru('json'))), 'wamp.error.invalid_argument');
});

// Calls in parts.

check('PCI-04 a caller that sends parts without having announced them breaks the protocol', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join()];
  await callee.register(uri('sum'), ({ argsList: [n] }) => n);
  const { result } = caller.progressiveCall(uri('sum'), [1]);
  await rejection(result);
  const [type, { message }, reason] = caller.received.at(-1);
  assert.deepEqual([type, reason], [ABORT_MESSAGE, 'wamp.error.protocol_violation']);
  assert.match(message, /progressive_call_invocations/);
  const [abort] = caller.problems.splice(0);
  assert.equal(abort.errorUri, 'wamp.error.protocol_violation');
});

check('PCI-06 PCI-13 parts for a callee that does not take them are refused once, and then discarded', async ({ join, uri }) => {
  const [callee, caller] = [await join(), await join(undefined, ['progressive_call_invocations'])];
  await callee.register(uri('sum'), ({ argsList: [n] }) => n);
  const { result, sendData } = caller.progressiveCall(uri('sum'), [1]);
  sendData([2]);
  assert.equal(await refusal(result), 'wamp.error.feature_not_supported');
  sendData([3]);
  sendData([4], { progress: false });
  assert.equal(await only(caller.call(uri('sum'), [5])), 5);
  assert.equal(caller.received.filter(([type]) => type === 8).length, 1);
});

// A realm with unannounced_progress, which takes what was not announced.

check('PCR-01 PCR-05 in a lenient realm a callee that does not announce progress is asked for it', async ({ join, uri }) => {
  const [callee, caller] = [await join('lenient'), await join('lenient')];
  await callee.register(uri('count'), ({ details, result_handler }) => {
    for (const i of [1, 2, 3]) result_handler({ argsList: [i], options: { progress: true } });
    return { argsList: [details.receive_progress ?? null] };
  });
  const progress = inbox();
  const { argsList } = await caller.call(uri('count'), null, { progress_callback: progress.push });
  assert.deepEqual(argsList, [true]);
  for (const i of [1, 2, 3]) assert.deepEqual((await progress.next()).argsList, [i]);
});

check('PCI-04 PCI-06 in a lenient realm parts that were not announced do no harm', async ({ join, uri }) => {
  const [callee, caller] = [await join('lenient'), await join('lenient')];
  await callee.register(uri('sum'), ({ argsList: [n] }) => n);
  const { result, sendData } = caller.progressiveCall(uri('sum'), [1]);
  assert.equal(await refusal(result), 'wamp.error.feature_not_supported');
  sendData([2], { progress: false });
  assert.equal(await only(caller.call(uri('sum'), [3])), 3);
});
