//! What billing finds when it begins: subscribers, plans, lines and the traffic counted.

#![expect(clippy::disallowed_methods, reason = "any fresh id will do here")]

use chrono::{DateTime, NaiveDate, Utc};
use prost::Message;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;
use weir_cloud::billing::jobs::WorkOnRun;
use weir_cloud::ids::{AccountId, PlanVersionId, RouterId, SubscriptionId};
use weir_cloud::jobs::Job;
use weir_protocol::usage::{LineUsage, Record};

use super::harness::Isp;

/// What a plan costs and includes.
pub struct Plan {
    pub name: &'static str,
    pub price: &'static str,
    pub allowance: Option<i64>,
    pub block: Option<(i64, &'static str)>,
}

pub const FIBRE: Plan = Plan { name: "Fibre 100", price: "30.00", allowance: None, block: None };
pub const METERED: Plan =
    Plan { name: "Radio 20", price: "20.00", allowance: Some(1_000_000), block: Some((100_000, "0.50")) };

macro_rules! run {
    ($tx:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        sqlx::query($sql)$(.bind($value))*.execute($tx.conn()).await.expect($sql)
    };
}

impl Isp {
    pub async fn settings(&self, settings: Value) {
        self.patch("/tenant", settings).await.expect(200);
    }

    pub async fn router_named(&self, name: &str) -> RouterId {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let (tenant, at, site, router) = (self.tenant.uuid(), tx.at(), Uuid::now_v7(), Uuid::now_v7());
        run!(tx, "INSERT INTO sites (tenant_id, id, name, created_at) VALUES ($1, $2, $3, $4)", tenant, site, name, at);
        run!(
            tx,
            "INSERT INTO routers (tenant_id, id, site_id, name, lan_interface, wan_interface, created_at) VALUES ($1, $2, $3, $4, 'lan0', 'wan0', $5)",
            tenant,
            router,
            site,
            name,
            at
        );
        let agent = router;
        run!(
            tx,
            "INSERT INTO agents (tenant_id, id, router_id, key_sha256, certificate, certificate_until, enrolled_at, state_lineage) VALUES ($1, $2, $3, '', '', $4, $4, $2)",
            tenant,
            agent,
            router,
            at
        );
        run!(
            tx,
            "INSERT INTO usage_epochs (tenant_id, agent_id, epoch, applied_hash, opened_at) VALUES ($1, $2, '12345678', '1234567890123456', $3)",
            tenant,
            agent,
            at
        );
        tx.commit().await.unwrap();
        router.into()
    }

    pub async fn plan(&self, plan: &Plan) -> PlanVersionId {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let (tenant, at, id, version) = (self.tenant.uuid(), tx.at(), Uuid::now_v7(), Uuid::now_v7());
        run!(
            tx,
            "INSERT INTO plans (tenant_id, id, name, created_at) VALUES ($1, $2, $3, $4)",
            tenant,
            id,
            plan.name,
            at
        );
        run!(
            tx,
            "INSERT INTO plan_versions (tenant_id, id, plan_id, version, rate_down_bps, rate_up_bps, price, currency, allowance_bytes, overage_block_bytes, overage_block_price, created_at)
             VALUES ($1, $2, $3, 1, 100000000, 100000000, $4, 'EUR', $5, $6, $7, $8)",
            tenant, version, id,
            plan.price.parse::<Decimal>().unwrap(), plan.allowance,
            plan.block.map(|(bytes, _)| bytes), plan.block.map(|(_, price)| price.parse::<Decimal>().unwrap()), at
        );
        tx.commit().await.unwrap();
        version.into()
    }

    pub async fn account(&self, name: &str) -> AccountId {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let (tenant, at, subscriber, account) = (self.tenant.uuid(), tx.at(), Uuid::now_v7(), Uuid::now_v7());
        run!(
            tx,
            "INSERT INTO subscribers (tenant_id, id, name, name_normalised, language, created_at) VALUES ($1, $2, $3, lower($3), 'en', $4)",
            tenant,
            subscriber,
            name,
            at
        );
        run!(
            tx,
            "INSERT INTO accounts (tenant_id, id, subscriber_id, number, currency, time_zone, billing_day, created_at) VALUES ($1, $2, $3, $4, 'EUR', 'Europe/Madrid', 1, $5)",
            tenant,
            account,
            subscriber,
            account.simple().to_string(),
            at
        );
        run!(
            tx,
            "INSERT INTO service_locations (tenant_id, id, subscriber_id, line1, city, postcode, country, created_at) VALUES ($1, $2, $3, 'Calle Mayor 1', 'Cuenca', '16001', 'ES', $4)",
            tenant,
            subscriber,
            subscriber,
            at
        );
        tx.commit().await.unwrap();
        account.into()
    }

