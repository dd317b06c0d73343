// The official Node SDK, unmodified, against a running florin.
//
//	florin serve --ready-file ready.json &
//	node main.mjs ready.json
//
// Only the base URL and the certificate authority are florin's. Each scenario prints `ok NAME` or `FAIL NAME why`; the exit code is 1 if any
// failed. The same scenarios, in the same order and under the same names, stand in ../python/main.py and ../go/main.go.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, inspect } from 'node:util';
import Stripe from 'stripe';

const returnUrl = 'https://shop.example/return?order=42';
const cardOnly = { enabled: true, allow_redirects: 'never' };

const ready = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const agent = new https.Agent({ ca: readFileSync(ready.ca) });
const stripe = newClient(ready.secret_key);

function newClient(key) {
  const { hostname, port } = new URL(ready.https);
  return new Stripe(key, { host: hostname, port, protocol: 'https', httpAgent: agent });
}

const scenarios = {
  pay: async () => {
    let intent = await stripe.paymentIntents.create({ amount: 2000, currency: 'usd' });
    expect('status before', intent.status, 'requires_payment_method');
    intent = await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa', return_url: returnUrl });
    expect('status', intent.status, 'succeeded');
    expect('amount_received', intent.amount_received, 2000);
    const charge = await stripe.charges.retrieve(intent.latest_charge);
    expect('charge.paid', charge.paid, true);
    expect('charge.payment_intent', charge.payment_intent, intent.id);
    const { brand, last4 } = charge.payment_method_details.card;
    expect('card', [brand, last4], ['visa', '4242']);
  },

  decline: async () => {
    const err = await refused(Stripe.errors.StripeCardError, chargeCard(1000, 'pm_card_visa_chargeDeclinedInsufficientFunds'));
    expect('statusCode', err.statusCode, 402);
    expect('code', err.code, 'card_declined');
    expect('decline_code', err.decline_code, 'insufficient_funds');
    expect('message', err.message, 'Your card has insufficient funds.');
    const kept = await stripe.paymentIntents.retrieve(err.payment_intent.id);
    expect("the intent's status", kept.status, 'requires_payment_method');
    expect('last_payment_error.code', kept.last_payment_error.code, 'card_declined');
    expect('the failed charge', (await stripe.charges.retrieve(kept.latest_charge)).status, 'failed');
  },

  '3ds': async () => {
    const intent = await authenticate('complete', 'succeeded');
    expect('status', intent.status, 'succeeded');
    expect('amount_received', intent.amount_received, 3000);
  },

  '3ds-fail': async () => {
    const intent = await authenticate('fail', 'failed');
    expect('status', intent.status, 'requires_payment_method');
    expect('last_payment_error.code', intent.last_payment_error.code, 'payment_intent_authentication_failure');
  },

  'manual-capture': async () => {
    let intent = await chargeCard(5000, 'pm_card_visa', { capture_method: 'manual' });
    expect('status', intent.status, 'requires_capture');
    expect('amount_capturable', intent.amount_capturable, 5000);
    intent = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 3200 });
    expect('status', intent.status, 'succeeded');
    expect('amount_received', intent.amount_received, 3200);
    expect('amount_capturable', intent.amount_capturable, 0);
    expect('charge.amount_captured', (await stripe.charges.retrieve(intent.latest_charge)).amount_captured, 3200);
  },

  refund: async () => {
    const intent = await chargeCard(1000, 'pm_card_visa');
    const over = await refused(
      Stripe.errors.StripeInvalidRequestError,
      stripe.refunds.create({ payment_intent: intent.id, amount: 1100 }),
    );
    expect('param', over.param, 'amount');
    expect('message', over.message, 'Refund amount ($11.00) is greater than charge amount ($10.00)');

    const part = await stripe.refunds.create({ payment_intent: intent.id, amount: 300 });
    expect('the first refund', [part.amount, part.status], [300, 'succeeded']);
    let charge = await stripe.charges.retrieve(intent.latest_charge);
    expect('the charge, partly refunded', [charge.amount_refunded, charge.refunded], [300, false]);
    const rest = await stripe.refunds.create({ payment_intent: intent.id });
    expect('the second refund', rest.amount, 700);
    charge = await stripe.charges.retrieve(intent.latest_charge);
    expect('the charge, refunded', [charge.amount_refunded, charge.refunded], [1000, true]);
    const again = await refused(Stripe.errors.StripeInvalidRequestError, stripe.refunds.create({ payment_intent: intent.id }));
    expect('code', again.code, 'charge_already_refunded');
  },

  list: async () => {
    const email = `${unique()}@example.com`;
    const made = [];
    for (let n = 0; n < 11; n++) made.unshift((await stripe.customers.create({ email, name: `Number ${n}` })).id);
    const page = await stripe.customers.list({ email, limit: 3 });
    expect('the first page', [page.data.length, page.has_more], [3, true]);
    const all = [];
    for await (const customer of stripe.customers.list({ email, limit: 3 })) all.push(customer.id);
    expect('all pages, newest first', all, made);
  },

  search: async () => {
    const mark = unique();
    const customer = await stripe.customers.create({ email: `${mark}@example.com`, metadata: { order: mark } });
    let found = await stripe.customers.search({ query: `email:'${mark}@example.com'` });
    expect('customers by email', found.data.map((c) => c.id), [customer.id]);
    found = await stripe.customers.search({ query: `metadata['order']:'${mark}'` });
    expect('customers by metadata', found.data.map((c) => c.id), [customer.id]);
    const made = [];
    for (const amount of [1000, 1001, 1002]) {
      made.push((await stripe.paymentIntents.create({ amount, currency: 'usd', metadata: { order: mark } })).id);
    }
    const all = [];
    const query = `metadata['order']:'${mark}' AND status:'requires_payment_method'`;
    for await (const intent of stripe.paymentIntents.search({ query, limit: 2 })) all.push(intent.id);
    expect('intents by metadata, all pages', all.sort(), made.sort());
  },

  expand: async () => {
    const customer = await stripe.customers.create({ name: 'Jenny Rosen' });
    let intent = await chargeCard(1000, 'pm_card_visa', {
      customer: customer.id,
      capture_method: 'automatic',
      expand: ['latest_charge.balance_transaction', 'customer'],
    });
    expect('customer.name', intent.customer.name, 'Jenny Rosen');
    const { amount, fee, net } = intent.latest_charge.balance_transaction;
    expect('the balance transaction', [amount, fee, net], [1000, 59, 941]);
    intent = await stripe.paymentIntents.retrieve(intent.id);
    expect('customer, not expanded', intent.customer, customer.id);
  },

  idempotency: async () => {
    const idempotencyKey = unique();
    const first = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
    const again = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
    expect('the id', again.id, first.id);
    expect('Idempotent-Replayed', again.lastResponse.headers['idempotent-replayed'], 'true');
    const err = await refused(Stripe.errors.StripeIdempotencyError, stripe.customers.create({ name: 'Twice' }, { idempotencyKey }));
    expect('statusCode', err.statusCode, 400);
  },

  webhook: async () => {
    const received = [];
    const merchant = http.createServer((req, res) => {
      const chunks = [];
      req.on('data', (chunk) => chunks.push(chunk));
      req.on('end', () => {
        res.end();
        received.push([Buffer.concat(chunks), req.headers['stripe-signature']]);
      });
    });
    await new Promise((listening) => merchant.listen(0, '127.0.0.1', listening));
    const endpoint = await stripe.webhookEndpoints.create({
      url: `http://127.0.0.1:${merchant.address().port}/hook`,
      enabled_events: ['payment_intent.succeeded'],
    });
    try {
      const intent = await chargeCard(1500, 'pm_card_visa');
      for (let waited = 0; !received.length; waited += 20) {
        if (waited > 20_000) throw new Error('no webhook came within 20 s');
        await sleep(20);
      }
      const [body, signature] = received[0];
      const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
      expect('type', event.type, 'payment_intent.succeeded');
      expect('data.object', [event.data.object.id, event.data.object.amount_received], [intent.id, 1500]);
      expect('the event, retrieved', (await stripe.events.retrieve(event.id)).id, event.id);
      const tampered = body.toString().replace('1500', '9500');
      const forged = Stripe.errors.StripeSignatureVerificationError;
      await refused(forged, async () => stripe.webhooks.constructEvent(tampered, signature, endpoint.secret));
      await refused(forged, async () => stripe.webhooks.constructEvent(body, signature, 'whsec_another'));
    } finally {
      await stripe.webhookEndpoints.del(endpoint.id);
      merchant.close();
      merchant.closeAllConnections();
    }
  },

  // A month passes on a test clock: the renewal is a draft at the end of the period, and paid an hour later.
  subscription: async () => {
    const january = 1893456000, february = 1896134400; // 2030
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: january });
    const customer = await stripe.customers.create({
      test_clock: clock.id, payment_method: 'pm_card_visa', invoice_settings: { default_payment_method: 'pm_card_visa' },
    });
    const price = await stripe.prices.create({
      currency: 'usd', unit_amount: 1500, recurring: { interval: 'month' }, product_data: { name: 'Gold' },
    });
    const sub = await stripe.subscriptions.create({
      customer: customer.id, items: [{ price: price.id, quantity: 2 }], expand: ['latest_invoice.payments'],
    });
    expect('status', sub.status, 'active');
    expect('the period', sub.items.data[0].current_period_end, february);
    expect('the invoice', [sub.latest_invoice.status, sub.latest_invoice.amount_paid], ['paid', 3000]);
    expect('the payment', sub.latest_invoice.payments.data[0].amount_paid, 3000);

    await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: february + 3600 });
    while ((await stripe.testHelpers.testClocks.retrieve(clock.id)).frozen_time !== february + 3600) await sleep(20);
    const [renewal] = (await stripe.invoices.list({ subscription: sub.id })).data;
    expect('the renewal', [renewal.billing_reason, renewal.status, renewal.amount_paid], ['subscription_cycle', 'paid', 3000]);
    expect('when', renewal.status_transitions.paid_at, february + 3600);
    await stripe.testHelpers.testClocks.del(clock.id);
  },

  errors: async () => {
    const stranger = newClient('sk_test_' + '0'.repeat(24));
    let err = await refused(Stripe.errors.StripeAuthenticationError, stranger.balance.retrieve());
    expect('statusCode', err.statusCode, 401);
    err = await refused(Stripe.errors.StripeInvalidRequestError, stripe.customers.retrieve('cus_missing'));
    expect('a missing customer', [err.statusCode, err.code, err.param], [404, 'resource_missing', 'id']);
    expect('message', err.message, "No such customer: 'cus_missing'");
    err = await refused(Stripe.errors.StripeInvalidRequestError, stripe.paymentIntents.create({ amount: 1000 }));
    expect('a missing parameter', [err.statusCode, err.code, err.param], [400, 'parameter_missing', 'currency']);
  },
};

