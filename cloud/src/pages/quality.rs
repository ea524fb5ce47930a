//! The part of a line's page that tells how well it is served.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use weir_ui::blocks::Cell;
use weir_ui::format;

use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::Screen;
use crate::http::permission::Needs;
use crate::ids::SubscriptionId;
use crate::usage;

/// How far back measurements are summed up.
const SPAN: TimeDelta = TimeDelta::days(30);

/// How much of a line's traffic was IPv6 and how much the shaper dropped lately; nothing where nobody measured.
pub(super) async fn facts<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: SubscriptionId,
) -> Result<Vec<(String, Cell)>, Problem> {
    let since = tx.at() - SPAN;
    let measured = usage::measured(tx, id, since).await?;
    let shares = [("quality-v6", measured.v6_share), ("quality-dropped", measured.dropped_share)];
    let fact = |(key, share): (&str, Option<i64>)| {
        let percent = Decimal::new(share?, 2).normalize();
        Some((screen.t(key), Cell::Text(format!("{} %", format::number(screen.frame.lang, percent)))))
    };
    Ok(shares.into_iter().filter_map(fact).collect())
}
