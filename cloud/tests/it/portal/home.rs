//! The first page, the languages, changing the plan, a host name of one's own.

use serde_json::json;

use super::harness::{Browser, bill, sell, shop, today};
use crate::harness::run;
use crate::pages::unwritten;

#[test]
fn the_first_page_says_how_the_line_and_the_money_stand() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let sold = sell(&isp, &shop, "Amara Okafor", "amara@home.example", &shop.small, "10.20.0.2/32").await;
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &sold.subscriber).await;
        let page = browser.get("").await;
        assert!(page.text.contains("Your line runs at its full speed."), "{}", page.text);
        let used = page.text.replace(['\u{a0}', '\u{202f}'], " ");
        assert!(used.contains("0 B of 1 GB used"), "{used}");
        assert!(page.text.contains("Everything is paid."), "{}", page.text);
        let less = json!({ "name": "Loyal", "percent": "10" });
        isp.post(&format!("/api/v1/subscriptions/{}/discounts", sold.line), less).await.expect(201);
        assert!(browser.get("").await.text.contains("Loyal · 10 %"));
        let once =
            json!({ "description": "Router", "unit_price": { "amount": "5.00", "currency": "EUR" }, "reference": "1" });
        isp.post(&format!("/api/v1/accounts/{}/charges", sold.account), once).await.expect(201);
        let bills = browser.get("/bills").await;
        assert!(bills.text.contains("On your next bill") && bills.text.contains("Router"), "{}", bills.text);
        bill(&isp, &today(&isp).to_string(), &sold.account).await;
        let standing = isp.get(&format!("/api/v1/accounts/{}/standing", sold.account)).await;
        let page = browser.get("").await;
        assert!(
            page.text.contains("To be paid by") || page.text.contains("overdue"),
            "{} {}",
            standing.text,
            page.text
        );
        assert!(page.text.contains("/pay/"), "where to pay: {}", page.text);
        let how = json!({ "how_to_pay": "IBAN ES00 1234" });
        isp.patch("/api/v1/portal-settings", how).await.expect(200);
        assert!(browser.get("").await.text.contains("IBAN ES00 1234"));
        let hold = json!({ "kind": "unpaid", "effect": "walled_garden", "reason": "A word among colleagues" });
        isp.post(&format!("/api/v1/subscriptions/{}/holds", sold.line), hold).await.expect(201);
        let page = browser.get("").await;
        assert!(page.text.contains("limited because a bill is overdue"), "{}", page.text);
        assert!(page.text.contains("Pay what is overdue"), "{}", page.text);
        assert!(!page.text.contains("A word among colleagues"), "reasons are for staff: {}", page.text);
        let refused = browser.get(&format!("/lines/{}/plan/{}", sold.line, shop.large)).await;
        assert!(refused.status == 409 && refused.text.contains("cannot be changed now"), "{}", refused.text);
    });
}

#[test]
fn whoever_is_paid_for_sees_who_pays_and_who_pays_sees_for_what() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let ana = sell(&isp, &shop, "Ana Lima", "ana@home.example", &shop.small, "10.20.0.2/32").await;
        let lord = sell(&isp, &shop, "Landlord", "lord@home.example", &shop.small, "10.20.0.3/32").await;
        let pays = json!({ "payer_id": lord.account });
        isp.put(&format!("/api/v1/accounts/{}/payer", ana.account), pays).await.expect(200);
        bill(&isp, &today(&isp).to_string(), &lord.account).await;

        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &ana.subscriber).await;
        let page = browser.get("").await;
        assert!(page.text.contains("Landlord pays for"), "{}", page.text);
        assert!(!page.text.contains("To be paid by") && !page.text.contains("/pay/"), "{}", page.text);
        let bills = browser.get("/bills").await;
        assert!(bills.status == 200 && !bills.text.contains("INV-"), "{}", bills.text);

        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &lord.subscriber).await;
        let page = browser.get("").await;
        assert!(page.text.contains("To be paid by") || page.text.contains("overdue"), "{}", page.text);
        let bills = browser.get("/bills").await;
        assert!(bills.text.contains("You also pay for") && bills.text.contains("Ana Lima · "), "{}", bills.text);
    });
}

