//! Who pays for an account, and whom one pays for.

use weir_ui::blocks::{Cell, Table};
use weir_ui::i18n::t;
use weir_ui::pages::Section;
use weir_ui::portal::{Portal, section};

use super::Own;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::ids::AccountId;
use crate::pages::MANY;
use crate::subscribers::{self, Account};
use crate::subscriptions::{self, Status};

/// That another account pays for this one, in a sentence.
pub(super) async fn told(
    portal: &Portal,
    tx: &mut TenantTx,
    account: &Account,
    payer: AccountId,
) -> Result<String, Problem> {
    let name = subscribers::holders(tx, &[payer]).await?.remove(&payer).map(|holder| holder.name).unwrap_or_default();
    Ok(t(portal.frame.lang, "portal-paid-by", &[("name", name.as_str()), ("account", account.number.as_str())]))
}

/// The lines of the accounts that one pays for; none = it pays for itself alone.
pub(super) async fn paid_for(own: &Own, tx: &mut TenantTx, id: AccountId) -> Result<Option<Section>, Problem> {
    let portal = own.portal();
    let mut rows = Vec::new();
    for paid in subscribers::paid_by(tx, id, MANY).await? {
        let lines = subscriptions::subscriptions(tx, Some(paid.account_id), MANY).await?;
        let whose = || Cell::Text(format!("{} · {}", paid.subscriber, paid.number));
        let before = rows.len();
        for line in lines.iter().filter(|line| line.status != Status::Closed) {
            let place = subscribers::location(tx, line.service_location_id).await?.line1;
            rows.push(vec![whose(), Cell::Text(line.plan_name.clone()), Cell::Text(place)]);
        }
        if rows.len() == before {
            rows.push(vec![whose(), Cell::Text("—".into()), Cell::Text(String::new())]);
        }
    }
    let names = ["account", "plan", "address"].map(|key| portal.t(key)).to_vec();
    let table = Table::new(names, rows);
    Ok((!table.rows.is_empty()).then(|| section(portal.t("portal-paid-for"), table, String::new())))
}
