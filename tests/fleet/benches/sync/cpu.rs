//! Processor time of a server and of the database behind it.

use std::path::Path;

use anyhow::{Context, Result};
use sqlx::PgConnection;

/// Ticks used so far.
#[derive(Clone, Copy, Debug)]
pub struct Cpu(u64);

impl Cpu {
    /// Of a process, and of the whole database server a connection leads to: all its processes, those that ended, too.
    pub async fn used(server: u32, sql: &mut PgConnection) -> Result<Self> {
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(sql).await?;
        let (postmaster, _) = stat(Path::new(&format!("/proc/{backend}"))).context("no backend")?;
        let mut ticks = 0;
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let Some((parent, [own, of_dead])) = stat(&entry.path()) else { continue };
            if pid == server || parent == postmaster {
                ticks += own;
            }
            if pid == postmaster {
                ticks += own + of_dead;
            }
        }
        Ok(Self(ticks))
    }

    /// Seconds since another reading.
    pub fn since(self, before: Self) -> f64 {
        // The kernel tells processes' times in hundredths of a second, whatever its own clock.
        self.0.saturating_sub(before.0) as f64 / 100.0
    }
}

/// Parent, and ticks of a process itself and of its children that ended; none if it is gone.
fn stat(process: &Path) -> Option<(u32, [u64; 2])> {
    let text = std::fs::read_to_string(process.join("stat")).ok()?;
    // The name may hold anything, and ends with the last parenthesis.
    let words: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    Some((parent, [number(11)? + number(12)?, number(13)? + number(14)?]))
}
