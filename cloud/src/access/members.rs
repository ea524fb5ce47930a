//! The people who work for a tenant: who they are, what they may do, how they come and go.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::json;

use super::service::{digest, new_token, normalise};
use super::{
    Correspondent, Error, Invitation, Member, MemberChange, NewInvitation, NewStaff, SentInvitation, password, store,
};
use crate::app::App;
use crate::audit;
use crate::db::{Actor, Scope, TenantTx};
use crate::http::paging::Page;
use crate::http::permission::Role;
use crate::ids::{InvitationId, SessionId, StaffId, TenantId};

/// How long an invitation can be accepted.
const INVITATION_LIFE: TimeDelta = TimeDelta::days(7);

/// A page of the staff, those first who came first.
pub async fn members(tx: &mut TenantTx, page: Page) -> Result<Vec<Member>, Error> {
    Ok(store::members::members(tx, page).await?)
}

/// Whoever answers for the ISP's money, to be written to.
pub async fn answering_for_money(tx: &mut TenantTx) -> Result<Vec<Correspondent>, Error> {
    Ok(store::members::answering_for_money(tx).await?)
}

/// One of the staff.
pub async fn member(tx: &mut TenantTx, id: StaffId) -> Result<Member, Error> {
    store::members::member(tx, id).await?.ok_or(Error::NotFound(id))
}

/// Changes what somebody may do, or ends or returns their access. Nobody does this to themselves, and an owner stays.
pub async fn change_member(tx: &mut TenantTx, id: StaffId, change: MemberChange) -> Result<Member, Error> {
    let owners = store::members::lock_owners(tx).await?;
    let before = member(tx, id).await?;
    let role = change.role.unwrap_or(before.role);
    let disabled = change.disabled.unwrap_or(before.disabled_at.is_some());
    if tx.actor() == Actor::Staff(id) && (role != before.role || disabled) {
        return Err(Error::OwnAccess);
    }
    if owners == [id] && (role != Role::Owner || disabled) {
        return Err(Error::LastOwner(id));
    }
    if role != before.role {
        store::members::set_role(tx, id, role).await?;
    }
    if disabled != before.disabled_at.is_some() {
        store::members::set_disabled(tx, id, disabled).await?;
    }
    if disabled {
        store::sessions::delete_of(tx, id, None).await?;
    }
    if disabled || role != Role::Owner {
        // Whoever may invite nobody any more has no open invitations either, least of all one to themselves.
        store::invitations::delete_of(tx, id).await?;
    }
    let detail = json!({ "role": role.name(), "disabled": disabled, "role_before": before.role.name() });
    audit::record(tx, "change staff", id, detail).await?;
    member(tx, id).await
}

/// Invites somebody; an older invitation to the same address ends.
pub async fn invite(
    app: &App,
    tx: &mut TenantTx,
    NewInvitation { name, email, role }: NewInvitation,
) -> Result<SentInvitation, Error> {
    let new = NewInvitation { name: name.trim().to_owned(), email: normalise(&email), role };
    super::service::check_person(&new.name, &new.email)?;
    if store::members::has_email(tx, &new.email).await? {
        return Err(Error::EmailTaken(new.email));
    }
    let token = new_token()?;
    let id: InvitationId = tx.new_id();
    let expires_at = tx.at() + INVITATION_LIFE;
    store::invitations::delete_old(tx, &new.email).await?;
    store::invitations::insert(tx, id, &new, &digest(&token), expires_at).await?;
    audit::record(tx, "invite staff", id, json!({ "role": new.role.name() })).await?;
    let NewInvitation { name, email, role } = new;
    Ok(SentInvitation {
        invitation: Invitation { id, name, email, role, created_at: tx.at(), expires_at },
        link: format!("{}/join/{}", app.config.public_url.trim_end_matches('/'), token),
    })
}

/// The invitations that can still be accepted.
pub async fn invitations(tx: &mut TenantTx) -> Result<Vec<Invitation>, Error> {
    Ok(store::invitations::open(tx).await?)
}

/// Withdraws an invitation: its link opens nothing any more.
pub async fn withdraw(tx: &mut TenantTx, id: InvitationId) -> Result<(), Error> {
    if !store::invitations::delete(tx, id).await? {
        return Err(Error::InvitationNotFound(id));
    }
    Ok(audit::record(tx, "withdraw invitation", id, json!({})).await?)
}

/// What an invitation's token opens: whose invitation, to whom.
pub async fn invitation(app: &App, token: &str) -> Result<(TenantId, Invitation), Error> {
    let (mut tx, hash) = opened(app, token).await?;
    let invitation = store::invitations::lock(&mut tx, &hash).await?.ok_or(Error::InvitationOver)?;
    Ok((tx.tenant(), invitation))
}

/// Accepts an invitation with a password of one's own.
pub async fn join(app: &App, token: &str, password: String) -> Result<Member, Error> {
    password::check(&password)?;
    let (mut tx, hash) = opened(app, token).await?;
    let invitation = store::invitations::lock(&mut tx, &hash).await?.ok_or(Error::InvitationOver)?;
    let Invitation { id, name, email, role, .. } = invitation;
    let staff = super::add_staff(app, &mut tx, &NewStaff { name, email, password, role }).await?;
    store::invitations::delete(&mut tx, id).await?;
    let member = member(&mut tx, staff).await?;
    tx.commit().await?;
    Ok(member)
}

/// Changes one's own password and ends all other sessions but the one `kept`.
pub async fn change_password(
    app: &App,
    person: &super::Person,
    kept: Option<SessionId>,
    current: String,
    new: String,
) -> Result<(), Error> {
    password::check(&new)?;
    match super::log_in::prove(app, &normalise(&person.email), current).await {
        Ok(proven) => proven.settle(app).await?,
        Err(Error::WrongLogin) => return Err(Error::Invalid("current_password", "is not your password".into())),
        Err(other) => return Err(other),
    }
    let hash = password::hash(app, new).await?;
    let mut tx = app.db.begin(&Scope { tenant: person.tenant, actor: Actor::Staff(person.id) }).await?;
    store::members::set_password_hash(&mut tx, person.id, &hash).await?;
    store::sessions::delete_of(&mut tx, person.id, kept).await?;
    audit::record(&mut tx, "change password", person.id, json!({})).await?;
    Ok(tx.commit().await?)
}

/// A transaction of the tenant a token's invitation belongs to, and the token's hash.
async fn opened(app: &App, token: &str) -> Result<(TenantTx, Vec<u8>), Error> {
    if URL_SAFE_NO_PAD.decode(token).is_err() {
        return Err(Error::InvitationOver);
    }
    let hash = digest(token);
    let tenant = store::invitations::tenant_of(&mut app.db.platform().await?, &hash).await?;
    let tx = app.db.begin(&Scope::system(tenant.ok_or(Error::InvitationOver)?)).await?;
    Ok((tx, hash))
}
