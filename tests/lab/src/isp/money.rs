//! Months that pass, runs that bill them, and subscribers who pay.

use super::{Isp, Line, ZONE, id};
use crate::clock::{Limit, until};
use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

impl Isp {
    /// The day it is for the ISP, by the cloud's clock.
    pub async fn today(&self) -> Result<NaiveDate> {
        let clock = self.api.get("/dev/clock").await?;
        let now: DateTime<Utc> = clock["now"].as_str().context("a clock without a time")?.parse()?;
        Ok(now.with_timezone(&ZONE).date_naive())
    }

    /// Sets the cloud's clock to 06:00 UTC of a day; sessions may end by that, so the owner signs in again.
    pub async fn move_clock(&mut self, to: NaiveDate) -> Result<()> {
        let nobody = self.api.nobody();
        nobody.post("/dev/clock", &json!({"set": format!("{to}T06:00:00Z")})).await?;
        self.api = nobody.sign_in(&self.owner.email, &self.owner.password).await?;
        Ok(())
    }

    /// Runs billing up to a day and waits for its end. A run that the clock has started is waited for first.
    pub async fn bill(&self, as_of: NaiveDate) -> Result<Value> {
        let path = format!("/billing-runs/{}", id(&self.start_run(as_of).await?)?);
        until("the billing run", Limit::seconds(30), || async {
            let run = self.api.get(&path).await?;
            match run["status"].as_str() {
                Some("done") => Ok(Some(run)),
                Some("failed") => bail!("the billing run failed: {run}"),
                _ => Ok(None),
            }
        })
        .await
    }

    async fn start_run(&self, as_of: NaiveDate) -> Result<Value> {
        let wish = json!({"as_of": as_of});
        until("the run before to end", Limit::seconds(30), || async {
            match self.api.post("/billing-runs", &wish).await {
                Err(error) if crate::api::slug(&error) == Some("billing-run-in-progress") => Ok(None),
                other => other.map(Some),
            }
        })
        .await
    }

    /// An account's invoices with their lines, oldest first.
    pub async fn invoices(&self, line: &Line) -> Result<Vec<Value>> {
        let mut invoices = Vec::new();
        for invoice in self.api.list(&format!("/invoices?account_id={}", line.account_id)).await?.iter().rev() {
            invoices.push(self.api.get(&format!("/invoices/{}", id(invoice)?)).await?);
        }
        Ok(invoices)
    }

    /// Pays all that an account's invoices leave open, in cash, today.
    pub async fn pay(&self, line: &Line, key: &str) -> Result<Value> {
        let standing = self.api.get(&format!("/accounts/{}/standing", line.account_id)).await?;
        let payment = json!({"account_id": line.account_id, "method": "cash", "amount": standing["open"],
            "received_on": self.today().await?, "reference": key});
        self.api.post_once("/payments", key, &payment).await
    }
}
