//! People leave a card on the ISP's page, at the provider, and are charged by themselves from then on.

use super::World;
use super::office::{BILLING, OWNER, text};
use crate::dice::Dice;
use anyhow::{Context, Result, ensure};
use axum::http::Method;
use serde_json::json;

/// Of a hundred cards, how many have nothing on them when they are charged.
const EMPTY: u64 = 12;
/// What is typed on the provider's page for a card that pays, and for one that is declined for want of money.
const GOOD_NUMBER: &str = "4242424242424242";
const EMPTY_NUMBER: &str = "4000000000000341";

impl World {
    /// The ISP names its provider.
    pub(super) async fn take_cards(&mut self) -> Result<()> {
        let keys =
            json!({"secret_key": "sk_test_1234", "webhook_secret": "whsec_test", "publishable_key": "pk_test_1"});
        self.office.staff_by(Method::PATCH, OWNER, "/payment-provider", Some(keys)).await.map(drop)
    }

    /// A person leaves a card: the page of their account leads to the provider's, and that one back.
    pub(super) async fn leave_card(&mut self, number: usize, account: &str) -> Result<()> {
        let path = format!("/accounts/{account}/pay-link");
        let link = text(&self.office.staff_by(Method::GET, BILLING, &path, None).await?["url"])?;
        let page = self.office.browse(Method::POST, &format!("{}/card", path_of(&link)?)).await?;
        let page = page.context("the page leads to no provider")?;
        // People's browsers may know the provider by another name than we do.
        let page = format!("{}{}", self.office.app.config.stripe_url, path_of(&page)?);
        let empty = Dice::of(self.year.seed, "card", number).percent(EMPTY);
        let card = if empty { EMPTY_NUMBER } else { GOOD_NUMBER };
        let answer = self.office.provider.post(&page).form(&[("number", card)]).send().await?;
        let back = answer.headers().get("location").and_then(|back| back.to_str().ok()).map(str::to_owned);
        let back = back.with_context(|| format!("the provider refused the card: {}", answer.status()))?;
        let led_on = self.office.browse(Method::GET, path_of(&back)?).await?;
        ensure!(led_on.is_none(), "whoever left a card is led on to {led_on:?}");
        Ok(())
    }
}

/// An address without its host.
fn path_of(address: &str) -> Result<&str> {
    let (_, rest) = address.split_once("://").context("no address")?;
    rest.find('/').map(|at| &rest[at..]).context("an address without a path")
}
