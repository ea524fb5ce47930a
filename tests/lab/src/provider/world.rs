//! What the provider knows: objects by name, keys that were used, messages it would send.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

/// What a card does when it is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// It pays.
    Good,
    /// It is declined with this code.
    Declined(&'static str),
    /// It can be kept, and is declined for want of money whenever it is charged.
    Empty,
    /// It asks for its holder.
    NeedsHolder,
    /// It is a bank's, and takes days.
    Slow,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the answer is this status.
    Refuses(u16),
    /// It is done, and the answer is this status.
    DoesAndAnswers(u16),
    /// It is done, and the answer never arrives.
    DoesAndIsSilent,
}

/// Something it tells whoever listens.
#[derive(Clone, Debug)]
pub struct Message {
    /// What kind.
    pub kind: String,
    /// The body, as sent.
    pub raw: Vec<u8>,
}

pub(super) struct World {
    base: String,
    count: u64,
    pub objects: BTreeMap<String, Value>,
    /// What each method does.
    cards: BTreeMap<String, Card>,
    /// What was answered to each key, and to what.
    pub keys: BTreeMap<String, (String, u16, Value)>,
    pub faults: Vec<(String, Fault)>,
    pub messages: Vec<Message>,
    /// Who hears of everything: an address, and the secret its messages are signed with.
    pub endpoints: Vec<(String, String)>,
    /// Rung when there is something to hear.
    pub bell: Arc<Notify>,
    pub calls: Vec<String>,
}

/// What a call asks for, by name.
pub(super) type Form = BTreeMap<String, String>;

