//! Records that wait are merged into a segment a line and hour, and nobody who asks hears another answer for it.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use weir_cloud::db::embedded;
use weir_cloud::usage;
use weir_protocol::usage::Outcome;

use super::{Edge, Log, TENTH_MS};
use crate::money::harness::story;
use crate::money::world::{FIBRE, Plan};

const MINUTE_MS: u64 = 60_000;
/// The zone of the lines, one that is half an hour beside the hours of most, and windows that end in the middle of one.
const ZONES: [&str; 2] = ["Europe/Madrid", "Asia/Kolkata"];
const WINDOWS: &str = r#"[{"days":["monday","tuesday","wednesday","thursday","friday","saturday","sunday"],"from":"13:50","to":"15:20","free":true}]"#;

/// What was moved by zone, hour, free time and count; and how many rows say so.
async fn counted(sql: &mut PgConnection, edge: &Edge) -> (Vec<String>, i64) {
    let answers = format!(
        "SELECT concat_ws(' ', z.zone, date_trunc('hour', (u.end_at - interval '1 microsecond') AT TIME ZONE z.zone), u.handle,
                          u.subscription_id, is_free_time(u.end_at, z.zone, w.windows), r.tally,
                          sum(u.down_bytes), sum(u.down_packets), sum(u.up_bytes), min(u.start_at), max(u.end_at)) AS answer
         FROM line_usage u
         JOIN usage_records r ON r.agent_id = u.agent_id AND r.epoch = u.epoch AND r.seq = u.seq
         CROSS JOIN (VALUES ('{}'), ('{}')) z (zone)
         CROSS JOIN (VALUES ('{WINDOWS}'::jsonb)) w (windows)
         WHERE u.agent_id = '{}'
         GROUP BY z.zone, date_trunc('hour', (u.end_at - interval '1 microsecond') AT TIME ZONE z.zone), u.handle, u.subscription_id,
                  is_free_time(u.end_at, z.zone, w.windows), r.tally
         ORDER BY 1",
        ZONES[0], ZONES[1], edge.agent.uuid()
    );
    let rows = sqlx::query(AssertSqlSafe(answers)).fetch_all(&mut *sql).await.expect("answers");
    let segments = format!("SELECT count(*) FROM line_usage WHERE agent_id = '{}'", edge.agent.uuid());
    let segments = sqlx::query_scalar(AssertSqlSafe(segments)).fetch_one(sql).await.expect("a count");
    (rows.iter().map(|row| row.get("answer")).collect(), segments)
}

#[test]
fn merged_records_answer_as_they_did_one_by_one() {
    story(async {
        let edge = Edge::new("merged").await;
        let options = embedded::options(&edge.isp.app.config.data_dir);
        let mut sql = PgConnection::connect_with(&options).await.expect("connect");
        let mumbai = edge.isp.account("Asha").await;
        let plan = edge.isp.plan(&Plan { name: "Free by day", ..FIBRE }).await;
        edge.isp.line(mumbai, edge.router, plan, "2026-10-01").await;
        for (statement, id) in [
            (format!("UPDATE accounts SET time_zone = '{}' WHERE id = '{}'", ZONES[1], mumbai.uuid()), "zone"),
            (format!("UPDATE plan_versions SET windows = '{WINDOWS}' WHERE id = '{}'", plan.uuid()), "windows"),
        ] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut sql).await.expect(id);
        }

        let mut log = Log::new(b"merging.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        let mut intake = usage::Intake::new(session);
        // Three hours by records of five minutes; one is sealed in between, as at a cut point, and the count begins anew once.
        for n in 1..=36_u64 {
            let tally: &[u8] = if n < 20 { b"tally 01" } else { b"tally 02" };
            let end_ms = TENTH_MS - 36 * 5 * MINUTE_MS + n * 5 * MINUTE_MS - if n % 7 == 0 { MINUTE_MS } else { 0 };
            let moved: &[(u32, u64)] = if n % 3 == 0 { &[(1, n)] } else { &[(1, n), (2, 1_000 * n)] };
            let record = log.of_lines(tally, moved, end_ms);
            let applied = intake.apply(&edge.isp.app, &record).await.expect("an answer");
            assert_eq!(applied.outcome, Outcome::Applied);
            if n == 12 {
                assert_eq!(edge.billed().await, (1..=12).sum::<i64>(), "what waits is told as well");
            }
        }
        let (before, rows_before) = counted(&mut sql, &edge).await;
        usage::merge_all(&edge.isp.app, &edge.isp.scope()).await.expect("merged");
        let (after, rows_after) = counted(&mut sql, &edge).await;
        // Answers name the first and last instant of what they sum up, so one that was merged with what it should not have been
        // is another.
        assert_eq!(before, after);
        assert!(rows_after < rows_before, "{rows_before} rows became {rows_after}");
        // 60 shares of records; every hour is cut by the half hours of the other zone and by the window's ends.
        assert!(rows_after <= 24, "{rows_after}");
        let waiting = format!("SELECT count(*) FROM unmerged_usage WHERE agent_id = '{}'", edge.agent.uuid());
        assert_eq!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(waiting)).fetch_one(&mut sql).await.expect("a count"), 0);
        let moved: i64 = (1..=36).sum();
        assert_eq!(edge.billed().await, moved);
        sql.close().await.expect("disconnect");
    });
}
