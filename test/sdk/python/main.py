"""The official Python SDK, unmodified, against a running florin.

    florin serve --ready-file ready.json &
    python main.py ready.json

Only the base URL and the certificate authority are florin's. Each scenario prints `ok NAME` or `FAIL NAME why`; the exit code is 1 if any
failed. The same scenarios, in the same order and under the same names, stand in ../node/main.mjs and ../go/main.go.
"""

import json
import queue
import re
import ssl
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

RETURN_URL = "https://shop.example/return?order=42"
CARD_ONLY = {"enabled": True, "allow_redirects": "never"}

with open(sys.argv[1]) as f:
    ready = json.load(f)
stripe.ca_bundle_path = ready["ca"]


def new_client(key):
    return stripe.StripeClient(key, base_addresses={"api": ready["https"]})


client = new_client(ready["secret_key"])
intents = client.v1.payment_intents
customers = client.v1.customers


# Scenarios.


def pay():
    intent = intents.create({"amount": 2000, "currency": "usd"})
    expect("status before", intent.status, "requires_payment_method")
    intent = intents.confirm(intent.id, {"payment_method": "pm_card_visa", "return_url": RETURN_URL})
    expect("status", intent.status, "succeeded")
    expect("amount_received", intent.amount_received, 2000)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    expect("charge.paid", charge.paid, True)
    expect("charge.payment_intent", charge.payment_intent, intent.id)
    expect("card", (charge.payment_method_details.card.brand, charge.payment_method_details.card.last4), ("visa", "4242"))


def decline():
    err = refused(stripe.CardError, lambda: charge_card(1000, "pm_card_visa_chargeDeclinedInsufficientFunds"))
    expect("http_status", err.http_status, 402)
    expect("code", err.code, "card_declined")
    expect("decline_code", err.error.decline_code, "insufficient_funds")
    expect("user_message", err.user_message, "Your card has insufficient funds.")
    kept = intents.retrieve(err.error.payment_intent.id)
    expect("the intent's status", kept.status, "requires_payment_method")
    expect("last_payment_error.code", kept.last_payment_error.code, "card_declined")
    expect("the failed charge", client.v1.charges.retrieve(kept.latest_charge).status, "failed")


def three_d_secure():
    intent = authenticate("complete", "succeeded")
    expect("status", intent.status, "succeeded")
    expect("amount_received", intent.amount_received, 3000)


def three_d_secure_fail():
    intent = authenticate("fail", "failed")
    expect("status", intent.status, "requires_payment_method")
    expect("last_payment_error.code", intent.last_payment_error.code, "payment_intent_authentication_failure")


def manual_capture():
    intent = charge_card(5000, "pm_card_visa", capture_method="manual")
    expect("status", intent.status, "requires_capture")
    expect("amount_capturable", intent.amount_capturable, 5000)
    intent = intents.capture(intent.id, {"amount_to_capture": 3200})
    expect("status", intent.status, "succeeded")
    expect("amount_received", intent.amount_received, 3200)
    expect("amount_capturable", intent.amount_capturable, 0)
    expect("charge.amount_captured", client.v1.charges.retrieve(intent.latest_charge).amount_captured, 3200)


def refund():
    intent = charge_card(1000, "pm_card_visa")
    over = refused(stripe.InvalidRequestError, lambda: client.v1.refunds.create({"payment_intent": intent.id, "amount": 1100}))
    expect("param", over.param, "amount")
    expect("message", over.user_message, "Refund amount ($11.00) is greater than charge amount ($10.00)")

    part = client.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    expect("the first refund", (part.amount, part.status), (300, "succeeded"))
    charge = client.v1.charges.retrieve(intent.latest_charge)
    expect("the charge, partly refunded", (charge.amount_refunded, charge.refunded), (300, False))
    rest = client.v1.refunds.create({"payment_intent": intent.id})
    expect("the second refund", rest.amount, 700)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    expect("the charge, refunded", (charge.amount_refunded, charge.refunded), (1000, True))
    again = refused(stripe.InvalidRequestError, lambda: client.v1.refunds.create({"payment_intent": intent.id}))
    expect("code", again.code, "charge_already_refunded")


def list_pages():
    email = unique() + "@example.com"
    made = [customers.create({"email": email, "name": "Number %d" % n}).id for n in range(11)]
    page = customers.list({"email": email, "limit": 3})
    expect("the first page", (len(page.data), page.has_more), (3, True))
    expect("all pages, newest first", [c.id for c in page.auto_paging_iter()], made[::-1])