    pub async fn line(
        &self,
        account: AccountId,
        router: RouterId,
        plan: PlanVersionId,
        starts_on: &str,
    ) -> SubscriptionId {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let (tenant, at, id) = (self.tenant.uuid(), tx.at(), Uuid::now_v7());
        let starts_on: NaiveDate = starts_on.parse().unwrap();
        run!(
            tx,
            "WITH taken AS (UPDATE routers SET next_handle = next_handle + 1 WHERE id = $4 RETURNING next_handle - 1 AS handle)
             INSERT INTO subscriptions (tenant_id, id, account_id, service_location_id, router_id, handle, starts_on, created_at)
             VALUES ($1, $2, $3, (SELECT l.id FROM service_locations l JOIN accounts a ON a.subscriber_id = l.subscriber_id WHERE a.id = $3), $4,
                     (SELECT handle FROM taken), $5, $6)",
            tenant, id, account.uuid(), router.uuid(), starts_on, at
        );
        run!(
            tx,
            "INSERT INTO subscription_terms (tenant_id, subscription_id, valid, plan_version_id, created_at) VALUES ($1, $2, daterange($3, NULL), $4, $5)",
            tenant,
            id,
            starts_on,
            plan.uuid(),
            at
        );
        tx.commit().await.unwrap();
        id.into()
    }

    pub async fn change_plan(&self, line: SubscriptionId, plan: PlanVersionId, on: &str) {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let (tenant, at, on) = (self.tenant.uuid(), tx.at(), on.parse::<NaiveDate>().unwrap());
        run!(
            tx,
            "UPDATE subscription_terms SET valid = daterange(lower(valid), $2) WHERE subscription_id = $1 AND upper(valid) IS NULL",
            line.uuid(),
            on
        );
        run!(
            tx,
            "INSERT INTO subscription_terms (tenant_id, subscription_id, valid, plan_version_id, created_at) VALUES ($1, $2, daterange($3, NULL), $4, $5)",
            tenant,
            line.uuid(),
            on,
            plan.uuid(),
            at
        );
        tx.commit().await.unwrap();
    }

    pub async fn end(&self, line: SubscriptionId, on: &str) {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let on = on.parse::<NaiveDate>().unwrap();
        run!(
            tx,
            "UPDATE subscription_terms SET valid = daterange(lower(valid), $2) WHERE subscription_id = $1 AND upper(valid) IS NULL",
            line.uuid(),
            on
        );
        run!(tx, "UPDATE subscriptions SET ends_on = $2 WHERE id = $1", line.uuid(), on);
        tx.commit().await.unwrap();
    }

    /// Traffic a router counted in the five minutes that ended at an instant.
    pub async fn traffic(&self, router: RouterId, line: SubscriptionId, seq: i64, ended: &str, down: i64, up: i64) {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let (tenant, at, ended) = (self.tenant.uuid(), tx.at(), ended.parse::<DateTime<Utc>>().unwrap());
        let moved = LineUsage {
            handle: 1,
            down_bytes: down.unsigned_abs(),
            up_bytes: up.unsigned_abs(),
            ..LineUsage::default()
        };
        let mut record = Record::default();
        record.set_lines(&[moved]);
        run!(
            tx,
            "INSERT INTO usage_records (tenant_id, agent_id, epoch, seq, hash, start_at, end_at, seal_reason, body, received_at) VALUES ($1, $2, '12345678', $3, '', $4::timestamptz - interval '5 minutes', $4, 'interval', $6, $5)",
            tenant,
            router.uuid(),
            seq,
            ended,
            at,
            record.encode_to_vec()
        );
        run!(
            tx,
            "INSERT INTO usage_segments (tenant_id, agent_id, epoch, seq, handle, subscription_id, start_at, end_at, down_bytes, up_bytes, down_packets, up_packets)
             VALUES ($1, $2, '12345678', $3, 1, $4, $5::timestamptz - interval '5 minutes', $5, $6, $7, 1, 1)",
            tenant, router.uuid(), seq, line.uuid(), ended, down, up
        );
        tx.commit().await.unwrap();
    }

    /// Starts a run and works on it until it is done, as the worker does.
    pub async fn bill(&self, as_of: &str) -> Value {
        let run = self.post("/billing-runs", json!({ "as_of": as_of })).await.expect(202);
        let job: WorkOnRun = serde_json::from_value(json!({ "run": run["id"], "after": null })).unwrap();
        job.run(self.app.clone(), self.scope()).await.unwrap();
        self.get(&format!("/billing-runs/{}", run["id"].as_str().unwrap())).await.expect(200)
    }

    pub async fn pay(&self, account: AccountId, key: &str, amount: &str, on: &str) -> Value {
        self.post_once("/payments", key, payment(account, amount, "EUR", on)).await.expect(201)
    }

    /// Every line billed: plan, kind, first day, net.
    pub async fn billed(&self, account: AccountId) -> Vec<String> {
        let mut lines = Vec::new();
        let invoices = self.get(&format!("/invoices?account_id={account}")).await.expect(200);
        for invoice in invoices["items"].as_array().unwrap().iter().rev() {
            let invoice = self.get(&format!("/invoices/{}", invoice["id"].as_str().unwrap())).await.expect(200);
            for line in invoice["lines"].as_array().unwrap() {
                let text = |name: &str| line[name].as_str().unwrap().to_owned();
                lines.push(format!(
                    "{} {} {} {}",
                    text("description"),
                    text("kind"),
                    text("from"),
                    line["net"]["amount"].as_str().unwrap()
                ));
            }
        }
        lines
    }

    pub async fn assert_books_balance(&self) {
        let balance = self.get("/ledger/trial-balance").await.expect(200);
        assert_eq!(balance["balanced"], true, "{balance}");
    }
}

pub fn payment(account: AccountId, amount: &str, currency: &str, on: &str) -> Value {
    json!({ "account_id": account, "method": "cash", "amount": { "amount": amount, "currency": currency }, "received_on": on })
}
