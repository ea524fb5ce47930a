//! The verbs: add, read otherwise, start, remove; and the work itself.

use std::collections::BTreeMap;

use serde_json::json;

use super::jobs::WorkOnImport;
use super::rows::{Choices, bring_in};
use super::{Error, Import, ImportChange, ImportStatus, NewImport, Row, columns, store};
use crate::app::App;
use crate::audit;
use crate::db::{Actor, Scope, TenantTx};
use crate::error::Problem;
use crate::http::paging::Page;
use crate::ids::{ImportId, TenantId};
use crate::jobs;

/// Longest name, in characters.
const NAME_MAX: usize = 200;
/// Rows after which progress is told.
const TOLD_EVERY: usize = 25;

/// A page of the imports, the newest first.
pub async fn imports(tx: &mut TenantTx, page: Page) -> Result<Vec<Import>, Error> {
    Ok(store::list(tx, page).await?)
}

/// One import.
pub async fn import(tx: &mut TenantTx, id: ImportId) -> Result<Import, Error> {
    store::get(tx, id).await?.ok_or(Error::NotFound(id))
}

/// The columns of an import's file.
pub async fn headers(tx: &mut TenantTx, id: ImportId) -> Result<Vec<String>, Error> {
    let csv = store::csv(tx, id).await?.ok_or(Error::NotFound(id))?;
    Ok(columns::read(&csv)?.headers)
}

/// A page of what becomes of an import's rows; `wrong` shows only those that cannot be brought in.
pub async fn outcomes(tx: &mut TenantTx, id: ImportId, after: i32, limit: u32, wrong: bool) -> Result<Vec<Row>, Error> {
    import(tx, id).await?;
    Ok(store::rows(tx, id, after, i64::from(limit) + 1, wrong).await?)
}

/// Takes a file, reads its columns, and has its rows checked.
pub async fn add(tx: &mut TenantTx, new: NewImport) -> Result<Import, Error> {
    let name = new.name.trim().to_owned();
    if name.is_empty() {
        return Err(Error::field("name", "must not be empty"));
    }
    if name.chars().count() > NAME_MAX {
        return Err(Error::field("name", format!("must have at most {NAME_MAX} characters")));
    }
    let table = columns::read(&new.csv)?;
    let columns = columns::guess(&table.headers, new.columns);
    // A file whose names are not found is taken, too: people then say which column has them.
    columns::check(&table.headers, &columns, false)?;
    let id: ImportId = tx.new_id();
    let count = i32::try_from(table.rows.len()).unwrap_or(i32::MAX);
    store::insert(
        tx,
        &store::NewRow { id, name: &name, csv: &new.csv, columns: &json!(columns), count, welcome: new.welcome },
    )
    .await?;
    audit::record(tx, "upload import", id, json!({ "name": name, "rows": count })).await?;
    work_later(tx, id).await?;
    import(tx, id).await
}

/// Reads a file's columns otherwise, and has its rows checked again.
pub async fn change(tx: &mut TenantTx, id: ImportId, wish: ImportChange) -> Result<Import, Error> {
    at_rest(tx, id).await?;
    let headers = headers(tx, id).await?;
    let columns: BTreeMap<_, _> = wish.columns.into_iter().filter(|(_, column)| !column.is_empty()).collect();
    columns::check(&headers, &columns, true)?;
    store::set_columns(tx, id, &json!(columns)).await?;
    store::set_status(tx, id, ImportStatus::Checking).await?;
    work_later(tx, id).await?;
    import(tx, id).await
}

/// Has an import done, none of whose rows is wrong.
pub async fn start(tx: &mut TenantTx, id: ImportId) -> Result<Import, Error> {
    let import = at_rest(tx, id).await?;
    if import.wrong > 0 {
        return Err(Error::Wrong(id, import.wrong));
    }
    store::set_status(tx, id, ImportStatus::Importing).await?;
    audit::record(tx, "start import", id, json!({ "name": import.name, "rows": import.row_count })).await?;
    work_later(tx, id).await?;
    self::import(tx, id).await
}