// What the scenarios share.

function chargeCard(amount, payment_method, more = {}) {
  return stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    payment_method,
    confirm: true,
    automatic_payment_methods: cardOnly,
    ...more,
  });
}

// authenticate pays with a card that needs 3D Secure, makes the choice on its page, and returns the intent as it then stands.
async function authenticate(choice, outcome) {
  const intent = await stripe.paymentIntents.create({
    amount: 3000,
    currency: 'usd',
    payment_method: 'pm_card_authenticationRequired',
    confirm: true,
    return_url: returnUrl,
  });
  expect('status', intent.status, 'requires_action');
  expect('next_action.type', intent.next_action.type, 'redirect_to_url');
  const back = new URL(await submit(intent.next_action.redirect_to_url.url, choice));
  expect('the query of the return', Object.fromEntries(back.searchParams), {
    order: '42',
    payment_intent: intent.id,
    payment_intent_client_secret: intent.client_secret,
    redirect_status: outcome,
  });
  return stripe.paymentIntents.retrieve(intent.id);
}

// submit does what a person does on a hosted page: opens it, presses the button, and follows redirects until the shop's return URL.
async function submit(url, choice) {
  const page = await fetchPage(url);
  expect(`the status of ${url}`, page.status, 200);
  for (const form of forms(page.body)) {
    const button = form.buttons.find((b) => b.name === choice || b.value === choice);
    if (!button) continue;
    const fields = new URLSearchParams(form.fields);
    if (button.name) fields.append(button.name, button.value ?? '');
    url = new URL(button.formaction || form.action, url).href;
    let answer = await fetchPage(url, fields.toString());
    for (let n = 0; n < 5; n++) {
      if (![302, 303].includes(answer.status)) throw new Error(`${url} answered ${answer.status}, not a redirect to the shop`);
      url = new URL(answer.location, url).href;
      if (url.startsWith(returnUrl)) return url;
      answer = await fetchPage(url);
    }
    throw new Error('the page redirects without an end');
  }
  throw new Error(`the page at ${url} has no button named ${choice}`);
}

