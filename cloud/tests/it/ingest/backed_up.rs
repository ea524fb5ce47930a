//! What routers may delete: what a backup has, where backups are made.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use weir_cloud::db::embedded;
use weir_cloud::fleet::sessions::Session;
use weir_cloud::usage;
use weir_protocol::PROTO_REV;
use weir_protocol::control::{Hello, Verdict};

use super::positions::restored;
use super::{Edge, Log, stands};
use crate::money::harness::story;

/// Backups are the installation's: one test at a time makes some.
static BACKUPS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Edge {
    /// A backup is whole that began at an instant.
    async fn backed_up(&self, began: &str) {
        self.as_superuser(&format!(
            "INSERT INTO platform.backups (began_at, finished_at) VALUES ('{began}', '{began}')"
        ))
        .await;
    }

    /// Other tests know of no backup.
    async fn without_backups(&self) {
        self.as_superuser("DELETE FROM platform.backups").await;
    }

    async fn as_superuser(&self, statement: &str) {
        let options = embedded::options(&self.isp.app.config.data_dir);
        let mut superuser = PgConnection::connect_with(&options).await.expect("connect");
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut superuser).await.expect(statement);
        superuser.close().await.expect("disconnect");
    }

    /// Up to which record the agent may delete once this one is applied.
    async fn trims_to(&self, session: Session, record: &[u8]) -> u64 {
        usage::apply(&self.isp.app, session, record).await.expect("an answer").trim_seq
    }
}

/// What an agent of today says of a log.
fn of_today(log: &Log, first_seq: u64) -> Hello {
    Hello { proto_rev: PROTO_REV, epochs: vec![log.offered(first_seq)], ..Hello::default() }
}

#[test]
fn routers_keep_what_no_backup_has() {
    story(async {
        let edge = Edge::new("kept").await;
        let _alone = BACKUPS.lock().await;
        edge.without_backups().await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.says(&of_today(&log, 1)).await.session;
        assert_eq!(edge.trims_to(session, &log.record(10)).await, 1, "nobody makes backups");
        edge.backed_up("2026-10-10T09:00:00Z").await;
        for _ in 0..2 {
            assert_eq!(edge.trims_to(session, &log.record(10)).await, 1);
        }
        // Agents of before would keep it even if their disks are full.
        let older = edge.says(&Hello { proto_rev: 7, ..of_today(&log, 2) }).await;
        assert_eq!(older.streams[0].trim_seq, 3);
        assert_eq!(edge.trims_to(older.session, &log.record(10)).await, 4);

        let session = edge.says(&of_today(&log, 5)).await.session;
        assert_eq!(edge.trims_to(session, &log.record(10)).await, 4);
        edge.backed_up("2026-10-10T12:00:00Z").await;
        assert_eq!(edge.trims_to(session, &log.record(10)).await, 5, "what was there when it began");
        assert_eq!(edge.trims_to(session, &log.record(10)).await, 5);
        let opened = edge.says(&of_today(&log, 6)).await;
        assert_eq!((opened.streams[0].applied_seq, opened.streams[0].trim_seq), (7, 5));
        edge.without_backups().await;
    });
}

#[test]
fn a_cloud_restored_from_its_newest_backup_misses_nothing() {
    story(async {
        let edge = Edge::new("whole").await;
        let _alone = BACKUPS.lock().await;
        edge.without_backups().await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.says(&of_today(&log, 1)).await.session;
        let records = log.records(6, 10);
        edge.applies(session, &records[..2]).await;
        edge.backed_up("2026-10-10T12:00:00Z").await;
        let trimmed = edge.trims_to(session, &records[2]).await;
        edge.applies(session, &records[3..]).await;
        assert_eq!(edge.billed().await, 60);
        // The backup has two records, and the agent deleted what it was told to.
        restored(&edge, &log, 2).await;
        let opened = edge.says(&of_today(&log, trimmed + 1)).await;
        assert_eq!(stands(&opened.streams), [(2, Verdict::Ok)]);
        edge.applies(opened.session, &records[2..]).await;
        edge.bills(26, 60, 60).await;
        assert_eq!(edge.epochs().await.last().expect("an epoch")["missing"], 0);
        edge.without_backups().await;
    });
}