def search():
    mark = unique()
    customer = customers.create({"email": mark + "@example.com", "metadata": {"order": mark}})
    found = customers.search({"query": "email:'%s@example.com'" % mark})
    expect("customers by email", [c.id for c in found.data], [customer.id])
    found = customers.search({"query": "metadata['order']:'%s'" % mark})
    expect("customers by metadata", [c.id for c in found.data], [customer.id])
    made = {intents.create({"amount": 1000 + n, "currency": "usd", "metadata": {"order": mark}}).id for n in range(3)}
    found = intents.search({"query": "metadata['order']:'%s' AND status:'requires_payment_method'" % mark, "limit": 2})
    expect("intents by metadata, all pages", {i.id for i in found.auto_paging_iter()}, made)


def expand():
    customer = customers.create({"name": "Jenny Rosen"})
    intent = charge_card(
        1000, "pm_card_visa", customer=customer.id, capture_method="automatic", expand=["latest_charge.balance_transaction", "customer"]
    )
    expect("customer.name", intent.customer.name, "Jenny Rosen")
    moved = intent.latest_charge.balance_transaction
    expect("the balance transaction", (moved.amount, moved.fee, moved.net), (1000, 59, 941))
    intent = intents.retrieve(intent.id)
    expect("customer, not expanded", intent.customer, customer.id)


def idempotency():
    key = unique()
    first = customers.create({"name": "Once"}, {"idempotency_key": key})
    again = customers.create({"name": "Once"}, {"idempotency_key": key})
    expect("the id", again.id, first.id)
    expect("Idempotent-Replayed", again.last_response.headers.get("Idempotent-Replayed"), "true")
    err = refused(stripe.IdempotencyError, lambda: customers.create({"name": "Twice"}, {"idempotency_key": key}))
    expect("http_status", err.http_status, 400)


def webhook():
    received = queue.Queue()

    class Merchant(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            received.put((body, self.headers["Stripe-Signature"]))

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Merchant)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:%d/hook" % server.server_port, "enabled_events": ["payment_intent.succeeded"]}
    )
    try:
        intent = charge_card(1500, "pm_card_visa")
        body, signature = received.get(timeout=20)
        event = client.construct_event(body, signature, endpoint.secret)
        expect("type", event.type, "payment_intent.succeeded")
        expect("data.object", (event.data.object.id, event.data.object.amount_received), (intent.id, 1500))
        expect("the event, retrieved", client.v1.events.retrieve(event.id).id, event.id)
        tampered = body.replace(b"1500", b"9500")
        refused(stripe.SignatureVerificationError, lambda: client.construct_event(tampered, signature, endpoint.secret))
        refused(stripe.SignatureVerificationError, lambda: client.construct_event(body, signature, "whsec_another"))
    except queue.Empty:
        raise AssertionError("no webhook came within 20 s") from None
    finally:
        client.v1.webhook_endpoints.delete(endpoint.id)
        server.shutdown()


def subscription():
    """A month passes on a test clock: the renewal is a draft at the end of the period, and paid an hour later."""
    january, february = 1893456000, 1896134400  # 2030
    clocks = client.v1.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": january})
    customer = customers.create(
        {"test_clock": clock.id, "payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )
    price = client.v1.prices.create(
        {"currency": "usd", "unit_amount": 1500, "recurring": {"interval": "month"}, "product_data": {"name": "Gold"}}
    )
    sub = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id, "quantity": 2}], "expand": ["latest_invoice.payments"]}
    )
    expect("status", sub.status, "active")
    expect("the period", sub["items"].data[0].current_period_end, february)
    expect("the invoice", (sub.latest_invoice.status, sub.latest_invoice.amount_paid), ("paid", 3000))
    expect("the payment", sub.latest_invoice.payments.data[0].amount_paid, 3000)

    clocks.advance(clock.id, {"frozen_time": february + 3600})
    while clocks.retrieve(clock.id).frozen_time != february + 3600:
        time.sleep(0.02)
    renewal = client.v1.invoices.list({"subscription": sub.id}).data[0]
    expect("the renewal", (renewal.billing_reason, renewal.status, renewal.amount_paid), ("subscription_cycle", "paid", 3000))
    expect("when", renewal.status_transitions.paid_at, february + 3600)
    clocks.delete(clock.id)


