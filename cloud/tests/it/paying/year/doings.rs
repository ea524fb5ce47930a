//! What the people of a year do.

use chrono::{Days, NaiveDate};
use serde_json::json;
use weir_lab::provider::Card;

use super::Year;
use crate::money::harness::Answer;
use crate::money::one_line::eur;

impl Year {
    /// Notes what was done; whoever may not do it is refused, and nothing worse.
    fn is_done(&mut self, what: &'static str, answer: &Answer) {
        assert!(answer.status.as_u16() < 500, "{answer:?}");
        if answer.status.is_success() {
            self.done.insert(what);
        }
    }

    /// Somebody pays all, or a round sum, at the counter; now and then some of it goes back.
    pub(super) async fn pays(&mut self, day: NaiveDate) {
        let (account, _) = self.anybody();
        let round = json!({ "amount": "40.00", "currency": "EUR" });
        let amount = match self.chance.below(4) {
            0 => Some(round),
            _ => self.open(account).await,
        };
        let Some(amount) = amount else { return };
        let wish = json!({ "account_id": account, "method": "cash", "amount": amount, "received_on": day });
        let key = self.key();
        let paid = self.shop.isp.post_once("/payments", &key, wish).await.expect(201);
        if self.chance.below(12) == 0 {
            let (path, key) = (format!("/payments/{}/refunds", paid["id"].as_str().expect("an id")), self.key());
            let some = json!({ "amount": { "amount": "7.35", "currency": "EUR" }, "reason": "Goodwill" });
            let given = self.shop.isp.post_once(&path, &key, some).await;
            assert!(given.status == 201 || given.problem() == "refund-too-large", "{given:?}");
        }
    }

    pub(super) async fn gives_back(&mut self) {
        let (account, _) = self.anybody();
        let invoices = self.shop.items(&format!("/invoices?account_id={account}")).await;
        let Some(id) = invoices.first().and_then(|invoice| invoice["id"].as_str()) else { return };
        let (path, key) = (format!("/invoices/{id}/credit-notes"), self.key());
        let noted = self.shop.isp.post_once(&path, &key, json!({ "reason": "Three days without service" })).await;
        assert!(noted.status == 201 || noted.problem() == "nothing-left-to-credit", "{noted:?}");
    }

    pub(super) async fn moves(&mut self, day: NaiveDate) {
        let (_, line) = self.anybody();
        let plan = self.plans[self.chance.below(5)];
        let wish = json!({ "plan_version_id": plan, "effective_on": day });
        // Whoever has that plan already stays.
        let moved = self.shop.isp.post(&format!("/subscriptions/{line}/change-plan"), wish).await;
        self.is_done("move", &moved);
    }

    /// Somebody's line is closed for a while, and billed all the same.
    pub(super) async fn holds(&mut self) {
        if self.held.len() > 5 {
            let hold = self.held.remove(0);
            self.shop.isp.post(&format!("/holds/{hold}/release"), json!({})).await.expect(200);
        }
        let (_, line) = self.anybody();
        let wish = json!({ "kind": "manual", "effect": "closed", "reason": "On a journey" });
        let hold = self.shop.isp.post(&format!("/subscriptions/{line}/holds"), wish).await;
        if hold.status == 201 {
            self.held.push(hold.json()["id"].as_str().expect("an id").to_owned());
        }
    }

    /// Somebody pays by card; what was paid before is disputed, and a dispute is decided.
    pub(super) async fn charges_back(&mut self) {
        if let Some(dispute) = self.disputed.pop() {
            self.shop.provider.stands(&dispute, ["won", "lost"][self.chance.below(2)]);
        }
        if let Some(intent) = self.paid.pop() {
            self.disputed.push(self.shop.provider.dispute(&intent, 2_000, "needs_response"));
        }
        let (account, _) = self.anybody();
        if self.open(account).await.is_some() {
            let (_, page) = self.shop.opens_page(account, false).await;
            assert!(self.shop.provider.pay(&page, Card::Good));
        }
        self.shop.reconciles().await;
        self.shop.works().await;
        let paid = self.shop.items("/payments?limit=20").await;
        let card = paid.iter().find(|payment| payment["method"] == "card" && payment["refunded"]["amount"] == "0.00");
        self.paid.extend(card.and_then(|payment| payment["reference"].as_str()).map(str::to_owned));
    }

    /// Somebody wants no service for some days: nothing or less is charged, and what was is given back.
    pub(super) async fn pauses(&mut self, day: NaiveDate) {
        let (_, line) = self.anybody();
        let from = day + Days::new(self.chance.below(9) as u64);
        let until = from + Days::new(3 + self.chance.below(40) as u64);
        let price = (self.chance.below(3) == 0).then(|| eur("4.00"));
        let wish = json!({ "from_on": from, "until_on": until, "price": price, "reason": "On a journey" });
        // Whoever has a pause on one of these days has no other.
        let paused = self.shop.isp.post(&format!("/subscriptions/{line}/pauses"), wish).await;
        self.is_done("pause", &paused);
    }

    /// Somebody is charged for a visit, and somebody's line costs less for a while.
    pub(super) async fn deals(&mut self) {
        let (account, _) = self.anybody();
        let reference = self.key();
        let visit = json!({ "description": "Visit", "unit_price": eur("12.34"), "reference": reference });
        self.shop.isp.post(&format!("/accounts/{account}/charges"), visit).await.expect(201);
        let (_, line) = self.anybody();
        let less = match self.chance.below(2) {
            0 => json!({ "name": "Loyal", "percent": "12.5", "periods": 2 }),
            _ => json!({ "name": "Sorry", "amount": eur("3.33"), "periods": 1 }),
        };
        let granted = self.shop.isp.post(&format!("/subscriptions/{line}/discounts"), less).await;
        self.is_done("discount", &granted);
    }

    /// Somebody pays for somebody else from now on, and who began first does no more.
    pub(super) async fn pays_for(&mut self) {
        let ((payer, _), (account, _)) = (self.anybody(), self.anybody());
        let path = format!("/accounts/{account}/payer");
        // Whoever pays for others pays for itself.
        let changed = self.shop.isp.put(&path, json!({ "payer_id": payer })).await;
        self.is_done("pay", &changed);
        if changed.status == 200 {
            self.paid_for.push(account);
        }
        if self.paid_for.len() > 3 {
            let first = self.paid_for.remove(0);
            let ended = self.shop.isp.delete(&format!("/accounts/{first}/payer")).await;
            self.is_done("pay no more", &ended);
        }
    }

    /// Somebody is asked for the bills of the next weeks.
    pub(super) async fn asks_ahead(&mut self, day: NaiveDate) {
        let (account, _) = self.anybody();
        let key = self.key();
        let wish = json!({ "as_of": day + Days::new(45) });
        let asked = self.shop.isp.post_once(&format!("/accounts/{account}/proformas"), &key, wish).await;
        self.is_done("ask ahead", &asked);
    }
}
