//! Lists in pages, by keyset: `?after=<cursor>&limit=<n>`. A cursor is the id of the last item seen.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{self, Problem};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// Which page of a list.
#[derive(Debug, Default, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the page before.
    pub after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    pub limit: Option<u32>,
}

/// A page as the stores understand it.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Items come after this one in the list's order.
    pub after: Option<Uuid>,
    /// Items a page.
    pub limit: u32,
}

impl Page {
    /// How many rows to ask for: one more than is shown tells whether there is a next page.
    pub fn fetch(self) -> i64 {
        i64::from(self.limit) + 1
    }
}

impl PageQuery {
    /// Checks the parameters.
    pub fn page(&self) -> Result<Page, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if limit == 0 || limit > LIMIT_MAX {
            return Err(Problem::new(
                &error::MALFORMED_QUERY,
                format!("limit must be between 1 and {LIMIT_MAX}, found {limit}"),
            ));
        }
        let after = match self.after.as_deref() {
            None | Some("") => None,
            Some(text) => Some(
                Uuid::try_parse(text)
                    .map_err(|_| Problem::new(&error::MALFORMED_QUERY, "after must be the next of the page before"))?,
            ),
        };
        Ok(Page { after, limit })
    }
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give this as `after` to get the next page; null at the end.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// A page from `page.fetch()` rows in order; `id` tells a row's place.
    pub fn new<R>(mut rows: Vec<R>, page: Page, id: impl Fn(&R) -> Uuid, show: impl FnMut(R) -> T) -> Self {
        let more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        let next = if more { rows.last().map(|row| id(row).simple().to_string()) } else { None };
        Self { items: rows.into_iter().map(show).collect(), next }
    }
}
