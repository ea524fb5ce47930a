//! `/staff`: who works here, what they may do, who is invited; `/join/<token>`: where an invitation leads.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, Inset, Join, Section, Show};

use super::{Asking, MANY, form_status, second_step, sessions};
use crate::access::{self, Member, MemberChange, NewInvitation, SentInvitation};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, anonymous_frame, html, is_about_the_form, see};
use crate::http::permission::{ManageStaff, Needs, Role, ViewStaff};
use crate::http::toast::see_saying;
use crate::ids::{InvitationId, StaffId};
use crate::notifications::{self, Fact, Facts, Notice, Recipient, Template};
use crate::tenants;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/staff", get(list))
        .route("/staff/invite", get(new).post(invite))
        .route("/staff/{id}", get(show).post(change))
        .route("/staff-invitations/{id}/withdraw", post(withdraw))
        .route("/join/{token}", get(joining).post(join))
}

async fn list(screen: Screen<ViewStaff>) -> Result<Response, Problem> {
    listed(&screen, None).await
}

/// The staff and the open invitations; `link` is a fresh invitation's, shown this once.
async fn listed<P: Needs>(screen: &Screen<P>, link: Option<String>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let members = access::members(&mut tx, MANY).await?;
    let invitations = access::invitations(&mut tx).await?;
    let required = access::is_second_step_required(&mut tx).await?;
    let (lang, may_manage) = (screen.frame.lang, screen.may::<ManageStaff>());
    let rows = members.iter().map(|member| {
        vec![
            Cell::link(format!("/staff/{}", member.id), &member.name),
            Cell::Text(member.email.clone()),
            Cell::Text(role_name(screen, member.role)),
            second_step_of(screen, member),
            access_of(screen, member),
        ]
    });
    let names = ["name", "email", "role", "second-step", "status"].map(|key| screen.t(key)).to_vec();
    let people = Section {
        title: screen.t("staff-people"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: String::new(),
    };
    let rows = invitations.into_iter().map(|invited| {
        let withdraw = may_manage.then(|| Cell::Post {
            action: format!("/staff-invitations/{}/withdraw", invited.id),
            text: screen.t("staff-withdraw"),
        });
        vec![
            Cell::Text(invited.name),
            Cell::Text(invited.email),
            Cell::Text(role_name(screen, invited.role)),
            Cell::Text(format::instant(lang, invited.expires_at, screen.zone)),
            withdraw.unwrap_or_else(|| Cell::status(Tone::Mute, screen.t("staff-invited"))),
        ]
    });
    let names = ["name", "email", "role", "until", "status"].map(|key| screen.t(key)).to_vec();
    let invited = Section {
        title: screen.t("staff-invitations"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("staff-invitations-empty"),
    };
    let page = Show {
        frame: &screen.frame,
        up: ("/".into(), screen.t("nav-overview")),
        title: screen.t("nav-staff"),
        lede: screen.t("staff-lede"),
        actions: may_manage.then(|| Action::go("/staff/invite", screen.t("staff-invite"))).into_iter().collect(),
        command: link.map(|link| (link, screen.t("staff-link-lede"))),
        facts: Vec::new(),
        sections: vec![people, invited],
        form: may_manage.then(|| policy_form(screen, required)),
    };
    html(StatusCode::OK, &page)
}

fn second_step_of<P: Needs>(screen: &Screen<P>, member: &Member) -> Cell {
    match member.second_step {
        true => Cell::status(Tone::Ok, screen.t("second-step-is-on")),
        false => Cell::status(Tone::Mute, screen.t("second-step-is-off")),
    }
}

/// Asks what is demanded of everybody.
fn policy_form<P: Needs>(screen: &Screen<P>, required: bool) -> Inset {
    let fields = Fields::of([("second_step_required", if required { "yes".into() } else { String::new() })]);
    Asking::new(&screen.frame, &fields, None).ask("second_step_required", "second-step-require", Input::Tick).inset(
        screen.t("second-step-policy"),
        "/staff/policy",
        "save",
    )
}

fn access_of<P: Needs>(screen: &Screen<P>, member: &Member) -> Cell {
    match member.disabled_at {
        None => Cell::status(Tone::Ok, screen.t("staff-active")),
        Some(_) => Cell::status(Tone::Mute, screen.t("staff-disabled")),
    }
}

/// What a role is called on screen.
pub(super) fn role_name<P: Needs>(screen: &Screen<P>, role: Role) -> String {
    screen.t(&format!("role-{}", role.name()))
}

fn roles<P: Needs>(screen: &Screen<P>) -> Input {
    let told = |role: Role| format!("{}: {}", role_name(screen, role), screen.t(&format!("role-{}-lede", role.name())));
    Input::Choice(Role::ALL.map(|role| (role.name().to_owned(), told(role))).to_vec())
}

async fn new(screen: Screen<ManageStaff>) -> Result<Response, Problem> {
    invitation_form(&screen, &Fields::of([("role", Role::Support.name().into())]), None)
}

fn invitation_form(
    screen: &Screen<ManageStaff>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("email", "email", Input::Line("email"))
        .ask("role", "role", roles(screen));
    let page = Form {
        frame: &screen.frame,
        up: ("/staff".into(), screen.t("nav-staff")),
        title: screen.t("staff-invite"),
        lede: screen.t("staff-invite-lede"),
        form: asked.inset(String::new(), "/staff/invite", "staff-invite"),
    };
    html(form_status(problem), &page)
}

async fn invite(screen: Screen<ManageStaff>, mut fields: Fields) -> Result<Response, Problem> {
    let Some(role) = role_of(&mut fields) else {
        let problem = fields.problem();
        return invitation_form(&screen, &fields, Some(&problem));
    };
    let wish = NewInvitation { name: fields.text("name"), email: fields.text("email"), role };
    let mut tx = screen.begin().await?;
    match access::invite(&screen.app, &mut tx, wish).await.map_err(Problem::from) {
        Ok(sent) => {
            write_to(&screen, &mut tx, &sent).await?;
            tx.commit().await?;
            listed(&screen, Some(sent.link)).await
        }
        Err(problem) if is_about_the_form(&problem) => invitation_form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

/// Sends the invited the link, where a mail server is set up; it is shown here, too.
async fn write_to(screen: &Screen<ManageStaff>, tx: &mut TenantTx, sent: &SentInvitation) -> Result<(), Problem> {
    let invitation = &sent.invitation;
    let notice = Notice {
        template: Template::StaffInvitation,
        cause: invitation.id.uuid(),
        to: Recipient::Person {
            name: invitation.name.clone(),
            email: invitation.email.clone(),
            language: screen.frame.lang.to_owned(),
        },
        facts: Facts::of([("expires_at", Fact::Instant(invitation.expires_at))]),
        reply_to: None,
        invoice: None,
        link: Some(sent.link.clone()),
    };
    notifications::send(&screen.app, tx, &notice).await?;
    Ok(())
}

fn role_of(fields: &mut Fields) -> Option<Role> {
    fields.read("role", "error-choose")
}

async fn show(screen: Screen<ViewStaff>, ApiPath(id): ApiPath<StaffId>) -> Result<Response, Problem> {
    shown(&screen, id, None).await
}

async fn shown<P: Needs>(screen: &Screen<P>, id: StaffId, problem: Option<&Problem>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let member = access::member(&mut tx, id).await?;
    let sessions = if screen.may::<ManageStaff>() { Some(access::sessions(&mut tx, id).await?) } else { None };
    let sessions = sessions.map(|sessions| {
        let end = Action::post(format!("/staff/{id}/sessions/end"), screen.t("sessions-end-all"));
        Section { action: (!sessions.is_empty()).then_some(end), ..sessions::section(screen, sessions) }
    });
    let facts = vec![
        (screen.t("status"), access_of(screen, &member)),
        (screen.t("email"), Cell::Text(member.email.clone())),
        (screen.t("role"), Cell::Text(role_name(screen, member.role))),
        (screen.t("second-step"), second_step_of(screen, &member)),
        (screen.t("since"), Cell::Text(format::instant(screen.frame.lang, member.created_at, screen.zone))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let changeable = screen.may::<ManageStaff>() && screen.person.id != id;
    let page = Show {
        frame: &screen.frame,
        up: ("/staff".into(), screen.t("nav-staff")),
        lede: screen.t(&format!("role-{}-lede", member.role.name())),
        actions: (changeable && member.second_step)
            .then(|| second_step::reset_action(screen, id, &member.name))
            .into_iter()
            .collect(),
        command: None,
        facts,
        sections: sessions.into_iter().collect(),
        form: changeable.then(|| change_form(screen, &member, problem)),
        title: member.name,
    };
    html(form_status(problem), &page)
}

fn change_form<P: Needs>(screen: &Screen<P>, member: &Member, problem: Option<&Problem>) -> Inset {
    let disabled = if member.disabled_at.is_some() { "yes" } else { "" };
    let fields = Fields::of([("role", member.role.name().into()), ("disabled", disabled.into())]);
    Asking::new(&screen.frame, &fields, problem)
        .ask("role", "role", roles(screen))
        .ask("disabled", "staff-disable", Input::Tick)
        .inset(screen.t("staff-change"), format!("/staff/{}", member.id), "save")
}

async fn change(
    screen: Screen<ManageStaff>,
    ApiPath(id): ApiPath<StaffId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let role = role_of(&mut fields);
    let change = MemberChange { role, disabled: Some(fields.get("disabled") == "yes") };
    let problem = fields.problem();
    if !problem.errors.is_empty() {
        return shown(&screen, id, Some(&problem)).await;
    }
    let mut tx = screen.begin().await?;
    match access::change_member(&mut tx, id, change).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/staff/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => shown(&screen, id, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

async fn withdraw(screen: Screen<ManageStaff>, ApiPath(id): ApiPath<InvitationId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    access::withdraw(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying("/staff", "done-saved"))
}

async fn joining(State(app): State<App>, headers: HeaderMap, Path(token): Path<String>) -> Result<Response, Problem> {
    join_form(&app, &headers, &token, None).await
}

async fn join_form(
    app: &App,
    headers: &HeaderMap,
    token: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (tenant, invitation) = access::invitation(app, token).await?;
    let tenant = tenants::tenant(&mut app.db.read(&Scope::system(tenant)).await?).await?;
    let mut frame = anonymous_frame(headers);
    frame.tenant = tenant.name;
    frame.hue = tenant.hue.unsigned_abs();
    let fields = Fields::default();
    let asked = Asking::new(&frame, &fields, problem).ask("password", "password-new", Input::Line("password"));
    let form = asked.inset(String::new(), format!("/join/{token}"), "join-do");
    let page = Join {
        title: frame.t1("join-title", "name", &frame.tenant),
        lede: frame.t1("join-lede", "email", &invitation.email),
        frame: &frame,
        form,
    };
    html(form_status(problem), &page)
}

async fn join(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    match access::join(&app, &token, fields.text("password")).await.map_err(Problem::from) {
        Ok(_) => Ok(see("/log-in")),
        Err(problem) if is_about_the_form(&problem) => join_form(&app, &headers, &token, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}
