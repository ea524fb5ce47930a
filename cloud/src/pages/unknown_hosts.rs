//! Hosts behind a router that no line has, on the router's page.

use weir_ui::blocks::{Cell, Table};
use weir_ui::format;
use weir_ui::pages::Section;

use crate::db::TenantTx;
use crate::error::Problem;
use crate::fleet::unknown_hosts::{self, SeenHost};
use crate::http::page::Screen;
use crate::http::permission::Needs;
use crate::ids::RouterId;

/// Days whose traffic is added up.
const DAYS: usize = 7;

/// What a router told of unknown hosts: their traffic as a fact, themselves as a section.
pub(super) async fn of_router<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: RouterId,
) -> Result<(Option<(String, Cell)>, Section), Problem> {
    let seen = unknown_hosts::of_router(tx, id).await?;
    let lang = screen.frame.lang;
    let sum = |of: fn(&unknown_hosts::UnknownTraffic) -> i64| -> i64 { seen.days.iter().take(DAYS).map(of).sum() };
    let moved = || {
        format!("{} / {}", format::bytes(lang, sum(|day| day.from_bytes)), format::bytes(lang, sum(|day| day.to_bytes)))
    };
    let fact = seen.told_at.map(|_| (screen.t("unknown-hosts-moved"), Cell::Text(moved())));
    let heads = ["address", "unknown-host-mac", "last-seen"].map(|key| screen.t(key));
    let section = Section {
        title: screen.t(if seen.more { "unknown-hosts-more" } else { "unknown-hosts-seen" }),
        action: None,
        table: Table::new(heads.to_vec(), seen.hosts.iter().map(|host| row(screen, host)).collect()),
        empty: screen.t(if seen.told_at.is_some() { "unknown-hosts-none" } else { "unknown-hosts-untold" }),
    };
    Ok((fact, section))
}

fn row<P: Needs>(screen: &Screen<P>, host: &SeenHost) -> Vec<Cell> {
    vec![
        Cell::Code(host.address.clone()),
        Cell::Code(host.mac.clone().unwrap_or_else(|| "—".into())),
        Cell::Text(format::instant(screen.frame.lang, host.seen_at, screen.zone)),
    ]
}
