//! A quarter of two hundred accounts, or with `WEIR_WHOLE_YEAR` a year: whatever people do, the books agree on every day.

mod doings;

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};
use serde_json::{Value, json};
use weir_cloud::ids::{AccountId, PlanVersionId, RouterId, SubscriptionId};

use super::shop::Shop;
use crate::money::harness::{move_to, story};
use crate::money::one_line;
use crate::money::world::{FIBRE, METERED, Plan};

const FASTER: Plan = Plan { name: "Fibre 500", price: "44.90", ..FIBRE };
const ACCOUNTS: usize = 200;
/// Days lived, and how many they are of a whole year.
const DAYS: [u64; 2] = [92, 365];
/// What the owner's program may do: it has no session that ends.
const SCOPES: [&str; 11] = [
    "view-billing",
    "manage-billing",
    "record-payments",
    "refund-payments",
    "issue-credit-notes",
    "manage-holds",
    "manage-subscriptions",
    "view-subscribers",
    "manage-subscribers",
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
    plans: [PlanVersionId; 5],
    lines: Vec<(AccountId, SubscriptionId)>,
    held: Vec<String>,
    /// Accounts that others pay for.
    paid_for: Vec<AccountId>,
    /// What the provider calls payments nobody has disputed, and disputes nobody has decided.
    paid: Vec<String>,
    disputed: Vec<String>,
    asked: usize,
    /// What was done, and not refused, at least once.
    done: BTreeSet<&'static str>,
}

impl Year {
    async fn begin() -> Self {
        let mut shop = Shop::new("year").await;
        shop.isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await;
        let inside = one_line::plan(&shop.isp, "Fibre 200", "29.90", &json!({ "tax_included": true })).await;
        let by_the_gigabyte = json!({ "traffic_price": {
            "tiers": [{ "up_to_bytes": 2_000_000, "per_gigabyte": "900" }, { "per_gigabyte": "345.678901" }] } });
        let metered = one_line::plan(&shop.isp, "Radio by the gigabyte", "9.90", &by_the_gigabyte).await;
        let made = shop.isp.post("/api-keys", json!({ "name": "Year", "scopes": SCOPES })).await.expect(201);
        made["key"].as_str().expect("a key").clone_into(&mut shop.isp.token);
        let router = shop.isp.router_named("r").await;
        let mut plans = [inside, metered, inside, inside, inside];
        for (place, plan) in [&FIBRE, &FASTER, &METERED].into_iter().enumerate() {
            plans[place + 2] = shop.isp.plan(plan).await;
        }
        let mut lines = Vec::new();
        for n in 0..ACCOUNTS {
            let account = shop.isp.account(&format!("Subscriber {n}")).await;
            lines.push((account, shop.isp.line(account, router, plans[n % 5], "2026-11-01").await));
        }
        let (held, paid_for, paid, disputed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            shop,
            chance: Chance(2026),
            router,
            plans,
            lines,
            held,
            paid_for,
            paid,
            disputed,
            asked: 0,
            done: BTreeSet::new(),
        }
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
        match n % 9 {
            0 | 5 => self.moves(day).await,
            1 => self.holds().await,
            2 | 7 => self.gives_back().await,
            3 => self.pauses(day).await,
            4 => self.deals().await,
            6 => self.pays_for().await,
            _ => self.asks_ahead(day).await,
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
        assert_eq!(Vec::from_iter(year.done), ["ask ahead", "discount", "move", "pause", "pay", "pay no more"]);
        let agreed =
            json!({ "accounts": ACCOUNTS, "days_the_books_agreed": days, "times_hledger_agreed": asked_hledger });
        println!("{agreed}");
    });
}
