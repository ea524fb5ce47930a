//! Examples of tax: rounding, several rates, discounts, tax inside, places; and of rounding alone.

use rust_decimal::Decimal;
use serde_json::Value;
use weir_rules::discount::{self, Discount};
use weir_rules::money::{Currency, Money};
use weir_rules::rounding::Rounding;
use weir_rules::tax_place::{Place, PlaceRule, rule_at};
use weir_rules::tax_profile::{RateGroup, Rated, RoundedInside, TaxProfile, TaxScope, total_base, total_tax};

use super::answer::{Answer, Got};
use super::input::{Input, money_of};
use super::refusal::Stop;

fn mode(name: &str) -> Result<Rounding, Stop> {
    name.parse().map_err(|error| Stop::Malformed(format!("{error}")))
}

/// Scope and mode of rounding: `per_line`, `per_invoice_per_rate`, either with a mode after it, the mode by itself, or apart.
fn profile(input: &Input<'_>) -> Result<TaxProfile, Stop> {
    let mut profile = TaxProfile::default();
    if let Some(text) = input.maybe_text("rounding")? {
        let scopes = [
            ("per_invoice_per_rate", TaxScope::PerInvoicePerRate),
            ("per_invoice", TaxScope::PerInvoicePerRate),
            ("per_rate", TaxScope::PerInvoicePerRate),
            ("invoice", TaxScope::PerInvoicePerRate),
            ("per_line", TaxScope::PerLine),
            ("per_item", TaxScope::PerLine),
            ("line", TaxScope::PerLine),
        ];
        let scope = scopes.into_iter().find_map(|(name, scope)| text.strip_prefix(name).map(|rest| (scope, rest)));
        let rest = scope.map_or(text, |(_, rest)| rest.trim_start_matches('_'));
        profile.scope = scope.map_or(TaxScope::default(), |(scope, _)| scope);
        if !rest.is_empty() {
            profile.mode = mode(rest)?;
        }
    }
    for key in ["mode", "rounding_mode"] {
        if let Some(text) = input.maybe_text(key)? {
            profile.mode = mode(text)?;
        }
    }
    Ok(profile)
}

/// Amounts, each with a rate of its own or the one of the example.
fn rated(input: &Input<'_>, key: &str, amount: &str, currency: Currency) -> Result<Vec<Rated>, Stop> {
    let line = |value: &Value| {
        let Some(object) = value.as_object() else {
            return Ok(Rated { amount: money_of(key, value, currency)?, percent: input.number("rate_percent")? });
        };
        let line = Input::new(object);
        let percent = match line.maybe_number("rate_percent")? {
            Some(percent) => percent,
            None => input.maybe_number("rate_percent")?.unwrap_or_default(),
        };
        Ok(Rated { amount: line.money(amount, currency)?, percent })
    };
    input.list(key)?.iter().map(line).collect()
}

/// Tax on lines of one rate.
pub fn rounding(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let (profile, lines) = (profile(input)?, rated(input, "lines", "net", currency)?);
    let groups = profile.exclusive(currency, &lines)?;
    let taxes: Result<Vec<Money>, _> = lines.iter().map(|line| profile.tax_on(line.amount, line.percent)).collect();
    totals(currency, &groups, Answer::default().with_all(&["line_taxes", "taxes", "tax_per_line"], Got::list(taxes?)))
}

fn totals(currency: Currency, groups: &[RateGroup], answer: Answer) -> Result<Answer, Stop> {
    let (base, tax) = (total_base(currency, groups)?, total_tax(currency, groups)?);
    Ok(answer
        .with_all(&["net", "taxable", "base"], base)
        .with_all(&["tax", "tax_total"], tax)
        .with_all(&["total", "gross"], base.checked_add(tax)?))
}

/// Several taxes on one amount.
pub fn several(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let net = input.money("taxable", currency)?;
    let taxes = profile(input)?.several(net, &input.numbers("rates_percent")?, input.flag("compound", false)?)?;
    let tax = Money::sum(currency, taxes.iter().copied())?;
    Ok(Answer::default()
        .with("taxes", Got::list(taxes))
        .with_all(&["tax_total", "tax"], tax)
        .with("total", net.checked_add(tax)?))
}