#[test]
fn a_cap_says_more_than_a_hold_that_slows_and_each_sentence_stands_where_it_belongs() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let plan = json!({
            "name": "Stairs", "rate_down_bps": 20_000_000, "rate_up_bps": 5_000_000,
            "price": { "amount": "20.00", "currency": "EUR" }, "allowance_bytes": 1_000_000_000,
            "throttle": { "rate_down_bps": 2_000_000, "rate_up_bps": 500_000 },
            "steps": [{ "over_bytes": 500_000_000, "cap": true }], "carry_over_bytes": 400_000_000,
        });
        let plan = isp.post("/api/v1/plans", plan).await.expect(201)["versions"][0]["id"].clone();
        let plan = plan.as_str().expect("an id");
        let sold = sell(&isp, &shop, "Amara Okafor", "amara@stairs.example", plan, "10.20.0.2/32").await;
        let mut tx = cloud.app.db.begin(&weir_cloud::db::Scope::system(isp.tenant)).await.expect("a transaction");
        let line: weir_cloud::ids::SubscriptionId = sold.line.parse().expect("an id");
        sqlx::query(
            "INSERT INTO fair_use_standings (tenant_id, subscription_id, period, used_bytes, limit_bytes, rule, since_at, reported_at, step)
             VALUES ($1, $2, tstzrange(now() - interval '5 days', now() + interval '5 days'), 1500000000, 1000000000, 'capped', now(), now(), 1)",
        )
        .bind(isp.tenant.uuid())
        .bind(line.uuid())
        .execute(tx.conn())
        .await
        .expect("told");
        tx.commit().await.expect("committed");
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &sold.subscriber).await;
        let usage = browser.get(&format!("/lines/{}/usage", sold.line)).await.text;
        let at = |words: &str| usage.find(words).unwrap_or_else(|| panic!("{words}: {usage}"));
        assert!(at("So it is since") < at("is yours in the next period, too."), "{usage}");
        let capped = "because your volume is used up";
        assert!(browser.get("").await.text.contains(capped));
        let hold = json!({ "kind": "abuse", "effect": "throttled", "reason": "Many mails" });
        isp.post(&format!("/api/v1/subscriptions/{}/holds", sold.line), hold).await.expect(201);
        let page = browser.get("").await.text;
        assert!(page.contains(capped), "{page}");
        let hold = json!({ "kind": "manual", "effect": "closed", "reason": "Moved" });
        isp.post(&format!("/api/v1/subscriptions/{}/holds", sold.line), hold).await.expect(201);
        assert!(!browser.get("").await.text.contains(capped), "a hold as strict or stricter stays what it is");
    });
}

#[test]
fn a_shared_volume_is_told_as_one_with_what_each_line_used_of_it() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let plan = json!({
            "name": "Family", "rate_down_bps": 20_000_000, "rate_up_bps": 5_000_000, "offered_in_portal": true,
            "price": { "amount": "20.00", "currency": "EUR" }, "allowance_bytes": 1_000_000_000, "allowance_shared": true,
        });
        let mut larger = plan.clone();
        let plan = isp.post("/api/v1/plans", plan).await.expect(201)["versions"][0]["id"].clone();
        let sold =
            sell(&isp, &shop, "Amara Okafor", "amara@family.example", plan.as_str().unwrap(), "10.20.0.2/32").await;
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &sold.subscriber).await;
        assert!(!browser.get("").await.text.contains("lines share it"), "it is the only one");
        let line = isp.get(&format!("/api/v1/subscriptions/{}", sold.line)).await.expect(200);
        let wish = json!({
            "account_id": sold.account, "service_location_id": line["service_location_id"], "plan_version_id": plan,
            "router_id": shop.router, "starts_on": "2026-01-01", "prefixes": ["10.20.0.3/32"],
        });
        isp.post("/api/v1/subscriptions", wish).await.expect(201);
        let from = isp.get(&format!("/api/v1/subscriptions/{}/fair-use", sold.line)).await.expect(200)["from"].clone();
        let mut tx = cloud.app.db.begin(&weir_cloud::db::Scope::system(isp.tenant)).await.expect("a transaction");
        let id: weir_cloud::ids::SubscriptionId = sold.line.parse().expect("an id");
        sqlx::query(
            "INSERT INTO fair_use_standings (tenant_id, subscription_id, period, used_bytes, limit_bytes, rule, reported_at)
             SELECT s.tenant_id, s.id, tstzrange($2::date::timestamp AT TIME ZONE a.time_zone, NULL), 400000000, 1000000000, 'sold', now()
             FROM subscriptions s JOIN accounts a ON a.id = s.account_id WHERE s.id = $1",
        )
        .bind(id.uuid())
        .bind(from.as_str().expect("a day").parse::<chrono::NaiveDate>().expect("a day"))
        .execute(tx.conn())
        .await
        .expect("told");
        tx.commit().await.expect("committed");
        for path in ["".to_owned(), format!("/lines/{}/usage", sold.line)] {
            let page = browser.get(&path).await.text.replace(['\u{a0}', '\u{202f}'], " ");
            assert!(page.contains("400 MB of 1 GB used"), "{page}");
            assert!(page.contains("2 lines share it; this one has used 0 B of it."), "{page}");
        }
        larger["name"] = json!("Clan");
        isp.post("/api/v1/plans", larger).await.expect(201);
        let offers = browser.get(&format!("/lines/{}/plan", sold.line)).await.text;
        assert!(offers.contains("All lines of your account on this plan share it."), "{offers}");
    });
}

