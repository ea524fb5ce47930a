//! What an invoice's page says of its taxes: what each is made of, and where every line was taxed.

use weir_ui::blocks::{Cell, Table};
use weir_ui::format;
use weir_ui::pages::Section;

use super::{days, money};
use crate::billing::{InvoiceLine, InvoiceTax};
use crate::http::page::Screen;
use crate::http::permission::ViewBilling;

/// A tax, with what it is made of, and why it is nothing.
pub(super) fn rows(screen: &Screen<ViewBilling>, tax: &InvoiceTax) -> Vec<Vec<Cell>> {
    let lang = screen.frame.lang;
    let row = |name: &str, rate, amount| {
        let name = format!("{name} {} %", format::number(lang, rate));
        vec![Cell::Text(name), Cell::Number(money(lang, amount))]
    };
    let mut rows = vec![row(&tax.name, tax.rate, tax.tax)];
    if tax.parts.len() > 1 {
        rows.extend(tax.parts.iter().map(|part| row(&format!("· {}", part.tax), part.rate, part.amount)));
    }
    if !tax.reason.is_empty() {
        rows.push(vec![Cell::Text(tax.reason.clone()), Cell::Number(String::new())]);
    }
    rows
}

/// Where each line was taxed, and by which rules.
pub(super) fn section(screen: &Screen<ViewBilling>, lines: &[InvoiceLine]) -> Option<Section> {
    let mut rows = Vec::new();
    for (line, by) in lines.iter().filter_map(|line| Some((line, line.taxed_by.as_ref()?))) {
        let place = [&by.place.country, &by.place.region, &by.place.city, &by.place.postcode];
        let place: Vec<_> = place.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        let what = || Cell::Text(format!("{}, {}", line.description, days(screen.frame.lang, line.from, line.to)));
        let rate = |rate| Cell::Number(format!("{} %", format::number(screen.frame.lang, rate)));
        let mut add = |by: Cell, rate: Cell| rows.push(vec![what(), Cell::Text(place.join(" · ")), by, rate]);
        match &by.exemption {
            Some(exempt) => add(Cell::Text(format!("{} · {}", exempt.reason, exempt.document)), rate(line.tax_rate)),
            None if by.taxes.is_empty() => add(Cell::Text(screen.t("tax-by-nothing")), rate(line.tax_rate)),
            None => by
                .taxes
                .iter()
                .for_each(|tax| add(Cell::link(format!("/tax-rules/{}", tax.rule_id), &tax.tax), rate(tax.rate))),
        }
    }
    let names = ["line", "tax-place", "tax", "tax-rate"].map(|key| screen.t(key)).to_vec();
    let section =
        Section { title: screen.t("tax-by"), action: None, table: Table::new(names, rows), empty: String::new() };
    (!section.table.rows.is_empty()).then_some(section)
}