/// Tax on what a discount leaves, shared out over lines where there are some.
pub fn discounted(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let lines = match input.get("lines") {
        Some(_) => rated(input, "lines", "net", currency)?,
        None => vec![Rated { amount: input.money("subtotal", currency)?, percent: input.number("rate_percent")? }],
    };
    let amounts: Vec<Money> = lines.iter().map(|line| line.amount).collect();
    let subtotal = Money::sum(currency, amounts.iter().copied())?;
    let wanted = match input.maybe_number("discount_percent")? {
        Some(percent) => Discount::Percent { percent, most: input.maybe_money("discount_maximum", currency)? },
        None => Discount::Fixed(input.money("discount", currency)?),
    };
    let taken = wanted.on(subtotal)?;
    let parts = discount::over_lines(taken, &amounts)?;
    let nets: Result<Vec<Money>, _> = amounts.iter().zip(&parts).map(|(line, part)| line.checked_sub(*part)).collect();
    let nets = nets?;
    let left: Vec<Rated> =
        nets.iter().zip(&lines).map(|(net, line)| Rated { amount: *net, percent: line.percent }).collect();
    let groups = profile(input)?.exclusive(currency, &left)?;
    let answer = Answer::default()
        .with("discount", taken)
        .with("subtotal", subtotal)
        .with_all(&["discount_parts", "discounts", "allocated_discounts", "line_discounts", "parts"], Got::list(parts))
        .with_all(&["line_nets", "nets", "discounted_lines", "taxable_lines"], Got::list(nets))
        .with("taxes", Got::list(groups.iter().map(|group| group.tax)))
        .with("breakdown", breakdown(&groups));
    totals(currency, &groups, answer)
}

/// Tax inside gross amounts.
pub fn inclusive(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let lines = match ["lines", "gross_lines"].into_iter().find(|key| input.get(key).is_some()) {
        Some(key) => rated(input, key, "gross", currency)?,
        None => vec![Rated { amount: input.money("gross", currency)?, percent: input.number("rate_percent")? }],
    };
    let mut profile = profile(input)?;
    let rounded = match input.maybe_text("round")?.unwrap_or("net") {
        "net" => RoundedInside::Net,
        "tax" => RoundedInside::Tax,
        "per_line" | "line" => {
            profile.scope = TaxScope::PerLine;
            RoundedInside::Net
        }
        other => return Err(Stop::Malformed(format!("\"round\" is not net or tax: {other:?}"))),
    };
    let groups = profile.inclusive(currency, &lines, rounded)?;
    totals(currency, &groups, Answer::default().with("breakdown", breakdown(&groups)))
}

/// Lines of several rates.
pub fn lines(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let groups = profile(input)?.exclusive(currency, &rated(input, "lines", "net", currency)?)?;
    totals(currency, &groups, Answer::default().with("breakdown", breakdown(&groups)))
}

fn breakdown(groups: &[RateGroup]) -> Got {
    let fields = |group: &RateGroup| Got::Fields(vec![("base", group.base.into()), ("tax", group.tax.into())]);
    Got::ByNumber(groups.iter().map(|group| (group.percent.normalize(), fields(group))).collect())
}

fn place(input: &Input<'_>) -> Result<Place, Stop> {
    let part = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| input.maybe_text(key).transpose()).transpose();
        found.map(|text| text.map(str::to_owned))
    };
    Ok(Place {
        country: part(&["country"])?,
        region: part(&["region", "state"])?,
        city: part(&["city"])?,
        postcode: part(&["postcode", "postal_code", "zip"])?,
    })
}

/// The rate that holds at a place.
pub fn by_location(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let net = input.money("net", currency)?;
    let rules: Result<Vec<PlaceRule>, Stop> = input
        .objects("rules")?
        .iter()
        .map(|rule| Ok(PlaceRule { place: place(rule)?, rate_percent: rule.number("rate_percent")? }))
        .collect();
    let customer = input.object("customer")?;
    let exempt = customer.flag("exempt", false)? || customer.flag("tax_exempt", false)?;
    let rules = rules?;
    let rule = rule_at(&place(&customer)?, &rules).filter(|_| !exempt);
    let tax = match rule {
        Some(rule) => profile(input)?.tax_on(net, rule.rate_percent)?,
        None => Money::zero(currency),
    };
    let rate = rule.map_or(Got::NoRate, |rule| rule.rate_percent.into());
    Ok(Answer::default().with("rate_percent", rate).with("tax", tax).with("total", net.checked_add(tax)?))
}

/// Rounding to a step.
pub fn precision(input: &Input<'_>) -> Result<Answer, Stop> {
    let mode = mode(input.maybe_text("mode")?.unwrap_or("half_up"))?;
    let step: Decimal = input.number("precision")?;
    let rounded = mode.round_to_step(input.number("amount")?, step);
    let rounded =
        rounded.ok_or_else(|| Stop::refused(&["invalid_precision"], format!("no step to round to: {step}")))?;
    Ok(Answer::default().with("rounded", rounded))
}
