// Calls the emulator with Chargebee's own client. Its settings are the variables that the emulator prints.
import assert from 'node:assert/strict';
import Chargebee from 'chargebee';

const { CHARGEBEE_BASE_URL, CHARGEBEE_API_KEY, SESSION_ID, SESSION_TOKEN, FEATURE_ID, ITEM_ID, VALUE } = process.env;
const base = new URL(CHARGEBEE_BASE_URL);

// The client builds its host name from site and hostSuffix.
const newClient = (apiKey, options) => new Chargebee({
  site: base.hostname, hostSuffix: '', protocol: 'http', port: Number(base.port), apiPath: base.pathname, apiKey, ...options,
});
const chargebee = newClient(CHARGEBEE_API_KEY, { retryConfig: { enabled: true } });

// activate
const wrongToken = { api_error_code: 'param_wrong_value', http_status_code: 400, param: 'token', type: 'invalid_request' };
await assert.rejects(chargebee.portalSession.activate(SESSION_ID, { token: 'forged' }), wrongToken);
const { portal_session: session } = await chargebee.portalSession.activate(SESSION_ID, { token: SESSION_TOKEN });
assert.equal(session.id, SESSION_ID);
assert.equal(session.status, 'activated');
assert.equal(session.object, 'portal_session');
await assert.rejects(chargebee.portalSession.activate(SESSION_ID, { token: SESSION_TOKEN }),
  { api_error_code: 'invalid_state_for_request', http_status_code: 409 });

// upsert, which this client calls addItemEntitlements
const changeEntitlements = (action, entries, headers) =>
  chargebee.itemEntitlement.addItemEntitlements(FEATURE_ID, { action, item_entitlements: entries }, headers);
const entry = { item_id: ITEM_ID, item_type: 'plan', value: VALUE };
const headers = { 'chargebee-idempotency-key': 'from-node' };
const upserted = await changeEntitlements('upsert', [entry], headers);
assert.equal(upserted.isIdempotencyReplayed, false);
const [{ item_entitlement: entitlement }] = upserted.list;
assert.deepEqual({ ...entitlement, id: 'any' }, {
  object: 'item_entitlement', id: 'any', item_id: ITEM_ID, item_type: 'plan',
  feature_id: FEATURE_ID, feature_name: 'Seats', value: VALUE, name: `${VALUE} seats`,
});

// replay with the same key, and rejection of another request with it
const replayed = await changeEntitlements('upsert', [entry], headers);
assert.equal(replayed.isIdempotencyReplayed, 'true');
assert.deepEqual(replayed.list, upserted.list);
await assert.rejects(changeEntitlements('remove', [entry], headers),
  { api_error_code: 'unable_to_process_request', http_status_code: 422 });

// errors
await assert.rejects(changeEntitlements('upsert', [entry, { item_id: 'unknown', value: VALUE }]),
  { api_error_code: 'resource_not_found', http_status_code: 404, param: 'item_entitlements[item_id][1]' });
await assert.rejects(changeEntitlements('upsert', [{ ...entry, value: 'invalid' }]),
  { api_error_code: 'param_wrong_value', http_status_code: 400, param: 'item_entitlements[value][0]' });
await assert.rejects(changeEntitlements('replace', [entry]), { api_error_code: 'param_wrong_value', param: 'action' });
await assert.rejects(chargebee.customer.retrieve('zoe'), { http_status_code: 501, message: /chargebeetest does not emulate/ });
await assert.rejects(newClient('another_key').portalSession.activate(SESSION_ID, { token: SESSION_TOKEN }),
  { api_error_code: 'api_authentication_failed', http_status_code: 401, type: 'untyped' });

// remove
const removed = await changeEntitlements('remove', [{ item_id: ITEM_ID }]);
assert.deepEqual(removed.list, upserted.list);
assert.deepEqual((await changeEntitlements('remove', [{ item_id: ITEM_ID }])).list, []);

// a session: create, retrieve, log out
const { portal_session: created } = await chargebee.portalSession.create({
  redirect_url: 'https://app.example.com/account', customer: { id: 'zoe' },
});
assert.equal(created.status, 'created');
assert.equal(created.redirect_url, 'https://app.example.com/account');
assert.equal((await chargebee.portalSession.retrieve(created.id)).portal_session.customer_id, 'zoe');
assert.equal((await chargebee.portalSession.logout(created.id)).portal_session.status, 'logged_out');
await assert.rejects(chargebee.portalSession.retrieve('unknown'), { api_error_code: 'resource_not_found', http_status_code: 404 });

// features, with filters and pages
assert.equal((await chargebee.feature.retrieve('sso')).feature.type, 'switch');
const listFeatures = async (params) => {
  const { list, next_offset: nextOffset } = await chargebee.feature.list(params);
  return [list.map(({ feature }) => feature.id), nextOffset];
};
const [firstPage, nextOffset] = await listFeatures({ limit: 3 });
assert.deepEqual(firstPage, ['seats', 'sso', 'support']);
assert.deepEqual(await listFeatures({ limit: 3, offset: nextOffset }), [['calls'], undefined]);
assert.deepEqual((await listFeatures({ type: { in: ['switch', 'custom'] } }))[0], ['sso', 'support']);
assert.deepEqual((await listFeatures({ id: { starts_with: 's' }, name: { is_not: 'Seats' } }))[0], ['sso', 'support']);

// entitlements of two features in one call, all or nothing
const manage = (action, entitlements) => chargebee.entitlement.create({ action, entitlements });
const team = { entity_id: 'team', entity_type: 'plan' };
await assert.rejects(manage('upsert', [{ ...team, feature_id: 'sso', value: 'true' }, { ...team, feature_id: 'unknown', value: '1' }]),
  { api_error_code: 'resource_not_found', param: 'entitlements[feature_id][1]' });
assert.deepEqual((await chargebee.entitlement.list()).list, []);
const managed = await manage('upsert', [{ ...team, feature_id: 'seats', value: '20' }, { ...team, feature_id: 'sso', value: 'available' }]);
assert.deepEqual(managed.list.map(({ entitlement: e }) => [e.object, e.feature_id, e.entity_id, e.name]),
  [['entitlement', 'seats', 'team', '20 seats'], ['entitlement', 'sso', 'team', 'Available']]);
assert.deepEqual((await chargebee.entitlement.list({ feature_id: { in: ['sso', 'calls'] } })).list, managed.list.slice(1));
assert.equal((await chargebee.itemEntitlement.itemEntitlementsForFeature('seats', { limit: 1 })).list[0].item_entitlement.item_id, 'team');
assert.equal((await manage('remove', [{ ...team, feature_id: 'seats' }])).list.length, 1);

console.log('all operations passed');
