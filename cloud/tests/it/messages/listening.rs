//! Events become messages, once each.

use serde_json::json;
use weir_cloud::events::{self, EventKind};
use weir_cloud::ids::EventId;
use weir_cloud::notifications;

use super::servers::{MailServer, header};
use super::{account_at, listed, work_off};
use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;

async fn event(isp: &Isp, kind: EventKind) -> events::Event {
    let mut tx = isp.app.db.read(&isp.scope()).await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM events WHERE kind = $1 ORDER BY id DESC LIMIT 1")
        .bind(kind.name())
        .fetch_one(tx.conn())
        .await
        .unwrap();
    events::event(&mut tx, EventId::from(id)).await.unwrap().unwrap()
}

#[test]
fn an_invoice_goes_out_with_both_texts_and_its_pdf() {
    story(async {
        let mut server = MailServer::open().await;
        let mut isp = Isp::new("billing-mail", "2026-11-01T10:00:00Z").await;
        let settings = json!({ "payment_terms_days": 14, "hue": 25, "contact": "+34 900 000 000", "pay_url": "https://pay.example.net/" });
        isp.settings(settings).await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let (router, plan) = (isp.router_named("Edge 1").await, isp.plan(&FIBRE).await);
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "fr").await;
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        work_off(&isp.app, &isp.scope()).await;

        let taken = server.next().await;
        assert_eq!((&taken["sender"], &taken["to"]), (&json!("billing@rio.example"), &json!(["amara@sub.example"])));
        assert_eq!(header(&taken, "from"), ["Río Net <billing@rio.example>"]);
        assert_eq!(header(&taken, "subject"), ["Facture INV-2026-000001 de billing-mail net"]);
        assert_eq!(header(&taken, "auto-submitted"), ["auto-generated"]);
        assert_eq!(header(&taken, "date").len(), 1);
        assert_eq!((&taken["kind"], &taken["hello"]), (&json!("multipart/mixed"), &json!("localhost")));
        let parts = taken["parts"].as_array().unwrap();
        let kinds: Vec<_> = parts.iter().map(|part| part["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["text/plain", "text/html", "application/pdf"]);
        for words in
            ["Bonjour Amara Okafor,", "30,00\u{a0}€", "15 novembre 2026", "+34 900 000 000", "https://pay.example.net/"]
        {
            for part in &parts[..2] {
                let text = part["text"].as_str().unwrap();
                assert!(text.contains(words) || text.contains(&words.replace("novembre", "nov.")), "{words}: {text}");
            }
        }
        assert_eq!((&parts[2]["name"], &parts[2]["begin"]), (&json!("INV-2026-000001.pdf"), &json!("%PDF-")));
        assert!(parts[2]["size"].as_u64().unwrap() > 5_000);

        // Told of the same event again, twice at once or later: there is one message.
        let issued = [event(&isp, EventKind::InvoiceIssued).await];
        let scope = isp.scope();
        let (one, other) = tokio::join!(
            notifications::listen(&isp.app, &scope, &issued),
            notifications::listen(&isp.app, &scope, &issued)
        );
        one.unwrap();
        other.unwrap();
        isp.now_is("2026-11-02T10:00:00Z").await;
        notifications::listen(&isp.app, &scope, &issued).await.unwrap();
        work_off(&isp.app, &isp.scope()).await;
        assert_eq!(listed(&isp, &format!("?account_id={account}")).await.len(), 1);

        isp.pay(account, "one", "30.00", "2026-11-02").await;
        work_off(&isp.app, &isp.scope()).await;
        let thanks = server.next().await;
        assert_eq!(header(&thanks, "subject"), ["Nous avons reçu votre paiement de 30,00\u{a0}€"]);
        assert_eq!(thanks["kind"], "multipart/alternative");

        let invoices = isp.get("/invoices").await.expect(200);
        let credit = format!("/invoices/{}/credit-notes", invoices["items"][0]["id"].as_str().unwrap());
        isp.post_once(&credit, "note", json!({ "reason": "Trois jours sans <réseau>" })).await.expect(201);
        work_off(&isp.app, &isp.scope()).await;
        let credited = server.next().await;
        assert_eq!(header(&credited, "subject"), ["Avoir CN-2026-000001 de billing-mail net"]);
        let parts = credited["parts"].as_array().unwrap();
        assert!(parts[0]["text"].as_str().unwrap().contains("Trois jours sans <réseau>"), "{parts:?}");
        assert!(!parts[1]["text"].as_str().unwrap().contains("<réseau>"), "{parts:?}");
        assert_eq!((&parts[2]["name"], &parts[2]["begin"]), (&json!("CN-2026-000001.pdf"), &json!("%PDF-")));
    });
}

#[test]
fn a_held_account_hears_once_of_all_its_lines() {
    story(async {
        let mut server = MailServer::open().await;
        let mut isp = Isp::new("held-mail", "2026-11-01T10:00:00Z").await;
        isp.settings(json!({ "payment_terms_days": 5, "grace_days": 2 })).await;
        let (router, plan) = (isp.router_named("Edge 1").await, isp.plan(&FIBRE).await);
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "ar").await;
        for _ in 0..2 {
            isp.line(account, router, plan, "2026-11-01").await;
        }
        isp.bill("2026-11-01").await;
        work_off(&isp.app, &isp.scope()).await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        isp.now_is("2026-11-20T10:00:00Z").await;
        weir_cloud::dunning::check(&isp.app, &isp.scope()).await.expect("checked");
        work_off(&isp.app, &isp.scope()).await;
        let walled = loop {
            let taken = server.next().await;
            if header(&taken, "subject") == ["خطك محجوز حتى تدفع"] {
                break taken;
            }
        };
        let html = walled["parts"][1]["text"].as_str().unwrap();
        assert!(html.contains("lang=\"ar\" dir=\"rtl\""), "{html}");

        isp.pay(account, "all", "60.00", "2026-11-20").await;
        work_off(&isp.app, &isp.scope()).await;
        let templates: Vec<_> =
            listed(&isp, "").await.iter().map(|one| one["template"].as_str().unwrap().to_owned()).collect();
        let of = |name: &str| templates.iter().filter(|template| *template == name).count();
        assert_eq!((of("line-walled"), of("line-restored"), of("payment-received")), (1, 1, 1), "{templates:?}");
    });
}

