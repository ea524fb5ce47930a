//! Allowances that lines of an account share: what routers are told, what counts, and what people are told.

use serde_json::{Value, json};
use weir_cloud::fleet::jobs::RefreshPool;
use weir_cloud::fleet::sessions::Session;
use weir_cloud::ids::{PlanVersionId, RouterId, SubscriptionId};
use weir_cloud::jobs::Job;
use weir_cloud::{fair_use, usage};
use weir_protocol::desired::Allowance;
use weir_protocol::state::{FairUseReport, LineFairUse};
use weir_protocol::usage::Outcome;

use super::reports::{NOVEMBER_MS, OCTOBER_MS, TENTH_MS, log_of, published, session};
use super::{held, product, sell, standing, throttling, told, version};
use crate::ingest::Log;
use crate::money::harness::{Isp, story};

const TALLY: [u8; 8] = *b"tally  1";
const DAY_MS: u64 = 24 * 3600 * 1000;

/// A megabyte for all lines of an account.
fn family() -> Value {
    let mut plan = throttling();
    (plan["name"], plan["allowance_shared"]) = (json!("Family 20"), json!(true));
    plan
}

/// Two lines of one account on a router, and the router's agent.
struct Family {
    isp: Isp,
    router: RouterId,
    plan: PlanVersionId,
    lines: [SubscriptionId; 2],
    session: Session,
    log: Log,
}

async fn sold(slug: &str) -> Family {
    let isp = Isp::new(slug, "2026-10-10T10:00:00Z").await;
    let (router, plan) = (isp.router_named("r").await, version(&isp, family()).await);
    let account = isp.account("Ana").await;
    let lines =
        [isp.line(account, router, plan, "2026-10-01").await, isp.line(account, router, plan, "2026-10-01").await];
    let session = session(&isp, router, TALLY).await;
    for line in lines {
        told(&isp, router, line).await;
    }
    Family { isp, router, plan, lines, session, log: log_of(router) }
}

impl Family {
    /// What each of these handles moved, in a record of the router.
    async fn moved(&mut self, moved: &[(u32, u64)], end_ms: u64) {
        let record = self.log.of_lines(&TALLY, moved, end_ms);
        assert_eq!(usage::apply(&self.isp.app, self.session, &record).await.unwrap().outcome, Outcome::Applied);
    }

    async fn first_held(&self, line: SubscriptionId) -> Allowance {
        held(&self.isp, self.router, line).await.allowances.remove(0)
    }

    async fn report(&self, line: SubscriptionId, used_bytes: u64, limit_bytes: u64) {
        let id = line.uuid().as_bytes().to_vec();
        let told = LineFairUse {
            id,
            start_ms: OCTOBER_MS,
            end_ms: NOVEMBER_MS,
            used_bytes,
            limit_bytes,
            ..LineFairUse::default()
        };
        fair_use::report(&self.isp.app, self.session, &FairUseReport { lines: vec![told] }).await.unwrap();
    }
}