#[test]
fn every_page_speaks_every_language() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let sold = sell(&isp, &shop, "Amara Okafor", "amara@lang.example", &shop.middle, "10.20.0.2/32").await;
        bill(&isp, &today(&isp).to_string(), &sold.account).await;
        let stranger = Browser::of(&isp).await;
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &sold.subscriber).await;
        let line = &sold.line;
        let mine = ["", "/bills", "/account", "/help", "/nothing"].map(str::to_owned).into_iter().chain([
            format!("/lines/{line}/usage"),
            format!("/lines/{line}/plan"),
            format!("/lines/{line}/plan/{}", shop.large),
        ]);
        let mine: Vec<_> = mine.collect();
        for lang in ["en", "es", "pt-BR", "fr", "ar"] {
            let back = format!("/portal/{}/account", browser.slug);
            let changed = browser.post("/language", &format!("language={lang}&back={back}")).await;
            assert_eq!((changed.status, changed.location.as_str()), (303, back.as_str()));
            let chosen = ("cookie", format!("weir_portal_language={lang}"));
            for path in &mine {
                let page = browser.get(path).await;
                spoken(&page.text, lang, path);
            }
            for path in ["/sign-in", "/link", "/sign-up", "/sign-up/thanks", "/set-password/none"] {
                let path = format!("/portal/{}{path}", stranger.slug);
                let page = stranger.send("GET", &path, None, &[(chosen.0, &chosen.1)]).await;
                spoken(&page.text, lang, &path);
            }
        }
        let away = browser.post("/language", "language=fr&back=//evil.example/").await;
        assert_eq!(away.location, format!("/portal/{}", browser.slug), "nobody is sent elsewhere");
    });
}

#[track_caller]
fn spoken(text: &str, lang: &str, path: &str) {
    assert_eq!(text.matches("<h1>").count(), 1, "{lang} {path}: {text}");
    assert!(text.contains(&format!("<html lang=\"{lang}\"")), "{lang} {path}");
    assert!(unwritten(text).is_empty(), "{lang} {path}: {:?}", unwritten(text));
    assert!(!text.contains("style=") && !text.contains("<script>"), "{lang} {path}");
}