#[test]
fn each_step_of_dunning_has_its_message() {
    story(async {
        let server = MailServer::open().await;
        let isp = Isp::new("dunning-mail", "2026-11-20T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "en").await;
        let steps = [
            (EventKind::DunningReminded, "dunning-reminder", "Reminder: €44.90 due on 15 November 2026"),
            (EventKind::DunningFeeCharged, "dunning-late-fee", "A late fee was added to your account"),
            (EventKind::DunningFinalNotice, "dunning-final-notice", "Final notice: €44.90 is past due"),
        ];
        for (kind, template, subject) in steps {
            let balance = json!({ "amount": "44.90", "currency": "EUR" });
            let data = json!({ "step": 1, "balance": balance, "due_on": "2026-11-15" });
            let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
            events::publish(&mut tx, kind, account, Some(account), data).await.unwrap();
            tx.commit().await.unwrap();
            work_off(&isp.app, &isp.scope()).await;
            let newest = listed(&isp, "?limit=1").await.remove(0);
            assert_eq!(newest["template"], template);
            assert_eq!(newest["subject"].as_str().unwrap().replace("Nov ", "November "), subject);
            assert_eq!(newest["status"], "sent", "{newest}");
        }
    });
}

#[test]
fn a_line_hears_of_its_allowance_once_a_share_and_of_what_was_bought_on_top() {
    story(async {
        let server = MailServer::open().await;
        let isp = Isp::new("usage-mail", "2026-11-20T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "en").await;
        let passed = |percent: i64, used: i64| json!({ "percent": percent, "used_bytes": used, "limit_bytes": 200_000_000_000_i64 });
        let price = json!({ "amount": "9.90", "currency": "EUR" });
        let bought =
            json!({ "name": "50 GB more", "bytes": 50_000_000_000_i64, "price": price, "until_on": "2026-12-01" });
        let (from_at, until_at) = ("2026-11-20T17:00:00Z", "2026-11-20T20:00:00Z");
        let boosted = json!({ "name": "Fast evening", "price": price, "from_at": from_at, "until_at": until_at });
        let cases = [
            (EventKind::UsageThreshold, passed(80, 161_000_000_000), "usage-threshold", ["80", "161", "200"]),
            (EventKind::UsageThreshold, passed(100, 200_000_000_001), "usage-threshold", ["100", "Volume used", "200"]),
            (EventKind::TopUpSold, json!({ "top_up": bought }), "top-up-sold", ["50 GB more", "€9.90", "30 Nov"]),
            (EventKind::BoostSold, json!({ "boost": boosted }), "boost-sold", ["Fast evening", "€9.90", "21:00"]),
        ];
        for (n, (kind, data, template, words)) in cases.into_iter().enumerate() {
            let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
            events::publish(&mut tx, kind, account, Some(account), data).await.unwrap();
            tx.commit().await.unwrap();
            work_off(&isp.app, &isp.scope()).await;
            notifications::listen(&isp.app, &isp.scope(), &[event(&isp, kind).await]).await.unwrap();
            let all = listed(&isp, "").await;
            assert_eq!((all.len(), &all[0]["template"]), (n + 1, &json!(template)), "once: {all:?}");
            let path = format!("/messages/{}", all[0]["id"].as_str().unwrap());
            let text = isp.get(&path).await.expect(200)["text"].as_str().unwrap().to_owned();
            for word in words {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
        // All of it at once: what says less is not said.
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let data = passed(80, 200_000_000_000);
        events::publish(&mut tx, EventKind::UsageThreshold, account, Some(account), data).await.unwrap();
        tx.commit().await.unwrap();
        work_off(&isp.app, &isp.scope()).await;
        assert_eq!(listed(&isp, "").await.len(), 4);
    });
}

#[test]
fn nothing_is_written_where_it_is_switched_off_or_cannot_arrive() {
    story(async {
        let server = MailServer::open().await;
        let isp = Isp::new("switched", "2026-11-01T10:00:00Z").await;
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "en").await;
        assert!(super::write(&isp.app, &isp.scope(), account).await.is_empty(), "no server is set up");
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        isp.patch("/message-templates/line-restored", json!({ "email": false })).await.expect(200);
        assert!(super::write(&isp.app, &isp.scope(), account).await.is_empty(), "it is switched off");
        isp.patch("/message-templates/line-restored", json!({ "email": true })).await.expect(200);
        let silent = isp.account("Without Address").await;
        assert!(super::write(&isp.app, &isp.scope(), silent).await.is_empty(), "there is no address");
        assert_eq!(super::write(&isp.app, &isp.scope(), account).await.len(), 1);
    });
}

#[test]
fn shares_of_an_allowance_and_new_lines_are_told_and_imported_ones_only_if_wanted() {
    story(async {
        let mut server = MailServer::open().await;
        let isp = Isp::new("threshold-mail", "2026-11-01T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "en").await;
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let line: weir_cloud::ids::SubscriptionId = tx.new_id();
        let facts = json!({ "percent": 80, "used_bytes": 400_000_000_000_i64, "limit_bytes": 500_000_000_000_i64 });
        events::publish(&mut tx, EventKind::UsageThreshold, line, Some(account), facts).await.unwrap();
        tx.commit().await.unwrap();
        work_off(&isp.app, &isp.scope()).await;
        let told = server.next().await;
        let text = told["parts"][0]["text"].as_str().unwrap();
        assert!(text.contains("80\u{a0}%") && text.contains("400") && text.contains("500"), "{text}");

        isp.router_named("Edge 1").await;
        isp.plan(&FIBRE).await;
        let mut lines = Vec::new();
        for (welcome, name) in [(json!(null), "Ben"), (json!(true), "Chi")] {
            let csv = format!(
                "name,email,street,town,plan,router,ip\n{name},{name}@sub.example,Hill 1,Leeds,{},Edge 1,10.40.0.{}/32\n",
                FIBRE.name,
                name.len()
            );
            let csv = csv.replace("10.40.0.3", if name == "Ben" { "10.40.0.1" } else { "10.40.0.2" });
            let mut wish = json!({ "name": "x.csv", "csv": csv });
            if welcome == json!(true) {
                wish["welcome"] = welcome;
            }
            let made = isp.post("/imports", wish).await.expect(202);
            let id = made["id"].as_str().unwrap().to_owned();
            for step in ["", "start"] {
                if !step.is_empty() {
                    isp.post(&format!("/imports/{id}/start"), json!({})).await.expect(202);
                }
                let job: weir_cloud::imports::jobs::WorkOnImport =
                    serde_json::from_value(json!({ "import": id })).unwrap();
                weir_cloud::jobs::Job::run(job, isp.app.clone(), isp.scope()).await.unwrap();
            }
            let now = isp.get(&format!("/imports/{id}")).await.expect(200);
            assert_eq!((&now["status"], &now["welcome"]), (&json!("done"), &json!(name == "Chi")), "{now}");
            work_off(&isp.app, &isp.scope()).await;
            lines.push(listed(&isp, "").await.len());
        }
        assert_eq!(lines, [1, 2], "only who is to be welcomed is written to");
        assert_eq!(server.next().await["to"], json!(["Chi@sub.example"]));
    });
}
