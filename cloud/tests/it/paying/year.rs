//! A quarter of two hundred accounts, or with `WEIR_WHOLE_YEAR` a year: whatever people do, the books agree on every day.

use chrono::{Datelike, Days, NaiveDate};
use serde_json::{Value, json};
use weir_cloud::ids::{AccountId, PlanVersionId, RouterId, SubscriptionId};
use weir_lab::provider::Card;

use super::shop::Shop;
use crate::money::harness::{move_to, story};
use crate::money::world::{FIBRE, METERED, Plan};

const FASTER: Plan = Plan { name: "Fibre 500", price: "44.90", ..FIBRE };
const ACCOUNTS: usize = 200;
/// Days lived, and how many they are of a whole year.
const DAYS: [u64; 2] = [92, 365];
/// What the owner's program may do: it has no session that ends.
const SCOPES: [&str; 10] = [
    "view-billing",
    "manage-billing",
    "record-payments",
    "refund-payments",
    "issue-credit-notes",
    "manage-holds",
    "manage-subscriptions",
    "view-subscribers",
    "manage-settings",
    "view-settings",
];

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

struct Year {
    shop: Shop,
    chance: Chance,
    router: RouterId,
    plans: [PlanVersionId; 3],
    lines: Vec<(AccountId, SubscriptionId)>,
    held: Vec<String>,
    /// What the provider calls payments nobody has disputed, and disputes nobody has decided.
    paid: Vec<String>,
    disputed: Vec<String>,
    asked: usize,
}

impl Year {
    async fn begin() -> Self {
        let mut shop = Shop::new("year").await;
        shop.isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await;
        let made = shop.isp.post("/api-keys", json!({ "name": "Year", "scopes": SCOPES })).await.expect(201);
        made["key"].as_str().expect("a key").clone_into(&mut shop.isp.token);
        let router = shop.isp.router_named("r").await;
        let plans = [shop.isp.plan(&FIBRE).await, shop.isp.plan(&FASTER).await, shop.isp.plan(&METERED).await];
        let mut lines = Vec::new();
        for n in 0..ACCOUNTS {
            let account = shop.isp.account(&format!("Subscriber {n}")).await;
            lines.push((account, shop.isp.line(account, router, plans[n % 3], "2026-11-01").await));
        }
        let (held, paid, disputed) = (Vec::new(), Vec::new(), Vec::new());
        Self { shop, chance: Chance(2026), router, plans, lines, held, paid, disputed, asked: 0 }
    }

    fn anybody(&mut self) -> (AccountId, SubscriptionId) {
        self.lines[self.chance.below(ACCOUNTS)]
    }

    fn key(&mut self) -> String {
        self.asked += 1;
        format!("year {}", self.asked)
    }

    /// What of an account is open; nothing where that is not above zero.
    async fn open(&self, account: AccountId) -> Option<Value> {
        let standing = self.shop.isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
        (standing["open"]["amount"] != "0.00").then(|| standing["open"].clone())
    }

    /// Somebody pays all, or a round sum, at the counter; now and then some of it goes back.
    async fn pays(&mut self, day: NaiveDate) {
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

    async fn gives_back(&mut self) {
        let (account, _) = self.anybody();
        let invoices = self.shop.items(&format!("/invoices?account_id={account}")).await;
        let Some(id) = invoices.first().and_then(|invoice| invoice["id"].as_str()) else { return };
        let (path, key) = (format!("/invoices/{id}/credit-notes"), self.key());
        let noted = self.shop.isp.post_once(&path, &key, json!({ "reason": "Three days without service" })).await;
        assert!(noted.status == 201 || noted.problem() == "nothing-left-to-credit", "{noted:?}");
    }

    async fn moves(&mut self, day: NaiveDate) {
        let (_, line) = self.anybody();
        let plan = self.plans[self.chance.below(3)];
        let wish = json!({ "plan_version_id": plan, "effective_on": day });
        // Whoever has that plan already stays.
        let moved = self.shop.isp.post(&format!("/subscriptions/{line}/change-plan"), wish).await;
        assert!(moved.status.as_u16() < 500, "{moved:?}");
    }

    async fn pauses(&mut self) {
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
    async fn charges_back(&mut self) {
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

    async fn lives(&mut self, day: NaiveDate, n: u64) {
        move_to(&self.shop.isp.app.clock, &format!("{day}T10:00:00Z"));
        if day.day() == 1 || n % 9 == 4 {
            self.shop.isp.bill(&day.to_string()).await;
        }
        for _ in 0..self.chance.below(9) {
            self.pays(day).await;
        }
        if n.is_multiple_of(2) {
            let (_, line) = self.anybody();
            let (seq, at) = (i64::try_from(n).unwrap() + 1, format!("{day}T09:00:00Z"));
            self.shop.isp.traffic(self.router, line, seq, &at, 3_000_000, 40_000).await;
        }
        match n % 5 {
            0 => self.moves(day).await,
            1 => self.pauses().await,
            2 => self.gives_back().await,
            _ => {}
        }
        if n % 11 == 7 {
            self.charges_back().await;
        }
        self.shop.isp.assert_books_agree().await;
    }
}

#[test]
fn the_books_agree_on_every_day_of_a_year_or_its_first_quarter() {
    story(async {
        let mut year = Year::begin().await;
        let first = NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day");
        let days = DAYS[usize::from(std::env::var_os("WEIR_WHOLE_YEAR").is_some())];
        let mut asked_hledger = 0;
        for n in 0..days {
            let day = first + Days::new(n);
            year.lives(day, n).await;
            if (day + Days::new(1)).day() == 1 {
                year.shop.isp.assert_hledger_agrees("").await;
                asked_hledger += 1;
            }
        }
        let books = year.shop.isp.get("/ledger/trial-balance").await.expect(200);
        let codes: Vec<_> =
            books["rows"].as_array().expect("rows").iter().map(|row| row["ledger_account"].clone()).collect();
        for code in ["1000", "1020", "1100", "2000", "2100", "4000"] {
            assert!(codes.contains(&json!(code)), "nothing was posted to {code}: {books}");
        }
        let agreed =
            json!({ "accounts": ACCOUNTS, "days_the_books_agreed": days, "times_hledger_agreed": asked_hledger });
        println!("{agreed}");
    });
}
