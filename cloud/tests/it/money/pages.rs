//! The screens of money: what staff see of it and what they may do to it.

use serde_json::{Value, json};
use weir_cloud::http::permission::Role;
use weir_cloud::ids::{AccountId, PlanVersionId, SubscriptionId};

use super::harness::{Isp, Page, story};
use super::world::{FIBRE, METERED, Plan};
use crate::pages::unwritten;

/// An ISP that billed one line on 1 November, 30.00 and no tax, due on the 15th.
struct Billed {
    isp: Isp,
    account: AccountId,
    line: SubscriptionId,
    better: PlanVersionId,
    invoice: String,
    run: String,
}

async fn billed(slug: &str) -> Billed {
    let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    isp.settings(json!({ "payment_terms_days": 14, "grace_days": 7 })).await;
    let (router, plan) = (isp.router_named("Edge 1").await, isp.plan(&FIBRE).await);
    let better = isp.plan(&Plan { name: "Fibre 500", price: "45.00", ..FIBRE }).await;
    let account = isp.account("Amara Okafor").await;
    let line = isp.line(account, router, plan, "2026-11-01").await;
    let run = text(&isp.bill("2026-11-01").await["id"]);
    let invoice = text(&isp.get("/invoices").await.expect(200)["items"][0]["id"]);
    Billed { isp, account, line, better, invoice, run }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn count(isp: &Isp, path: &str) -> usize {
    isp.get(path).await.expect(200)["items"].as_array().expect("items").len()
}

/// The value a form's field holds.
fn value_of(page: &Page, name: &str) -> String {
    let field = page.text.split("<input").find(|input| input.contains(&format!("name=\"{name}\""))).expect("the field");
    let value = field.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}

/// The payment form of a page, with another amount.
fn pays(page: &Page, amount: &str) -> String {
    let field = |name: &str| value_of(page, name).replace(' ', "+");
    let carried = ["account_id", "currency", "received_on", "key"].map(|name| format!("{name}={}", field(name)));
    format!("amount={amount}&reference=&{}", carried.join("&"))
}

#[track_caller]
fn leads(page: &Page, begin: &str) -> String {
    assert_eq!(page.status, 303, "{}", page.text);
    assert!(page.location.starts_with(begin), "{} does not begin with {begin}", page.location);
    page.location.clone()
}

/// Addresses that need a permission to see money; then those that need one to change something.
async fn addresses(world: &Billed) -> (Vec<String>, Vec<String>) {
    let Billed { isp, account, line, better, invoice, run } = world;
    let form = isp.page(&format!("/payments/new?account_id={account}")).await;
    let payment = leads(&isp.form("/payments", &pays(&form, "10.00")).await, "/payments/pay_");
    let plan = text(&isp.get("/plans").await.expect(200)["items"][0]["id"]);
    let router = text(&isp.get("/routers").await.expect(200)["items"][0]["id"]);
    let site = text(&isp.get("/sites").await.expect(200)["items"][0]["id"]);
    let subscriber = text(&isp.get("/subscribers").await.expect(200)["items"][0]["id"]);
    let seen = vec![
        "/invoices".into(),
        "/invoices?status=open&q=inv".into(),
        format!("/invoices?status=paid&account_id={account}"),
        format!("/invoices/{invoice}"),
        "/payments".into(),
        payment,
        "/billing-runs".into(),
        format!("/billing-runs/{run}"),
        "/ledger".into(),
        format!("/ledger?account_id={account}"),
    ];
    let changed = vec![
        format!("/payments/new?account_id={account}"),
        "/billing-runs/new".into(),
        "/overdue-checks".into(),
        format!("/plans/{plan}/versions/new"),
        format!("/plans/{plan}/retire"),
        format!("/subscriptions/{line}/change-plan"),
        format!("/subscriptions/{line}/change-plan/confirm?plan_version_id={better}&effective_on=2026-11-16"),
        format!("/subscriptions/{line}/end"),
        format!("/subscriptions/{line}/end/confirm?ends_on=2026-11-20"),
        format!("/subscribers/{subscriber}/edit"),
        format!("/routers/{router}/edit"),
        format!("/routers/{router}/remove"),
        format!("/routers/{router}/revoke"),
        format!("/routers/{router}/confirm-removals"),
        format!("/sites/{site}/remove"),
    ];
    (seen, changed)
}

#[test]
fn every_page_renders_in_every_language() {
    story(async {
        let world = billed("languages").await;
        let (mut pages, changes) = addresses(&world).await;
        let plan = text(&world.isp.get("/plans").await.expect(200)["items"][0]["id"]);
        pages.extend(changes);
        pages.extend([format!("/accounts/{}", world.account), format!("/plans/{plan}"), "/".into()]);
        for lang in ["en", "es", "pt-BR", "fr", "ar"] {
            leads(&world.isp.form("/preferences", &format!("language={lang}&theme=light")).await, "/preferences");
            for path in &pages {
                let page = world.isp.page(path).await;
                assert_eq!(page.status, 200, "{lang} {path}: {}", page.text);
                assert_eq!(page.text.matches("<h1>").count(), 1, "{lang} {path}");
                assert!(unwritten(&page.text).is_empty(), "{lang} {path}: {:?}", unwritten(&page.text));
            }
        }
    });
}

#[test]
fn each_role_sees_and_changes_what_it_may() {
    story(async {
        let world = billed("roles").await;
        let (seen, changed) = addresses(&world).await;
        let isp = &world.isp;
        let (reader, network) = (isp.session_of(Role::ReadOnly).await, isp.session_of(Role::Network).await);
        for path in &seen {
            assert_eq!(isp.browse(&reader, path, None).await.status, 200, "{path}");
            assert_eq!(isp.browse(&network, path, None).await.status, 403, "{path}");
        }
        for path in &changed {
            assert_eq!(isp.browse(&reader, path, None).await.status, 403, "{path}");
        }
        let account = format!("/accounts/{}", world.account);
        let page = isp.browse(&network, &account, None).await;
        assert!(page.status == 200 && !page.text.contains("INV-") && !page.text.contains("/invoices"), "{}", page.text);
        let page = isp.browse(&reader, &format!("/invoices/{}", world.invoice), None).await;
        assert!(!page.text.contains("action=\"/payments\""), "{}", page.text);
        let refused = isp.browse(&reader, "/billing-runs", Some("as_of=2026-11-01")).await;
        assert_eq!(refused.status, 403);
    });
}

#[test]
fn another_isps_money_is_not_there() {
    story(async {
        let world = billed("theirs").await;
        let (seen, changed) = addresses(&world).await;
        let other = Isp::new("ours", "2026-11-01T10:00:00Z").await;
        let own = |path: &&String| path.contains('_') && !path.contains("?account_id") && !path.contains("&account_id");
        for path in seen.iter().filter(own).chain(changed.iter().filter(|path| path.contains('_'))) {
            let page = other.page(path).await;
            assert_eq!(page.status, 404, "{path}: {}", page.text);
            assert!(!page.text.contains("Amara"), "{path}");
        }
        let filtered = other.page(&format!("/invoices?account_id={}", world.account)).await;
        assert!(filtered.status == 200 && !filtered.text.contains("INV-"), "{}", filtered.text);
        let form = world.isp.page(&format!("/payments/new?account_id={}", world.account)).await;
        assert_eq!(other.form("/payments", &pays(&form, "5.00")).await.status, 404);
    });
}

#[test]
fn a_form_sent_twice_records_one_payment() {
    story(async {
        let Billed { isp, invoice, .. } = billed("twice").await;
        let page = isp.page(&format!("/invoices/{invoice}")).await;
        assert_eq!(value_of(&page, "amount"), "30.00");
        let form = pays(&page, "30.00");
        let (once, again) = tokio::join!(isp.form("/payments", &form), isp.form("/payments", &form));
        assert_eq!(leads(&once, "/payments/pay_"), leads(&again, "/payments/pay_"));
        assert_eq!(count(&isp, "/payments").await, 1);
        assert!(isp.page(&format!("/invoices/{invoice}")).await.text.contains("status ok"));

        let other = isp.form("/payments", &pays(&page, "31.00")).await;
        assert_eq!(other.status, 422);
        assert!(other.text.contains("has recorded a payment already"), "{}", other.text);
        assert_ne!(value_of(&other, "key"), value_of(&page, "key"));
        assert_eq!(count(&isp, "/payments").await, 1);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_payment_that_cannot_be_says_so_at_its_field_and_records_nothing() {
    story(async {
        let Billed { isp, account, .. } = billed("badform").await;
        let page = isp.page(&format!("/payments/new?account_id={account}")).await;
        let form = pays(&page, "30.00");
        for (wrong, said) in [
            (form.replace("30.00", "thirty"), "Enter an amount such as 44.90."),
            (form.replace("30.00", "30.001"), "Enter an amount such as 44.90."),
            (form.replace("30.00", "-1.00"), "Must be above zero."),
            (form.replace("2026-11-01", "2026-11-02"), "Must not be after today."),
            (form.replace("2026-11-01", "yesterday"), "Enter a date."),
            (form.replace("EUR", "USD"), "in another currency than the account"),
        ] {
            let refused = isp.form("/payments", &wrong).await;
            assert_eq!(refused.status, 422, "{wrong}: {}", refused.text);
            assert!(refused.text.contains(said), "{wrong}: {}", refused.text);
        }
        assert_eq!(isp.form("/payments", &form.replace("key=", "key=&other=")).await.status, 400);
        assert_eq!(count(&isp, "/payments").await, 0);
        // What was refused left the key free: the corrected form records.
        leads(&isp.form("/payments", &form).await, "/payments/pay_");
    });
}

#[test]
fn an_invoice_opens_as_a_document_from_its_page() {
    story(async {
        let Billed { isp, invoice, .. } = billed("paper").await;
        let address = format!("/invoices/{invoice}/pdf");
        assert!(isp.page(&format!("/invoices/{invoice}")).await.text.contains(&format!("href=\"{address}\"")));
        let document = isp.page(&address).await;
        assert_eq!((document.status, document.kind.as_str()), (200, "application/pdf"));
        assert!(document.text.starts_with("%PDF-"));
    });
}

#[test]
fn the_list_is_read_by_state_and_searched_by_number() {
    story(async {
        let Billed { mut isp, .. } = billed("chips").await;
        let has = |page: &Page| page.text.contains("INV-2026-000001");
        assert!(has(&isp.page("/invoices?status=open").await) && !has(&isp.page("/invoices?status=overdue").await));
        assert!(has(&isp.page("/invoices?q=0001").await) && !has(&isp.page("/invoices?q=0002").await));
        assert_eq!(isp.page("/invoices?status=lost").await.status, 422);
        isp.now_is("2026-11-13T10:00:00Z").await;
        assert!(isp.page("/invoices").await.text.contains("Due in 2 d"));
        isp.now_is("2026-11-20T10:00:00Z").await;
        let late = isp.page("/invoices?status=overdue").await;
        assert!(has(&late) && late.text.contains("Overdue 5 d"), "{}", late.text);
        assert!(isp.page("/").await.text.contains("invoices: 1"));
    });
}

#[test]
fn a_check_walls_off_after_being_asked_and_the_payment_shows_whom_it_let_out() {
    story(async {
        let Billed { mut isp, account, line, .. } = billed("checked").await;
        isp.now_is("2026-11-24T10:00:00Z").await;
        let ask = isp.page("/overdue-checks").await;
        assert!(ask.text.contains("after 7 days of grace") && ask.text.contains("Overdue 9 d"), "{}", ask.text);
        let done = isp.form("/overdue-checks", "").await;
        leads(&done, "/billing-runs");
        let toast = done.cookies.split(';').next().expect("a cookie").to_owned();
        let shown = isp.browse_with(&format!("{}; {toast}", isp.cookie()), "/billing-runs", None).await;
        assert!(shown.text.contains("Lines restricted: 1. Lines let out: 0."), "{}", shown.text);
        assert!(shown.cookies.starts_with("weir_toast=;"), "shown once: {}", shown.cookies);
        let forged = format!("{}; weir_toast=done-<b>", isp.cookie());
        assert!(!isp.browse_with(&forged, "/billing-runs", None).await.text.contains("class=\"toast\""));

        let form = isp.page(&format!("/payments/new?account_id={account}")).await;
        let payment = leads(&isp.form("/payments", &pays(&form, "30.00")).await, "/payments/pay_");
        let receipt = isp.page(&payment).await;
        for part in [format!("/subscriptions/{line}"), "INV-2026-000001".into(), "Cash on hand".into(), "Olga".into()] {
            assert!(receipt.text.contains(&part), "{part}: {}", receipt.text);
        }
    });
}

#[test]
fn a_run_is_started_from_its_page_and_found_again() {
    story(async {
        let Billed { mut isp, .. } = billed("started").await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        let far = isp.form("/billing-runs", "as_of=2027-02-01").await;
        assert!(far.status == 422 && far.text.contains("at most 31 days"), "{}", far.text);
        assert_eq!(count(&isp, "/billing-runs").await, 1);
        let run = leads(&isp.form("/billing-runs", "as_of=2026-12-01").await, "/billing-runs/run_");
        assert!(isp.page(&run).await.text.contains("<progress"));
        let other = isp.form("/billing-runs", "as_of=2026-12-02").await;
        assert!(other.status == 422 && other.text.contains("another billing run is still at work"), "{}", other.text);
        isp.bill("2026-12-01").await;
        let done = isp.page(&run).await;
        assert!(done.text.contains("INV-2026-000002") && done.text.contains("1 of 1"), "{}", done.text);
    });
}

#[test]
fn money_left_over_is_followed_to_the_invoice_it_settles() {
    story(async {
        let Billed { mut isp, account, .. } = billed("surplus").await;
        let form = isp.page(&format!("/payments/new?account_id={account}")).await;
        let payment = leads(&isp.form("/payments", &pays(&form, "40.00")).await, "/payments/pay_");
        assert!(!isp.page(&payment).await.text.contains("Credit used"));
        let standing = isp.page(&format!("/accounts/{account}")).await;
        assert!(standing.text.contains("€10.00 is the subscriber’s credit"), "{}", standing.text);
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let invoice = text(&isp.get("/invoices").await.expect(200)["items"][0]["id"]);
        for path in [payment, format!("/invoices/{invoice}")] {
            let page = isp.page(&path).await;
            for part in ["Credit used", "Subscribers’ credit", "€10.00", "INV-2026-000002"] {
                assert!(page.text.contains(part), "{path} {part}: {}", page.text);
            }
        }
    });
}

#[test]
fn the_ledger_balances_and_is_read_by_account() {
    story(async {
        let Billed { isp, account, .. } = billed("books").await;
        let page = isp.page("/ledger").await;
        for part in ["The books balance", "Trial balance", "Receivable", "Invoice INV-2026-000001", "€30.00"] {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
        assert!(isp.page(&format!("/ledger?account_id={account}")).await.text.contains("Invoice INV-2026-000001"));
        let nobody = isp.account("Nobody yet").await;
        assert!(!isp.page(&format!("/ledger?account_id={nobody}")).await.text.contains("INV-"));
    });
}

#[test]
fn a_plan_change_is_shown_to_the_cent_before_it_is_made() {
    story(async {
        let Billed { mut isp, account, line, better, .. } = billed("change").await;
        isp.now_is("2026-11-16T10:00:00Z").await;
        let path = format!("/subscriptions/{line}/change-plan");
        let wish = format!("plan_version_id={better}&effective_on=2026-11-16");
        let asked = leads(&isp.form(&path, &wish).await, &format!("{path}/confirm?"));
        let page = isp.page(&asked).await;
        // 15 of 30 days of 30.00 back, 15 of 30 days of 45.00 new.
        for part in ["\u{2212}€15.00", "€22.50", "€7.50", "Fibre 500"] {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
        let of = format!("/subscriptions/{line}");
        assert_eq!(isp.get(&of).await.expect(200)["plan_name"], "Fibre 100");
        leads(&isp.form(&format!("{path}/confirm"), &wish).await, &of);
        assert_eq!(isp.get(&of).await.expect(200)["plan_name"], "Fibre 500");
        isp.bill("2026-11-16").await;
        let standing = isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
        assert_eq!(standing["balance"]["amount"], "37.50");

        let before = isp.form(&path, &format!("plan_version_id={better}&effective_on=2026-10-01")).await;
        assert!(before.status == 422 && before.text.contains("outside the subscription"), "{}", before.text);
    });
}

#[test]
fn an_end_is_shown_to_the_cent_before_it_is_set() {
    story(async {
        let Billed { mut isp, line, .. } = billed("ending").await;
        isp.now_is("2026-11-16T10:00:00Z").await;
        let path = format!("/subscriptions/{line}/end");
        let asked = leads(&isp.form(&path, "ends_on=2026-11-21").await, &format!("{path}/confirm?"));
        let page = isp.page(&asked).await;
        assert!(page.text.contains("\u{2212}€10.00") && page.text.contains("button danger"), "{}", page.text);
        let of = format!("/subscriptions/{line}");
        assert_eq!(isp.get(&of).await.expect(200)["ends_on"], Value::Null);
        leads(&isp.form(&format!("{path}/confirm"), "ends_on=2026-11-21").await, &of);
        assert_eq!(isp.get(&of).await.expect(200)["ends_on"], "2026-11-21");
        assert_eq!(isp.form(&path, "ends_on=2026-10-01").await.status, 422);
    });
}

#[test]
fn a_plan_is_versioned_and_retired_from_its_page() {
    story(async {
        let isp = Isp::new("versions", "2026-11-01T10:00:00Z").await;
        isp.plan(&METERED).await;
        let plan = format!("/plans/{}", text(&isp.get("/plans").await.expect(200)["items"][0]["id"]));
        let page = isp.page(&format!("{plan}/versions/new")).await;
        assert_eq!((value_of(&page, "price"), value_of(&page, "overage.block")), ("20.00".into(), "0.0001".into()));
        let form =
            "rate_down=100&rate_up=2.5&price=25&currency=EUR&allowance=0.001&overage.block=0.0001&overage.price=0.5";
        let path = format!("{plan}/versions");
        for (from, to) in [
            ("rate_up=2.5", "rate_up=0"),
            ("price=25", "price=x"),
            ("overage.price=0.5", "overage.price="),
            ("allowance=0.001", "allowance="),
        ] {
            assert_eq!(isp.form(&path, &form.replace(from, to)).await.status, 422, "{to}");
        }
        assert_eq!(isp.get(&plan).await.expect(200)["versions"].as_array().expect("versions").len(), 1);
        leads(&isp.form(&path, form).await, &plan);
        let newest = isp.get(&plan).await.expect(200)["versions"][0].clone();
        assert_eq!(
            (newest["rate_up_bps"].as_i64(), newest["overage"]["block_bytes"].as_i64()),
            (Some(2_500_000), Some(100_000))
        );

        assert!(isp.page(&format!("{plan}/retire")).await.text.contains("Stop selling Radio 20?"));
        leads(&isp.form(&format!("{plan}/retire"), "").await, &plan);
        let late = isp.form(&path, form).await;
        assert!(late.status == 422 && late.text.contains("no longer sold"), "{}", late.text);
        assert!(!isp.page(&plan).await.text.contains("/retire"));
    });
}

#[test]
fn what_is_in_use_is_not_removed_and_what_is_not_is() {
    story(async {
        let Billed { isp, .. } = billed("removed").await;
        let router = format!("/routers/{}", text(&isp.get("/routers").await.expect(200)["items"][0]["id"]));
        let site = format!("/sites/{}", text(&isp.get("/sites").await.expect(200)["items"][0]["id"]));
        for path in [&router, &site] {
            let refused = isp.form(&format!("{path}/remove"), "").await;
            assert!(refused.status == 422 && refused.text.contains("Nothing was removed"), "{}", refused.text);
            assert_eq!(isp.page(path).await.status, 200);
        }
        leads(&isp.form(&format!("{router}/revoke"), "").await, &router);
        let again = isp.form(&format!("{router}/revoke"), "").await;
        assert!(again.status == 422 && again.text.contains("has no agent"), "{}", again.text);
        let empty = leads(&isp.form("/sites", "name=Empty&address=").await, "/sites/sit_");
        leads(&isp.form(&format!("{empty}/remove"), "").await, "/sites");
        assert_eq!(isp.page(&empty).await.status, 404);
        let edited = isp.form(&format!("{router}/edit"), "name=&lan_interface=lan0&wan_interface=wan0").await;
        assert_eq!(edited.status, 422);
    });
}

#[test]
fn a_subscriber_is_changed_and_old_invoices_keep_their_name() {
    story(async {
        let Billed { isp, .. } = billed("renamed").await;
        let subscriber = format!("/subscribers/{}", text(&isp.get("/subscribers").await.expect(200)["items"][0]["id"]));
        let wrong = isp.form(&subscriber, "name=&email=nowhere&phone=&language=en").await;
        assert!(wrong.status == 422 && wrong.text.contains("Must not be empty."), "{}", wrong.text);
        leads(&isp.form(&subscriber, "name=Amara+Diallo&email=&phone=&language=fr").await, &subscriber);
        assert!(isp.page(&subscriber).await.text.contains("Amara Diallo"));
        assert_eq!(isp.get("/invoices").await.expect(200)["items"][0]["subscriber"], "Amara Okafor");
    });
}
