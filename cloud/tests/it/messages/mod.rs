//! Messages to subscribers, through a real mail server and a real gateway.

mod listening;
mod pages;
mod sending;
mod servers;
mod settings;

use serde_json::{Value, json};
use weir_cloud::app::App;
use weir_cloud::db::Scope;
use weir_cloud::ids::{AccountId, MessageId};
use weir_cloud::jobs::{Job, TellListener};
use weir_cloud::notifications::jobs::SendMessage;
use weir_cloud::notifications::{self, Facts, Notice, Recipient, Template};

use crate::money::harness::Isp;

/// Does the jobs of a tenant that are due now and have to do with messages, as the worker does.
pub async fn work_off(app: &App, scope: &Scope) {
    loop {
        let mut tx = app.db.begin(scope).await.expect("a transaction");
        let due: Option<(uuid::Uuid, String, Value)> = sqlx::query_as(
            "SELECT id, kind, payload FROM platform.jobs
             WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $1 AND kind IN ($2, $3) ORDER BY run_at, id LIMIT 1",
        )
        .bind(tx.at())
        .bind(TellListener::KIND)
        .bind(SendMessage::KIND)
        .fetch_optional(tx.conn())
        .await
        .expect("the queue");
        drop(tx);
        let Some((id, kind, payload)) = due else { return };
        if kind == SendMessage::KIND {
            let job: SendMessage = serde_json::from_value(payload).expect("a job");
            job.run(app.clone(), *scope).await.expect("sent or noted");
        } else {
            let job: TellListener = serde_json::from_value(payload).expect("a job");
            job.run(app.clone(), *scope).await.expect("told");
        }
        let mut tx = app.db.begin(scope).await.expect("a transaction");
        sqlx::query("UPDATE platform.jobs SET done_at = $2 WHERE id = $1")
            .bind(id)
            .bind(tx.at())
            .execute(tx.conn())
            .await
            .expect("settled");
        tx.commit().await.expect("committed");
    }
}

/// An account whose subscriber has this address.
pub async fn account_at(isp: &Isp, name: &str, email: &str, language: &str) -> AccountId {
    let account = isp.account(name).await;
    let found = isp.get(&format!("/accounts/{account}")).await.expect(200);
    let subscriber = found["subscriber_id"].as_str().expect("an id");
    let wish = json!({ "name": name, "email": email, "phone": "+34 600 000 001", "language": language });
    isp.put(&format!("/subscribers/{subscriber}"), wish).await.expect(200);
    account
}

/// Writes a message about a restored line to an account.
pub async fn write(app: &App, scope: &Scope, account: AccountId) -> Vec<MessageId> {
    let mut tx = app.db.begin(scope).await.expect("a transaction");
    let cause = tx.new_id::<MessageId>().uuid();
    let notice = Notice {
        template: Template::LineRestored,
        cause,
        to: Recipient::Account(account),
        facts: Facts::default(),
        reply_to: None,
        invoice: None,
        link: None,
    };
    let written = notifications::send(app, &mut tx, &notice).await.expect("written");
    tx.commit().await.expect("committed");
    written
}

async fn message(isp: &Isp, id: impl std::fmt::Display) -> Value {
    isp.get(&format!("/messages/{id}")).await.expect(200)
}

async fn listed(isp: &Isp, query: &str) -> Vec<Value> {
    isp.get(&format!("/messages{query}")).await.expect(200)["items"].as_array().expect("items").clone()
}