#[test]
fn a_plan_is_changed_after_its_price_is_shown_and_once_a_day() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let sold = sell(&isp, &shop, "Amara Okafor", "amara@plan.example", &shop.middle, "10.20.0.2/32").await;
        bill(&isp, &today(&isp).to_string(), &sold.account).await;
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &sold.subscriber).await;
        let line = format!("/lines/{}/plan", sold.line);
        let choices = browser.get(&line).await;
        assert!(choices.text.contains("Fibre 500") && choices.text.contains("Radio 20"), "{}", choices.text);
        let chosen = browser.post(&line, &format!("plan_version_id={}", shop.large)).await;
        assert_eq!(chosen.location, format!("/portal/{}{line}/{}", browser.slug, shop.large));

        let before = crate::refusals::rows(cloud, isp.tenant).await;
        let asked = browser.get(&format!("{line}/{}", shop.large)).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        assert!(asked.text.contains("Change to Fibre 500?") && asked.text.contains("€45.00"), "{}", asked.text);
        let cheaper = browser.get(&format!("{line}/{}", shop.small)).await;
        assert!(cheaper.text.contains("The new plan would begin on 1 "), "with the next period: {}", cheaper.text);
        let changed = crate::refusals::difference(&before, &crate::refusals::rows(cloud, isp.tenant).await);
        assert_eq!(changed, Vec::<String>::new(), "asking changed something");

        let done = browser.post(&format!("{line}/{}", shop.large), "").await;
        assert_eq!(done.status, 303, "{}", done.text);
        let now = isp.get(&format!("/api/v1/subscriptions/{}", sold.line)).await.expect(200);
        assert_eq!(now["plan_version_id"], json!(shop.large));
        let again = browser.post(&format!("{line}/{}", shop.middle), "").await;
        assert!(again.status == 409 && again.text.contains("within the last day"), "{}", again.text);
        let mut tx = cloud.app.db.read(&weir_cloud::db::Scope::system(isp.tenant)).await.expect("read");
        let actor: String =
            sqlx::query_scalar("SELECT actor FROM audit_entries WHERE action = 'change plan' AND subject = $1")
                .bind(&sold.line)
                .fetch_one(tx.conn())
                .await
                .expect("the audit entry");
        assert_eq!(actor, sold.subscriber);
    });
}

#[test]
fn a_plan_that_is_not_offered_is_not_there_to_choose() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let sold = sell(&isp, &shop, "Amara Okafor", "amara@offer.example", &shop.middle, "10.20.0.2/32").await;
        let plans = isp.get("/api/v1/plans").await.expect(200);
        let large =
            plans["items"].as_array().expect("plans").iter().find(|plan| plan["name"] == "Fibre 500").expect("it");
        let path = format!("/api/v1/plans/{}", large["id"].as_str().expect("an id"));
        let withhold = Some(json!({ "offered_in_portal": false }));
        let plan = cloud.ask(Some(&isp.owner), axum::http::Method::PATCH, &path, withhold).await.expect(200);
        assert_eq!(plan["offered_in_portal"], json!(false));
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &sold.subscriber).await;
        assert!(!browser.get(&format!("/lines/{}/plan", sold.line)).await.text.contains("Fibre 500"));
        let refused = browser.post(&format!("/lines/{}/plan/{}", sold.line, shop.large), "").await;
        assert!(refused.status == 409 && refused.text.contains("This plan cannot be chosen"), "{}", refused.text);
        assert!(!browser.get("/sign-up").await.text.contains("Fibre 500"));
    });
}

#[test]
fn a_host_name_of_its_own_leads_to_the_portal_and_nothing_else() {
    run(|cloud| async move {
        let (isp, other) = (cloud.isp().await, cloud.isp().await);
        let host = format!("my-{}.example", Browser::of(&isp).await.slug);
        let patch = async |isp: &crate::harness::Isp, host: &str| {
            let wish = Some(json!({ "host": host }));
            cloud.ask(Some(&isp.owner), axum::http::Method::PATCH, "/api/v1/portal-settings", wish).await
        };
        for wrong in ["nodots", "-a.example", "a b.example", "10.0.0.1", "https://a.example"] {
            assert_eq!(patch(&isp, wrong).await.refused(422, "invalid")["errors"][0]["field"], "host", "{wrong}");
        }
        let browser = Browser::of(&isp).await;
        let settings = patch(&isp, &host.to_uppercase()).await.expect(200);
        assert!(settings["address"].as_str().expect("an address").contains(&host), "{settings}");
        patch(&other, &host).await.refused(409, "portal-host-taken");
        let at = [("host", host.as_str())];
        let home = browser.send("GET", "/", None, &at).await;
        assert_eq!((home.status, home.location.as_str()), (303, "/sign-in"));
        let sign_in = browser.send("GET", "/sign-in", None, &at).await;
        assert!(sign_in.status == 200 && sign_in.text.contains("action=\"/sign-in\""), "{}", sign_in.text);
        for staff in ["/subscribers", "/api/v1/me", "/log-in", "/metrics"] {
            assert_eq!(browser.send("GET", staff, None, &at).await.status, 404, "{staff}");
        }
        patch(&isp, "").await.expect(200);
        assert_ne!(browser.send("GET", "/", None, &at).await.location, "/sign-in");
    });
}