def errors():
    stranger = new_client("sk_test_" + 24 * "0")
    err = refused(stripe.AuthenticationError, lambda: stranger.v1.balance.retrieve())
    expect("http_status", err.http_status, 401)
    err = refused(stripe.InvalidRequestError, lambda: customers.retrieve("cus_missing"))
    expect("a missing customer", (err.http_status, err.code, err.param), (404, "resource_missing", "id"))
    expect("message", err.user_message, "No such customer: 'cus_missing'")
    err = refused(stripe.InvalidRequestError, lambda: intents.create({"amount": 1000}))
    expect("a missing parameter", (err.http_status, err.code, err.param), (400, "parameter_missing", "currency"))


# What the scenarios share.


def charge_card(amount, method, **more):
    params = {"amount": amount, "currency": "usd", "payment_method": method, "confirm": True, "automatic_payment_methods": CARD_ONLY}
    return intents.create({**params, **more})


def authenticate(choice, outcome):
    """Pays with a card that needs 3D Secure, makes the choice on its page, and returns the intent as it then stands."""
    intent = intents.create(
        {
            "amount": 3000,
            "currency": "usd",
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": RETURN_URL,
        }
    )
    expect("status", intent.status, "requires_action")
    expect("next_action.type", intent.next_action.type, "redirect_to_url")
    back = submit(intent.next_action.redirect_to_url.url, choice)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    expect(
        "the query of the return",
        query,
        {"order": "42", "payment_intent": intent.id, "payment_intent_client_secret": intent.client_secret, "redirect_status": outcome},
    )
    return intents.retrieve(intent.id)


class Forms(HTMLParser):
    """Reads a page's forms: action, hidden fields and buttons."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.forms.append({"action": a.get("action") or "", "fields": [], "buttons": []})
        elif self.forms and (tag == "button" or tag == "input" and a.get("type") == "submit"):
            self.forms[-1]["buttons"].append(a)
        elif self.forms and tag == "input" and a.get("name"):
            self.forms[-1]["fields"].append((a["name"], a.get("value") or ""))


def submit(url, choice):
    """Does what a person does on a hosted page: opens it, presses the button, and follows redirects until the shop's return URL."""
    status, _, page = fetch(url)
    expect("the status of " + url, status, 200)
    for form in Forms(page).forms:
        for button in form["buttons"]:
            if choice not in (button.get("name"), button.get("value")):
                continue
            fields = list(form["fields"])
            if button.get("name"):
                fields.append((button["name"], button.get("value") or ""))
            url = urllib.parse.urljoin(url, button.get("formaction") or form["action"])
            status, location, _ = fetch(url, urllib.parse.urlencode(fields).encode())
            for _ in range(5):
                if status not in (302, 303) or not location:
                    raise AssertionError("%s answered %d, not a redirect to the shop" % (url, status))
                url = urllib.parse.urljoin(url, location)
                if url.startswith(RETURN_URL):
                    return url
                status, location, _ = fetch(url)
            raise AssertionError("the page redirects without an end")
    raise AssertionError("the page at %s has no button named %s" % (url, choice))


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


browser = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ready["ca"])))


def fetch(url, data=None):
    try:
        with browser.open(url, data, timeout=20) as answer:
            return answer.status, None, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get("Location"), ""


def unique():
    return "py-" + uuid.uuid4().hex


def expect(what, got, want):
    if got != want:
        raise AssertionError("%s is %r, want %r" % (what, got, want))


def refused(kind, call):
    """Returns the exception that the call must raise."""
    try:
        call()
    except kind as err:
        return err
    raise AssertionError("no %s was raised" % kind.__name__)


SCENARIOS = {
    "pay": pay,
    "decline": decline,
    "3ds": three_d_secure,
    "3ds-fail": three_d_secure_fail,
    "manual-capture": manual_capture,
    "refund": refund,
    "list": list_pages,
    "search": search,
    "expand": expand,
    "idempotency": idempotency,
    "webhook": webhook,
    "subscription": subscription,
    "errors": errors,
}

failed = 0
for name, scenario in SCENARIOS.items():
    try:
        scenario()
        print("ok", name, flush=True)
    except Exception as err:
        failed += 1
        line = traceback.extract_tb(err.__traceback__)[1].lineno
        print("FAIL", name, "line %d: %s: %s" % (line, type(err).__name__, re.sub(r"\s+", " ", str(err))), flush=True)
print("python stripe %s, %s: %d passed, %d failed" % (stripe.VERSION, stripe.api_version, len(SCENARIOS) - failed, failed))
sys.exit(1 if failed else 0)