/// Does what waits to be told to other routers; answers how often.
async fn work_off(isp: &Isp) -> usize {
    let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
    let waiting: Vec<Value> = sqlx::query_scalar(
        "UPDATE platform.jobs SET done_at = now() WHERE kind = $1 AND done_at IS NULL AND tenant_id = $2 RETURNING payload",
    )
    .bind(RefreshPool::KIND)
    .bind(isp.tenant.uuid())
    .fetch_all(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    for payload in &waiting {
        let job: RefreshPool = serde_json::from_value(payload.clone()).unwrap();
        job.run(isp.app.clone(), isp.scope()).await.unwrap();
    }
    waiting.len()
}

#[test]
fn lines_of_an_account_on_a_plan_that_shares_are_one_pool_with_one_allowance() {
    story(async {
        let mut family = sold("pool").await;
        let (isp, router, [one, two]) = (&family.isp, family.router, family.lines);
        let (first, second) = (held(isp, router, one).await, held(isp, router, two).await);
        assert_eq!((first.pool.len(), &first.pool, &first.allowances), (16, &second.pool, &second.allowances));
        assert_eq!((first.allowances[0].bytes, first.allowances[0].start_ms), (1_000_000, OCTOBER_MS));
        // Neighbours share with each other alone, and other plans not at all.
        let neighbour = isp.line(isp.account("Ben").await, router, family.plan, "2026-10-01").await;
        assert_ne!(told(isp, router, neighbour).await.pool, first.pool);
        let alone = version(isp, throttling()).await;
        let alone = isp.line(isp.account("Cem").await, router, alone, "2026-10-01").await;
        assert!(told(isp, router, alone).await.pool.is_empty());

        family.moved(&[(1, 300_000), (2, 50_000)], TENTH_MS).await;
        assert_eq!(work_off(&family.isp).await, 0, "nobody else need hear of it");
        assert_eq!(told(&family.isp, router, one).await, first, "the router counts them itself");
        let now = standing(&family.isp, two).await;
        assert_eq!((&now["used_bytes"], &now["own_used_bytes"]), (&json!(350_000), &json!(50_000)));
        assert_eq!((&now["remaining_bytes"], &now["sharing_lines"]), (&json!(650_000), &json!(2)));
        let now = standing(&family.isp, alone).await;
        assert_eq!((&now["sharing_lines"], &now["own_used_bytes"]), (&json!(null), &json!(null)));
        let page = family.isp.page(&format!("/subscriptions/{two}")).await.text;
        assert!(page.contains("Shared by") && page.contains("2 lines"), "{page}");
    });
}

#[test]
fn what_moved_on_another_router_is_told_once_for_all_records_of_a_while() {
    story(async {
        let mut family = sold("apart").await;
        let (router, [one, two]) = (family.router, family.lines);
        let other = family.isp.router_named("s").await;
        let account = family.isp.get(&format!("/subscriptions/{one}")).await.expect(200)["account_id"].clone();
        let account = account.as_str().unwrap().parse().unwrap();
        let far = family.isp.line(account, other, family.plan, "2026-10-01").await;
        let there = session(&family.isp, other, *b"tally  2").await;
        assert_eq!(told(&family.isp, other, far).await.pool, held(&family.isp, router, one).await.pool);
        work_off(&family.isp).await;
        for _ in 0..2 {
            family.moved(&[(1, 100_000), (2, 50_000)], TENTH_MS).await;
        }
        assert_eq!(work_off(&family.isp).await, 1);
        assert_eq!(held(&family.isp, other, far).await.allowances[0].elsewhere_bytes, 300_000);
        assert_eq!(family.first_held(one).await.elsewhere_bytes, 0);
        let record = log_of(other).of_lines(b"tally  2", &[(1, 7_000)], TENTH_MS);
        usage::apply(&family.isp.app, there, &record).await.unwrap();
        assert_eq!(work_off(&family.isp).await, 1);
        assert_eq!(held(&family.isp, other, far).await.allowances[0].elsewhere_bytes, 300_000);
        for line in [one, two] {
            assert_eq!(family.first_held(line).await.elsewhere_bytes, 7_000);
            assert_eq!(standing(&family.isp, line).await["used_bytes"], 307_000);
        }
    });
}

#[test]
fn a_line_that_joins_brings_nothing_and_one_that_leaves_takes_nothing_along() {
    story(async {
        let mut family = sold("joins").await;
        let (router, [one, two]) = (family.router, family.lines);
        let single = version(&family.isp, throttling()).await;
        let account = family.isp.get(&format!("/subscriptions/{one}")).await.expect(200)["account_id"].clone();
        let third = family.isp.line(account.as_str().unwrap().parse().unwrap(), router, single, "2026-10-01").await;
        told(&family.isp, router, third).await;
        family.moved(&[(1, 100_000), (2, 20_000), (3, 400_000)], TENTH_MS - 2 * DAY_MS).await;
        let family_plan = json!({ "plan_version_id": family.plan, "effective_on": "2026-10-10" });
        family.isp.post(&format!("/subscriptions/{third}/change-plan"), family_plan).await.expect(200);
        // What the router's tally holds of it is added to what is included.
        for line in [one, two, third] {
            let first = family.first_held(line).await;
            assert_eq!((first.elsewhere_bytes, first.bytes), (0, 1_400_000));
            let now = standing(&family.isp, line).await;
            assert_eq!((&now["used_bytes"], &now["allowance_bytes"]), (&json!(120_000), &json!(1_000_000)));
        }
        // The router sees both together; people are told of what is theirs.
        family.report(one, 1_150_000, 1_400_000).await;
        assert!(published(&family.isp).await.is_empty());
        family.report(one, 1_200_000, 1_400_000).await;
        assert_eq!(published(&family.isp).await, [80]);
        assert_eq!(standing(&family.isp, two).await["used_bytes"], 120_000);
        assert_eq!(standing(&family.isp, one).await["used_bytes"], 800_000);
        // What it moved just before is heard of later.
        family.moved(&[(3, 1_000)], TENTH_MS - DAY_MS).await;
        assert_eq!(work_off(&family.isp).await, 1);
        assert_eq!(family.first_held(two).await.bytes, 1_401_000);

        family.moved(&[(3, 30_000)], TENTH_MS).await;
        let end = json!({ "ends_on": "2026-10-10" });
        family.isp.post(&format!("/subscriptions/{third}/end"), end).await.expect(200);
        for line in [one, two] {
            let first = family.first_held(line).await;
            assert_eq!((first.elsewhere_bytes, first.bytes), (0, 1_000_000), "it was never in the pool");
        }
        family.isp.now_is("2026-10-11T10:00:00Z").await;
        family.moved(&[(2, 5_000)], TENTH_MS + DAY_MS).await;
        let end = json!({ "ends_on": "2026-10-11" });
        family.isp.post(&format!("/subscriptions/{two}/end"), end).await.expect(200);
        assert_eq!(family.first_held(one).await.elsewhere_bytes, 20_000, "until its last day");
        let now = standing(&family.isp, one).await;
        assert_eq!((&now["sharing_lines"], &now["own_used_bytes"]), (&json!(1), &json!(100_000)));
    });
}

#[test]
fn what_is_bought_on_one_line_is_for_all_of_them() {
    story(async {
        let family = sold("bought").await;
        let (isp, [one, two]) = (&family.isp, family.lines);
        let more = product(isp, "More", 500_000, "1.00").await;
        let until = sell(isp, one, &more, "1").await.expect(201)["until_on"].clone();
        assert_eq!(until, "2026-11-01");
        for line in [one, two] {
            let bought = family.first_held(line).await.top_ups;
            assert_eq!((bought.len(), bought[0].bytes, bought[0].until_ms), (1, 500_000, NOVEMBER_MS));
            let now = standing(isp, line).await;
            assert_eq!((&now["top_up_bytes"], &now["remaining_bytes"]), (&json!(500_000), &json!(1_500_000)));
        }
        assert_eq!(standing(isp, two).await["top_ups"], json!([]), "it was bought on the other one");
    });
}

#[test]
fn an_invoice_says_what_each_line_moved_and_charges_nothing_for_it() {
    story(async {
        let mut family = sold("invoiced").await;
        family.moved(&[(1, 1_300_000), (2, 200_000)], TENTH_MS).await;
        family.isp.now_is("2026-11-02T10:00:00Z").await;
        family.isp.bill("2026-11-02").await;
        let invoices = family.isp.get("/invoices").await.expect(200);
        let invoice = family.isp.get(&format!("/invoices/{}", invoices["items"][0]["id"].as_str().unwrap())).await;
        let lines = invoice.expect(200)["lines"].as_array().unwrap().clone();
        let usage = lines.iter().filter(|line| line["kind"] == "usage");
        let usage: Vec<_> =
            usage.map(|line| (&line["down_bytes"], &line["included_bytes"], &line["net"]["amount"])).collect();
        let (one, two) = (json!(1_300_000), json!(200_000));
        let (nothing, free) = (json!(null), json!("0.00"));
        assert_eq!(usage, [(&one, &nothing, &free), (&two, &nothing, &free)]);
    });
}

#[test]
fn one_warning_is_given_for_all_lines_that_share() {
    story(async {
        let family = sold("warned").await;
        for used in [799_999, 800_000, 1_000_000] {
            for line in family.lines {
                family.report(line, used, 1_000_000).await;
            }
        }
        assert_eq!(published(&family.isp).await, [80, 100]);
        let mut tx = family.isp.app.db.read(&family.isp.scope()).await.unwrap();
        let lines: Vec<Option<i64>> = sqlx::query_scalar(
            "SELECT (data ->> 'sharing_lines')::bigint FROM events WHERE kind = 'usage.threshold' ORDER BY id",
        )
        .fetch_all(tx.conn())
        .await
        .unwrap();
        assert_eq!(lines, [Some(2), Some(2)]);
    });
}

#[test]
fn what_all_of_them_left_is_carried_over() {
    story(async {
        let mut isp = Isp::new("left", "2026-10-10T10:00:00Z").await;
        let mut plan = family();
        plan["carry_over_bytes"] = json!(400_000);
        let (router, plan, account) =
            (isp.router_named("r").await, version(&isp, plan).await, isp.account("Ana").await);
        let one = isp.line(account, router, plan, "2026-10-01").await;
        let two = isp.line(account, router, plan, "2026-10-01").await;
        isp.traffic(router, one, 1, "2026-10-09T09:00:00Z", 500_000, 0).await;
        isp.traffic(router, two, 2, "2026-10-20T09:00:00Z", 200_000, 0).await;
        isp.now_is("2026-11-10T10:00:00Z").await;
        let allowances = told(&isp, router, two).await.allowances;
        let used: Vec<_> = allowances.iter().map(|allowance| allowance.elsewhere_bytes).collect();
        assert_eq!((allowances[0].start_ms, used), (OCTOBER_MS, vec![700_000, 0, 0, 0, 0]));
        assert_eq!(standing(&isp, one).await["carried_bytes"], 300_000);
    });
}

#[test]
fn an_allowance_is_shared_only_where_there_is_one_and_nothing_is_charged_beyond_it() {
    story(async {
        let isp = Isp::new("unshared", "2026-10-10T10:00:00Z").await;
        let mut unmetered = family();
        (unmetered["allowance_bytes"], unmetered["throttle"]) = (json!(null), json!(null));
        let mut charged = family();
        (charged["throttle"], charged["overage"]) =
            (json!(null), json!({ "block_bytes": 1_000, "price": { "amount": "0.50", "currency": "EUR" } }));
        for (plan, message) in
            [(unmetered, "needs an allowance"), (charged, "must not be beside a charge: choose one of them")]
        {
            let refused = isp.post("/plans", plan).await.expect(422);
            assert_eq!(refused["errors"], json!([{ "field": "allowance_shared", "message": message }]), "{refused}");
        }
        assert_eq!(isp.get("/plans").await.expect(200)["items"], json!([]));
        let form = "name=Family&rate_down=20&rate_up=5&price=20&currency=EUR&allowance=100&allowance_shared=yes";
        let refused = isp.form("/plans", &format!("{form}&overage.block=1&overage.price=0.5")).await;
        assert!(refused.status == 422 && refused.text.contains("Choose one: a charge"), "{}", refused.text);
        let made = isp.form("/plans", form).await;
        assert_eq!(made.status, 303, "{}", made.text);
        let page = isp.page(&made.location).await.text;
        assert!(page.contains("shared by the account"), "{page}");
        let again = isp.page(&format!("{}/versions/new", made.location)).await.text;
        let tick = again.split("<input").find(|input| input.contains("name=\"allowance_shared\"")).expect("a tick");
        assert!(tick.contains("checked"), "a further version begins as the last: {tick}");
    });
}
