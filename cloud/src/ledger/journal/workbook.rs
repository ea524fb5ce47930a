//! The journal as a workbook, with days and amounts a spreadsheet can count with. Rows go to disk as they come.

use std::fs::File;
use std::io;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use tokio::sync::mpsc::Receiver;

use super::Page;
use super::table::{AMOUNTS, COLUMNS, DAY, cells};
use crate::ledger::{EntryView, PostingView};

/// Rows of a sheet; a spreadsheet takes 1,048,576.
const ROWS_MAX: u32 = 1_000_000;
/// Columns wide enough for what is in most rows, in characters.
const WIDTHS: [u32; 13] = [11, 34, 9, 18, 12, 12, 9, 13, 24, 13, 38, 18, 38];

pub(super) fn write(pages: Receiver<Page>, file: &File) -> io::Result<()> {
    filled(pages).and_then(|mut workbook| workbook.save_to_writer(file)).map_err(io::Error::other)
}

fn filled(mut pages: Receiver<Page>) -> Result<Workbook, XlsxError> {
    let mut workbook = Workbook::new();
    let (day, heading) = (Format::new().set_num_format("yyyy-mm-dd"), Format::new().set_bold());
    let (mut sheet, mut row) = (begin(&mut workbook, &heading)?, 1);
    while let Some(page) = pages.blocking_recv() {
        for entry in &page.entries {
            for posting in &entry.postings {
                if row == ROWS_MAX {
                    (sheet, row) = (begin(&mut workbook, &heading)?, 1);
                }
                fill(sheet, row, &day, (&page, entry, posting))?;
                row += 1;
            }
        }
    }
    Ok(workbook)
}

/// One more sheet, with its heading.
fn begin<'a>(workbook: &'a mut Workbook, heading: &Format) -> Result<&'a mut Worksheet, XlsxError> {
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    for (column, (name, width)) in (0..).zip(COLUMNS.into_iter().zip(WIDTHS)) {
        sheet.set_column_width(column, width)?;
        sheet.write_string_with_format(0, column, name, heading)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(sheet)
}

fn fill(
    sheet: &mut Worksheet,
    row: u32,
    day: &Format,
    (page, entry, posting): (&Page, &EntryView, &PostingView),
) -> Result<(), XlsxError> {
    let amount = posting.amount;
    let places = "0".repeat(amount.currency().decimals() as usize);
    let money = Format::new().set_num_format(format!("0.{places}").trim_end_matches('.'));
    for (column, cell) in (0..).zip(cells(page, entry, posting)) {
        if column == DAY {
            sheet.write_datetime_with_format(row, column, entry.posted_on, day)?;
        } else if AMOUNTS.contains(&column) && !cell.is_empty() {
            let amount = if amount.is_negative() { -amount } else { amount };
            sheet.write_with_format(row, column, amount.amount(), &money)?;
        } else {
            sheet.write_string(row, column, cell)?;
        }
    }
    Ok(())
}
