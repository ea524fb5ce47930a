//! Hosts behind a router that no line has, on the router's page.

use weir_ui::blocks::{Cell, Table};
use weir_ui::format;
use weir_ui::pages::Section;

use super::sales;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fleet::unknown_hosts::{self, SeenHost};
use crate::http::page::Screen;
use crate::http::permission::{ManageSubscriptions, Needs};
use crate::ids::RouterId;
use crate::subscriptions;

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
    let sells = screen.may::<ManageSubscriptions>();
    let by_mac = sells && subscriptions::sells_by_mac(tx).await?;
    let mut heads = ["address", "unknown-host-mac", "last-seen"].map(|key| screen.t(key)).to_vec();
    heads.extend(sells.then(|| screen.t("subscription")));
    let rows = seen.hosts.iter().map(|host| {
        let mac = host.mac.as_deref().filter(|_| by_mac);
        let sale = || Cell::link(sales::of_host(id, &host.address, mac), screen.t("sales-sell-host"));
        let mut row = row(screen, host);
        row.extend(sells.then(sale));
        row
    });
    let section = Section {
        title: screen.t(if seen.more { "unknown-hosts-more" } else { "unknown-hosts-seen" }),
        action: None,
        table: Table::new(heads, rows.collect()),
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