impl World {
    pub fn new(base: String) -> Self {
        Self {
            base,
            count: 0,
            objects: BTreeMap::new(),
            cards: BTreeMap::new(),
            keys: BTreeMap::new(),
            faults: Vec::new(),
            messages: Vec::new(),
            endpoints: Vec::new(),
            bell: Arc::default(),
            calls: Vec::new(),
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_{:08}", self.count)
    }

    fn put(&mut self, prefix: &str, kind: &str, mut fields: Value) -> Value {
        let id = self.name(prefix);
        fields["id"] = json!(id);
        fields["object"] = json!(kind);
        fields["created"] = json!(crate::now_us() / 1_000_000);
        self.objects.insert(id, fields.clone());
        fields
    }

    fn say(&mut self, kind: &str, about: &str) {
        let id = self.name("evt");
        let object = self.objects.get(about).cloned().unwrap_or_default();
        let raw = json!({ "id": id, "object": "event", "type": kind, "data": { "object": object } });
        self.messages.push(Message { kind: kind.to_owned(), raw: raw.to_string().into_bytes() });
        self.bell.notify_one();
    }

    fn set(&mut self, id: &str, field: &str, value: Value) {
        if let Some(object) = self.objects.get_mut(id) {
            object[field] = value;
        }
    }

    fn text(&self, id: &str, field: &str) -> String {
        self.objects.get(id).and_then(|object| object[field].as_str()).unwrap_or_default().to_owned()
    }

    pub fn customer(&mut self, form: &Form) -> Value {
        self.put("cus", "customer", json!({ "name": form.get("name"), "email": form.get("email") }))
    }

    /// Somebody wants to hear of everything; the answer tells the secret.
    pub fn listen(&mut self, form: &Form) -> Value {
        let url = form.get("url").cloned().unwrap_or_default();
        let made = self.put("we", "webhook_endpoint", json!({ "url": url, "secret": "whsec_of_the_lab" }));
        self.endpoints.push((url, made["secret"].as_str().unwrap_or_default().to_owned()));
        made
    }

    pub fn keep(&mut self, payer: &str, card: Card) -> String {
        let last4 = format!("{:04}", self.count % 10_000);
        let card_of = json!({ "brand": "visa", "last4": last4, "exp_month": 12, "exp_year": 2031 });
        let made = self.put("pm", "payment_method", json!({ "type": "card", "card": card_of, "customer": payer }));
        let id = made["id"].as_str().unwrap_or_default().to_owned();
        self.cards.insert(id.clone(), card);
        id
    }

    pub fn becomes(&mut self, method: &str, card: Card) {
        self.cards.insert(method.to_owned(), card);
    }

    pub fn tamper(&mut self, id: &str, field: &str, value: Value) {
        self.set(id, field, value);
    }

    /// A payment of a form's; not charged yet.
    pub fn intent(&mut self, form: &Form, prefix: &str) -> String {
        let get = |name: &str| {
            form.get(&if prefix.is_empty() { name.to_owned() } else { format!("{prefix}[{name}]") }).cloned()
        };
        let units: i64 = form.get("amount").and_then(|text| text.parse().ok()).unwrap_or(0);
        let key = get("metadata[weir_key]").or_else(|| form.get(&format!("{prefix}[metadata][weir_key]")).cloned());
        let fields = json!({
            "status": "requires_payment_method", "amount": units, "amount_received": 0,
            "currency": form.get("currency"), "customer": form.get("customer"),
            "payment_method": form.get("payment_method"), "metadata": key.map_or(json!({}), |key| json!({ "weir_key": key })),
        });
        self.put("pi", "payment_intent", fields)["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Charges a payment; the code if it is declined.
    pub fn charge(&mut self, intent: &str, method: &str) -> Result<(), &'static str> {
        self.set(intent, "payment_method", json!(method));
        let declined = match self.cards.get(method).copied().unwrap_or(Card::Declined("resource_missing")) {
            Card::Good => {
                self.succeed(intent);
                return Ok(());
            }
            Card::Slow => {
                self.set(intent, "status", json!("processing"));
                self.say("payment_intent.processing", intent);
                return Ok(());
            }
            Card::NeedsHolder => "authentication_required",
            Card::Empty => "insufficient_funds",
            Card::Declined(code) => code,
        };
        self.decline(intent, declined);
        Err(declined)
    }

    fn succeed(&mut self, intent: &str) {
        let amount = self.objects.get(intent).map(|object| object["amount"].clone()).unwrap_or_default();
        self.set(intent, "status", json!("succeeded"));
        self.set(intent, "amount_received", amount);
        self.set(intent, "last_payment_error", Value::Null);
        self.say("payment_intent.succeeded", intent);
    }

    fn decline(&mut self, intent: &str, code: &str) {
        self.set(intent, "status", json!("requires_payment_method"));
        let error = json!({ "type": "card_error", "code": "card_declined", "decline_code": code });
        self.set(intent, "last_payment_error", error);
        self.say("payment_intent.payment_failed", intent);
    }

    pub fn bank_says(&mut self, intent: &str, paid: bool) {
        if self.text(intent, "status") == "processing" {
            if paid { self.succeed(intent) } else { self.decline(intent, "insufficient_funds") }
        }
    }

    pub fn unsolicited(&mut self, payer: &str, units: i64, currency: &str) -> String {
        let form = [("amount", units.to_string()), ("currency", currency.to_owned()), ("customer", payer.to_owned())];
        let intent = self.intent(&form.map(|(name, value)| (name.to_owned(), value)).into(), "");
        self.succeed(&intent);
        intent
    }

    pub fn session(&mut self, form: &Form) -> Value {
        let get = |name: &str| form.get(name).cloned().unwrap_or_default();
        let fields = json!({
            "mode": get("mode"), "status": "open", "customer": get("customer"), "payment_intent": null, "setup_intent": null,
            "amount": get("line_items[0][price_data][unit_amount]"), "currency": get("line_items[0][price_data][currency]"),
            "about": get("line_items[0][price_data][product_data][name]"),
            "keeps": form.contains_key("payment_intent_data[setup_future_usage]"),
            "success_url": get("success_url"), "cancel_url": get("cancel_url"), "metadata": { "weir_key": get("metadata[weir_key]") },
        });
        let made = self.put("cs", "checkout.session", fields);
        let id = made["id"].as_str().unwrap_or_default().to_owned();
        self.set(&id, "url", json!(format!("{}/page/{id}", self.base)));
        self.objects.get(&id).cloned().unwrap_or_default()
    }

    pub fn pay(&mut self, page: &str, card: Card) -> bool {
        let Some(session) = self.objects.get(page).filter(|session| session["status"] == "open").cloned() else {
            return false;
        };
        let payer = self.text(page, "customer");
        let method = self.keep(&payer, card);
        if session["mode"] == "setup" {
            return self.leave(page, &method, card);
        }
        let intent = match session["payment_intent"].as_str() {
            Some(known) => known.to_owned(),
            None => {
                let form = [
                    ("amount", self.text(page, "amount")),
                    ("currency", self.text(page, "currency")),
                    ("customer", payer),
                    ("metadata[weir_key]", session["metadata"]["weir_key"].as_str().unwrap_or_default().to_owned()),
                ];
                let intent = self.intent(&form.map(|(name, value)| (name.to_owned(), value)).into(), "");
                self.set(page, "payment_intent", json!(intent));
                intent
            }
        };
        // Its holder is there: what needs them pays.
        if card == Card::NeedsHolder {
            self.becomes(&method, Card::Good);
        }
        let paid = self.charge(&intent, &method).is_ok();
        if paid {
            self.set(page, "status", json!("complete"));
            self.say("checkout.session.completed", page);
        }
        paid
    }

    fn leave(&mut self, page: &str, method: &str, card: Card) -> bool {
        if matches!(card, Card::Declined(_)) {
            return false;
        }
        let fields = json!({ "status": "succeeded", "payment_method": method });
        let setup = self.put("seti", "setup_intent", fields)["id"].clone();
        self.set(page, "setup_intent", setup);
        self.set(page, "status", json!("complete"));
        self.say("checkout.session.completed", page);
        true
    }

    /// Ends an open page; says whether it was open.
    pub fn expire(&mut self, page: &str) -> bool {
        let open = self.text(page, "status") == "open";
        if open {
            self.set(page, "status", json!("expired"));
            self.say("checkout.session.expired", page);
        }
        open
    }

    /// Cancels what is not charged; says whether it could be.
    pub fn cancel(&mut self, intent: &str) -> bool {
        let could = matches!(self.text(intent, "status").as_str(), "requires_payment_method" | "requires_action");
        if could {
            self.set(intent, "status", json!("canceled"));
            self.say("payment_intent.canceled", intent);
        }
        could
    }

    pub fn refund(&mut self, intent: &str, units: i64, key: &str) -> String {
        let currency = self.text(intent, "currency");
        let fields = json!({
            "payment_intent": intent, "amount": units, "currency": currency, "status": "succeeded",
            "metadata": if key.is_empty() { json!({}) } else { json!({ "weir_key": key }) },
        });
        let id = self.put("re", "refund", fields)["id"].as_str().unwrap_or_default().to_owned();
        self.say("refund.created", &id);
        id
    }

    pub fn dispute(&mut self, intent: &str, units: i64, status: &str) -> String {
        let currency = self.text(intent, "currency");
        let fields = json!({
            "payment_intent": intent, "amount": units, "currency": currency, "status": status, "reason": "fraudulent",
        });
        let id = self.put("dp", "dispute", fields)["id"].as_str().unwrap_or_default().to_owned();
        self.say("charge.dispute.created", &id);
        id
    }

    pub fn stands(&mut self, id: &str, status: &str) {
        self.set(id, "status", json!(status));
        let kind = if id.starts_with("dp_") { "charge.dispute.updated" } else { "refund.updated" };
        self.say(kind, id);
    }

    /// What is left of a payment to be given back.
    pub fn refundable(&self, intent: &str) -> i64 {
        let received = self.objects.get(intent).and_then(|object| object["amount_received"].as_i64()).unwrap_or(0);
        let of = |object: &&Value| {
            object["object"] == "refund" && object["payment_intent"] == intent && object["status"] != "failed"
        };
        received - self.objects.values().filter(of).filter_map(|refund| refund["amount"].as_i64()).sum::<i64>()
    }

    pub fn taken(&self) -> Vec<(String, i64)> {
        let paid = |object: &&Value| object["object"] == "payment_intent" && object["status"] == "succeeded";
        let told = |object: &Value| {
            (object["id"].as_str().unwrap_or_default().to_owned(), object["amount_received"].as_i64().unwrap_or(0))
        };
        self.objects.values().filter(paid).map(told).collect()
    }

    /// An object with what is expanded in it.
    pub fn shown(&self, id: &str) -> Option<Value> {
        let mut object = self.objects.get(id)?.clone();
        for field in ["payment_method", "payment_intent", "setup_intent"] {
            if let Some(inner) = object[field].as_str().and_then(|name| self.shown(name)) {
                object[field] = inner;
            }
        }
        Some(object)
    }

    /// Objects of a kind, newest first.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let mut found: Vec<_> = self.objects.values().filter(|object| object["object"] == kind).cloned().collect();
        found.sort_by_key(|object| std::cmp::Reverse(object["id"].as_str().unwrap_or_default().to_owned()));
        found
    }
}