// forms reads a page's forms: action, hidden fields and buttons.
function forms(html) {
  const found = [];
  for (const [, tag, attributes] of html.matchAll(/<(form|input|button)\b([^>]*)>/gi)) {
    const a = {};
    for (const [, name, value] of attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/gi)) a[name.toLowerCase()] = unescape(value ?? '');
    const form = found.at(-1);
    if (tag === 'form') found.push({ action: a.action ?? '', fields: [], buttons: [] });
    else if (tag === 'button' || a.type === 'submit') form?.buttons.push(a);
    else if (a.name) form?.fields.push([a.name, a.value ?? '']);
  }
  return found;
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return text.replace(/&(?:#(\d+)|(amp|lt|gt|quot));/g, (_, code, name) => (code ? String.fromCodePoint(code) : named[name]));
}

function fetchPage(url, form) {
  return new Promise((resolve, reject) => {
    const options = { method: form === undefined ? 'GET' : 'POST', timeout: 20_000, headers: {} };
    if (form !== undefined) options.headers['Content-Type'] = 'application/x-www-form-urlencoded';
    const [module, own] = url.startsWith('https:') ? [https, { agent }] : [http, {}];
    const req = module.request(url, { ...options, ...own }, (res) => {
      let body = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => (body += chunk));
      res.on('end', () => resolve({ status: res.statusCode, location: res.headers.location, body }));
    });
    req.on('timeout', () => req.destroy(new Error(`${url} did not answer`)));
    req.on('error', reject);
    req.end(form);
  });
}

function unique() {
  return `node-${randomUUID()}`;
}

function expect(what, got, want) {
  if (!isDeepStrictEqual(got, want)) throw new Error(`${what} is ${inspect(got)}, want ${inspect(want)}`);
}

// refused returns the error that the call, or the promise of one, must throw.
async function refused(kind, call) {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (err) {
    if (err instanceof kind) return err;
    throw err;
  }
  throw new Error(`no ${kind.name} was thrown`);
}

let failed = 0;
for (const [name, scenario] of Object.entries(scenarios)) {
  try {
    await scenario();
    console.log('ok', name);
  } catch (err) {
    failed++;
    const line = new RegExp(`\\b${name} \\(.*main\\.mjs:(\\d+)`).exec(err.stack)?.[1];
    console.log('FAIL', name, `line ${line}: ${err.type ?? err.name}: ${err.message}`.replace(/\s+/g, ' '));
  }
}
const total = Object.keys(scenarios).length;
console.log(`node stripe ${Stripe.PACKAGE_VERSION}, ${Stripe.API_VERSION}: ${total - failed} passed, ${failed} failed`);
agent.destroy();
process.exit(failed ? 1 : 0);
