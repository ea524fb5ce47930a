//! The hook `rate-usage`: billing asks for prices before its transaction and checks inside that nothing has moved.

use rust_decimal::Decimal;
use weir_plugin_host::call::{Input, Mode, Output, UsageLine};
use weir_rules::money::{Currency, Money};

use super::calls::{self, About};
use super::{Error, Outcome, PricedBy, Settings, answers, store};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::ids::{AccountId, PluginId, PluginInvocationId, PluginVersionId};

/// A version that is asked, and what it is told.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The plugin.
    pub plugin_id: PluginId,
    /// Its name.
    pub name: String,
    /// The version.
    pub version_id: PluginVersionId,
    /// Its number.
    pub number: i32,
    /// SHA-256 of the component.
    pub digest: [u8; 32],
    /// What it is told and allowed.
    pub settings: Settings,
    /// Whether it is paused.
    pub paused: bool,
}

/// Prices of an account's usage lines, as a rule set them for exactly these facts.
#[derive(Clone, Debug)]
pub struct Quote {
    rule: Rule,
    lines: Vec<(UsageLine, Quoted)>,
}

/// What came of one line.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// The price of a block; `None` = the plan's.
    pub price: Option<Money>,
    /// What the line says about it.
    pub by: PricedBy,
}

impl Quote {
    /// What was quoted for a line with these facts; `None` when it was never quoted, so something has moved.
    pub fn of(&self, line: &UsageLine) -> Option<&Quoted> {
        self.lines.iter().find(|(known, _)| known == line).map(|(_, quoted)| quoted)
    }
}

/// The rule that sets prices, if the tenant has one.
pub async fn pricing_rule(tx: &mut TenantTx) -> Result<Option<Rule>, Error> {
    Ok(store::plugins::rules(tx, "rate-usage").await?.into_iter().next())
}

/// Whether the rule a quote came from still sets prices, unchanged, until this transaction ends.
pub async fn still_holds(tx: &mut TenantTx, quote: &Quote) -> Result<bool, Error> {
    let rule = &quote.rule;
    Ok(store::plugins::is_still(tx, rule.plugin_id, rule.version_id, rule.settings.revision, rule.paused).await?)
}

/// Asks the rule for the prices of an account's lines. Call it outside transactions: it waits for another process.
///
/// Whatever the plugin does, there is an answer: where it has none that can be taken, the plan's price holds and the line
/// says so.
pub async fn quote(
    app: &App,
    scope: &Scope,
    rule: Rule,
    account: AccountId,
    currency: Currency,
    lines: Vec<UsageLine>,
) -> Result<Quote, Error> {
    if lines.is_empty() {
        return Ok(Quote { rule, lines: Vec::new() });
    }
    if rule.paused {
        let quoted = |line: UsageLine| {
            let by = said(&rule, &line, None, Outcome::Paused, "the plugin is paused".into());
            (line, Quoted { price: None, by })
        };
        let lines = lines.into_iter().map(quoted).collect();
        return Ok(Quote { rule, lines });
    }
    let mut tx = app.db.read(scope).await?;
    let surroundings = calls::surroundings(&mut tx, Some(currency.code())).await?;
    drop(tx);
    let made = calls::make(app, scope, &rule, surroundings, Mode::Live, Input::RateUsage(lines.clone())).await?;
    let (quoted, refused) = judged(&rule, &made, currency, lines);
    let (outcome, message) = match refused {
        Some(refused) => ("guard", refused),
        None => made.outcome(),
    };
    let mut tx = app.db.begin(scope).await?;
    let about = About { subject: account.to_string(), event: None };
    calls::record(&mut tx, &rule, &about, &made, (outcome, &message)).await?;
    tx.commit().await?;
    Ok(Quote { rule, lines: quoted })
}

/// What is taken of the answer, line by line; and the first thing a guard rail refused.
fn judged(
    rule: &Rule,
    made: &calls::Made,
    currency: Currency,
    lines: Vec<UsageLine>,
) -> (Vec<(UsageLine, Quoted)>, Option<String>) {
    let mut refused = None;
    let mut quoted = Vec::with_capacity(lines.len());
    for (at, line) in lines.into_iter().enumerate() {
        let judged = match &made.reply.result {
            Ok(Output::RateUsage(decisions)) if decisions.len() > at => {
                let judged = answers::price(&line, &decisions[at], rule.settings.limit_percent, currency);
                judged.inspect_err(|message| {
                    refused.get_or_insert_with(|| message.clone());
                })
            }
            Ok(_) => Err("it answered another question".into()),
            Err((_, message)) => Err(message.clone()),
        };
        let (price, outcome, reason) = match judged {
            Ok(Some((price, reason))) => (Some(price), Outcome::Priced, reason),
            Ok(None) => (None, Outcome::Unchanged, String::new()),
            Err(message) => (None, Outcome::FellBack, message),
        };
        let by = said(rule, &line, Some(made.id), outcome, reason);
        quoted.push((line, Quoted { price, by }));
    }
    (quoted, refused)
}

fn said(
    rule: &Rule,
    line: &UsageLine,
    invocation_id: Option<PluginInvocationId>,
    outcome: Outcome,
    reason: String,
) -> PricedBy {
    PricedBy {
        plugin_id: rule.plugin_id,
        plugin: rule.name.clone(),
        version: rule.number,
        digest: hex::encode(rule.digest),
        settings_revision: rule.settings.revision,
        invocation_id,
        outcome,
        reason,
        list_price: line.unit_price,
    }
}

/// What blocks of a line cost at a price.
pub(super) fn amount(line: &UsageLine, price: Option<Decimal>) -> Decimal {
    price.unwrap_or(line.unit_price) * Decimal::from(line.blocks)
}
