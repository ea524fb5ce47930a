//! The portal, at `/portal/<short name>/` and at the ISP's own host name: the pages subscribers see of what is theirs.
//!
//! [`door`] finds whose portal it is and who looks; a handler that takes [`Own`] is for the subscriber alone.

mod account;
mod beyond;
mod bills;
mod boost;
mod door;
mod help;
mod home;
mod payers;
mod plan;
mod session;
mod sign_up;
mod statement;
mod top_up;
mod usage;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use weir_rules::money::Money;
use weir_rules::tax::TaxRate;

use crate::app::App;
use crate::billing;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::ids::SubscriptionId;

pub(crate) use door::at_own_host;
use door::{Own, Visit};

pub(super) fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/portal/{slug}", get(home::home))
        .route("/portal/{slug}/live", get(home::live))
        .route("/portal/{slug}/sign-in", get(session::form).post(session::sign_in))
        .route("/portal/{slug}/sign-out", post(session::sign_out))
        .route("/portal/{slug}/sign-out-everywhere", post(session::sign_out_everywhere))
        .route("/portal/{slug}/link", get(session::link_form).post(session::ask_link))
        .route("/portal/{slug}/set-password/{token}", get(session::password_form).post(session::set_password))
        .route("/portal/{slug}/language", post(session::language))
        .route("/portal/{slug}/bills", get(bills::list))
        .route("/portal/{slug}/bills/{invoice}/pdf", get(bills::document))
        .route("/portal/{slug}/credit-notes/{note}/pdf", get(bills::credit_note))
        .route("/portal/{slug}/proformas/{proforma}/pdf", get(bills::proforma))
        .route("/portal/{slug}/lines/{line}/usage", get(usage::show))
        .route("/portal/{slug}/lines/{line}/plan", get(plan::choose).post(plan::preview))
        .route("/portal/{slug}/lines/{line}/plan/{version}", get(plan::ask).post(plan::change))
        .route("/portal/{slug}/lines/{line}/top-ups/{product}", get(top_up::ask).post(top_up::buy))
        .route("/portal/{slug}/lines/{line}/boosts/{product}", get(boost::ask).post(boost::buy))
        .route("/portal/{slug}/accounts/{account}/statement", get(statement::show))
        .route("/portal/{slug}/accounts/{account}/statement/pdf", get(statement::document))
        .route("/portal/{slug}/account", get(account::show))
        .route("/portal/{slug}/help", get(help::show).post(help::ask))
        .route("/portal/{slug}/help/{ticket}", get(help::ticket).post(help::reply))
        .route("/portal/{slug}/sign-up", get(sign_up::form).post(sign_up::place))
        .route("/portal/{slug}/sign-up/thanks", get(sign_up::thanks))
        .route("/portal/{slug}/{*other}", get(nothing).post(nothing))
        .route_layer(from_fn_with_state(app.clone(), door::enter))
}

/// The tax of a line today: what it is called, and its rate.
struct LineTax {
    name: String,
    rate: TaxRate,
}

impl LineTax {
    async fn of(tx: &mut TenantTx, line: SubscriptionId) -> Result<Self, Problem> {
        let today = billing::today(tx).await?;
        let (name, rate) = billing::tax_of_line(tx, line, today).await?;
        Ok(Self { name, rate })
    }

    /// The tax on a net sum, and the whole.
    fn on(&self, net: Money) -> Result<(Money, Money), Problem> {
        let tax = self.rate.on_net(net).map_err(|error| Problem::internal(&error))?;
        Ok((tax, net.checked_add(tax).map_err(|error| Problem::internal(&error))?))
    }
}

/// Whatever else is asked for below a portal's address.
async fn nothing(_visit: Visit) -> Result<Response, Problem> {
    Err(Problem::new(&crate::error::NOT_FOUND, "there is nothing at this address"))
}
