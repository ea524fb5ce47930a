//! A billing run under which the worker and the database are killed again and again, in the middle of whatever they do.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Row;
use tokio::time::Instant;
use uuid::Uuid;
use weir_fleet::installation::Installation;
use weir_fleet::network::Network;

const ACCOUNTS: usize = 5_000;
const KILLS: u64 = 10;
const LIMIT: Duration = Duration::from_secs(120);
/// Wherever in a batch somebody dies.
const MOMENT_MS: u64 = 400;
/// The database of a slow disk: on a quick machine the run would be over before everybody was killed.
const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
         AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
     CREATE TRIGGER slow AFTER INSERT ON invoices FOR EACH STATEMENT EXECUTE FUNCTION slow()";

/// Chance from a seed, printed so that a run can be had again: `WEIR_SEED`.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let seed = std::env::var("WEIR_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from_le_bytes(weir_agent::clock::random()));
        println!("WEIR_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_billed_once_though_worker_and_database_are_killed_ten_times() {
    let mut chance = Chance::new();
    let mut installation = Installation::start().await.unwrap();
    let mut network = Network::found(&installation, "killed").await.unwrap();
    network.accounts(ACCOUNTS).await.unwrap();
    sqlx::raw_sql(SLOW).execute(&mut installation.sql().await.unwrap()).await.unwrap();
    installation.start_worker().await.unwrap();
    let api = network.isp.api;
    let wish = json!({ "as_of": weir_lab::local_day().unwrap() });
    let run = api.post("/billing-runs", &wish).await.unwrap();
    let path = format!("/billing-runs/{}", run["id"].as_str().unwrap());
    let all = ACCOUNTS as u64 + 1;
    assert_eq!(run["accounts_total"], all);
    let show = async |installation: &Installation, until: &dyn Fn(&Value) -> bool| {
        let limit = Instant::now() + LIMIT;
        loop {
            let run = api.get(&path).await.unwrap();
            if until(&run) {
                return run;
            }
            assert!(Instant::now() < limit, "{run}: {}", installation.worker_log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };

    let mut numbers: HashMap<Uuid, String> = HashMap::new();
    for kill in 0..KILLS {
        // A little further each time, and then at any moment; the last of them with much left to do.
        let far = (all / 2) * kill / KILLS;
        let run = show(&installation, &|run: &Value| run["accounts_done"].as_u64() >= Some(far)).await;
        assert_eq!(run["status"], "running", "the run is over before it was disturbed often enough: {run}");
        tokio::time::sleep(Duration::from_millis(chance.below(MOMENT_MS))).await;
        let rows =
            sqlx::query("SELECT id, number FROM invoices").fetch_all(&mut installation.sql().await.unwrap()).await;
        for row in rows.unwrap() {
            let number: String = row.get("number");
            assert_eq!(*numbers.entry(row.get("id")).or_insert_with(|| number.clone()), number);
        }
        // Each of them at least once.
        if kill == 0 || (kill > 1 && chance.below(2) == 0) {
            installation.kill_worker().await.unwrap();
            installation.start_worker().await.unwrap();
        } else {
            installation.kill_database().await.unwrap();
            installation.start_database().await.unwrap();
        }
        // Started again while there is much to do, it is the same.
        if kill < KILLS / 2 {
            assert_eq!(api.post("/billing-runs", &wish).await.unwrap()["id"], run["id"]);
        }
    }
    let run = show(&installation, &|run: &Value| run["status"] != "running").await;
    assert_eq!((run["status"].as_str(), run["invoices_issued"].as_u64()), (Some("done"), Some(all)), "{run}");
    assert_eq!(run["accounts_done"], all);
    judge(&installation, &numbers, all).await;
    assert_eq!(api.get("/ledger/trial-balance").await.unwrap()["balanced"], true);
    installation.end().await.unwrap();
}

/// No invoice is lost, doubled or renumbered, and everything that follows from one is there once.
async fn judge(installation: &Installation, numbers: &HashMap<Uuid, String>, all: u64) {
    let mut sql = installation.sql().await.unwrap();
    for (id, number) in numbers {
        let kept: String =
            sqlx::query_scalar("SELECT number FROM invoices WHERE id = $1").bind(id).fetch_one(&mut sql).await.unwrap();
        assert_eq!(kept, *number);
    }
    let counted = "SELECT count(*) AS invoices, count(DISTINCT account_id) AS accounts, count(DISTINCT number) AS numbers,
               min(right(number, 6)::int)::bigint AS first, max(right(number, 6)::int)::bigint AS last,
               (SELECT count(*) FROM ledger_entries WHERE source_kind = 'invoice') AS entries,
               (SELECT count(*) FROM audit_entries WHERE action = 'issue invoice') AS audited,
               (SELECT count(*) FROM events WHERE kind = 'invoice.issued') AS told,
               (SELECT count(*) FROM billed_periods b WHERE NOT EXISTS (SELECT FROM invoice_lines l WHERE l.id = b.invoice_line_id))
               + (SELECT count(*) FROM subscriptions s WHERE NOT EXISTS (SELECT FROM billed_periods b WHERE b.subscription_id = s.id))
               AS strays, sum(gross)::text AS asked,
               (SELECT sum(amount)::text FROM ledger_postings WHERE ledger_account = '1100') AS owed
        FROM invoices";
    let row = sqlx::query(counted).fetch_one(&mut sql).await.unwrap();
    let counts = ["invoices", "accounts", "numbers", "first", "last", "entries", "audited", "told", "strays"];
    let counts = counts.map(|column| row.get::<i64, _>(column).unsigned_abs());
    assert_eq!(counts, [all, all, all, 1, all, all, all, all, 0]);
    assert_eq!(row.get::<String, _>("asked"), row.get::<String, _>("owed"));
}
