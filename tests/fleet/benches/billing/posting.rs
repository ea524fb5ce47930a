//! The books alone: checked entries through the ledger's own door, against the same rows written as they are.

#![expect(clippy::disallowed_methods, reason = "any fresh id will do here")]

use std::time::Instant;

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;
use weir_cloud::db::Scope;
use weir_cloud::ids::AccountId;
use weir_cloud::ledger::{self, Fact, Source};
use weir_fleet::installation::Installation;
use weir_fleet::network::Network;
use weir_rules::money::{Currency, Money};
use weir_rules::posting::{Issued, issue_invoice};

use crate::at_least;
use crate::figure::{print, quantile};

const ENTRIES: usize = 20_000;
/// Entries of a transaction.
const AT_ONCE: usize = 250;
const ROUNDS: usize = 3;
const ACCOUNTS: usize = 1_000;

/// How fast entries are posted, as a share of how fast their rows are written without any check.
pub async fn run(installation: &Installation) -> Result<()> {
    let mut network = Network::found(installation, "books").await?;
    network.accounts(ACCOUNTS).await?;
    let known = "SELECT id FROM accounts WHERE tenant_id = $1";
    let accounts: Vec<Uuid> =
        sqlx::query_scalar(known).bind(network.tenant().uuid()).fetch_all(&mut network.sql).await?;
    for table in ["ledger_entries", "ledger_postings"] {
        let make = format!("CREATE TABLE IF NOT EXISTS raw_{table} (LIKE {table} INCLUDING ALL)");
        sqlx::query(sqlx::AssertSqlSafe(make)).execute(&mut network.sql).await?;
    }
    let (mut shares, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let facts = accounts.iter().cycle().take(ENTRIES).map(|account| fact(*account)).collect::<Result<Vec<_>>>()?;
        sqlx::query("CHECKPOINT").execute(&mut network.sql).await?;
        let began = Instant::now();
        for facts in facts.chunks(AT_ONCE) {
            let mut tx = installation.app().db.begin(&Scope::system(network.tenant())).await?;
            ledger::post_new(&mut tx, facts).await?;
            tx.commit().await?;
        }
        let posted = began.elapsed().as_secs_f64();
        let began = Instant::now();
        for facts in facts.chunks(AT_ONCE) {
            write(&mut network.sql, facts).await?;
        }
        shares.push(began.elapsed().as_secs_f64() / posted);
        rates.push(ENTRIES as f64 / posted);
    }
    let note = format!(
        "{:.0} entries/s of three postings, {AT_ONCE} a transaction over one connection, against the same rows in as large \
         statements into tables of the same columns, checks, keys and indexes",
        quantile(&rates, 0.5)
    );
    print("posting_vs_floor", quantile(&shares, 0.5), "of raw inserts", at_least(0.6), ENTRIES, &note);
    Ok(())
}

fn fact(account: Uuid) -> Result<Fact> {
    let account = AccountId::from(account);
    let [revenue, tax] = [Money::parse("30.00", Currency::EUR)?, Money::parse("6.30", Currency::EUR)?];
    let mut entries = issue_invoice(&account, &Issued { revenue, deferred: Money::zero(Currency::EUR), tax })?;
    let source = Source { kind: "bench", id: Uuid::new_v4(), posting: "issue" };
    let on = weir_lab::local_day()?;
    Ok(Fact { source, on, description: "Invoice INV-2026-000001".into(), entry: entries.remove(0) })
}

/// Writes the rows of entries as they are.
async fn write(sql: &mut PgConnection, facts: &[Fact]) -> Result<()> {
    let ids: Vec<_> = facts.iter().map(|_| Uuid::now_v7()).collect();
    let days: Vec<_> = facts.iter().map(|fact| fact.on).collect();
    let sources: Vec<_> = facts.iter().map(|fact| fact.source.id).collect();
    let texts: Vec<_> = facts.iter().map(|fact| fact.description.clone()).collect();
    let (mut of, mut positions, mut codes, mut whose, mut amounts) = (vec![], vec![], vec![], vec![], vec![]);
    for (id, fact) in ids.iter().zip(facts) {
        for (posting, position) in fact.entry.postings().iter().zip(1_i16..) {
            of.push(*id);
            positions.push(position);
            codes.push(posting.account.code().to_owned());
            whose.push(posting.subscriber_account.map(AccountId::uuid));
            amounts.push(posting.amount.amount());
        }
    }
    let mut tx = sql.begin().await?;
    let entries = "INSERT INTO raw_ledger_entries (tenant_id, id, posted_on, posted_at, source_kind, source_id, posting_kind, description)
                   SELECT $1, id, day, now(), 'bench', source, 'issue', text FROM unnest($2::uuid[], $3::date[], $4::uuid[], $5::text[])
                   AS entry (id, day, source, text)";
    let tenant = Uuid::nil();
    sqlx::query(entries).bind(tenant).bind(&ids).bind(days).bind(sources).bind(texts).execute(&mut *tx).await?;
    let postings =
        "INSERT INTO raw_ledger_postings (tenant_id, entry_id, position, ledger_account, account_id, currency, amount)
                    SELECT $1, entry, position, code, account, 'EUR', amount
                    FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::uuid[], $6::numeric[])
                    AS posting (entry, position, code, account, amount)";
    let postings = sqlx::query(postings).bind(tenant).bind(of).bind(positions).bind(codes).bind(whose).bind(amounts);
    postings.execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