/// Forgets an import. What was brought in stays.
pub async fn remove(tx: &mut TenantTx, id: ImportId) -> Result<(), Error> {
    let import = store::lock(tx, id).await?.ok_or(Error::NotFound(id))?;
    if import.status.is_at_work() {
        return Err(Error::AtWork(id));
    }
    store::delete(tx, id).await?;
    Ok(audit::record(tx, "remove import", id, json!({ "name": import.name })).await?)
}

/// An import that is checked and not at work, locked.
async fn at_rest(tx: &mut TenantTx, id: ImportId) -> Result<Import, Error> {
    let import = store::lock(tx, id).await?.ok_or(Error::NotFound(id))?;
    match import.status {
        ImportStatus::Checked => Ok(import),
        ImportStatus::Done => Err(Error::Done(id)),
        ImportStatus::Checking | ImportStatus::Importing => Err(Error::AtWork(id)),
    }
}

async fn work_later(tx: &mut TenantTx, id: ImportId) -> Result<(), Error> {
    let now = tx.at();
    Ok(jobs::enqueue(tx, &WorkOnImport { import: id }, now).await?)
}

/// Goes through an import's rows, in one transaction on behalf of whoever sent it: to check them it is undone, to do them
/// it is kept, unless a row turned out wrong meanwhile. An import that is not at work is left as it is.
pub(super) async fn work(app: &App, tenant: TenantId, id: ImportId) -> anyhow::Result<()> {
    let system = Scope::system(tenant);
    let mut tx = app.db.read(&system).await?;
    let Some(import) = store::get(&mut tx, id).await?.filter(|import| import.status.is_at_work()) else {
        return Ok(());
    };
    let csv = store::csv(&mut tx, id).await?.unwrap_or_default();
    drop(tx);
    let table = columns::read(&csv)?;
    let scope = Scope { tenant, actor: actor(&import.made_by) };
    let mut tx = app.db.begin(&scope).await?;
    let mut choices =
        Choices::read(&mut tx, import.welcome).await.map_err(|problem: Problem| anyhow::anyhow!(problem.detail))?;
    let mut outcomes = Vec::with_capacity(table.rows.len());
    for n in 0..table.rows.len() {
        outcomes.push(bring_in(&mut tx, &mut choices, &table, &import.columns, n).await?);
        if n % TOLD_EVERY == 0 {
            let mut told = app.db.begin(&system).await?;
            store::set_seen(&mut told, id, i32::try_from(n).unwrap_or(i32::MAX)).await?;
            told.commit().await?;
        }
    }
    let wrong = outcomes.iter().filter(|row| !row.errors.is_empty()).count();
    let kept = import.status == ImportStatus::Importing && wrong == 0;
    if !kept {
        drop(tx);
        tx = app.db.begin(&scope).await?;
        outcomes.iter_mut().for_each(|row| row.subscriber_id = None);
    }
    settle(&mut tx, &import, &outcomes, i32::try_from(wrong).unwrap_or(i32::MAX), kept).await?;
    Ok(tx.commit().await?)
}

/// Notes what became of the rows, unless another worker did.
async fn settle(tx: &mut TenantTx, import: &Import, rows: &[Row], wrong: i32, kept: bool) -> anyhow::Result<()> {
    let status = if kept { ImportStatus::Done } else { ImportStatus::Checked };
    if !store::settle(tx, import.id, import.status, status, wrong).await? {
        anyhow::bail!("import {} was worked on by somebody else, too", import.id);
    }
    store::replace_rows(tx, import.id, rows).await?;
    if kept {
        let detail = json!({ "name": import.name, "subscribers": rows.len() });
        audit::record(tx, "finish import", import.id, detail).await?;
    }
    Ok(())
}

/// Whoever sent a file, as the audit log is to name them.
fn actor(text: &str) -> Actor {
    let staff = text.parse().map(Actor::Staff);
    staff.or_else(|_| text.parse().map(Actor::ApiKey)).unwrap_or(Actor::System)
}
