//! Where the story happens: the lab with a mail server, a payment provider and pages that people inside can reach.

use crate::isp::{Isp, StaffLogin};
use crate::lab::{Lab, Options};
use crate::outside::Process;
use crate::topology::{CLOUD_ADDRESS, PROVIDER_PORT, Place};
use anyhow::{Context, Result};
use chrono::{Datelike, Months, NaiveDate};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The short name of the ISP.
pub const SLUG: &str = "northwind";

/// A lab in which everybody the story needs is there.
pub struct Stage {
    /// The nodes and programs.
    pub lab: Lab,
    /// The ISP, with one router.
    pub isp: Isp,
    /// Where letters lie.
    pub mail: PathBuf,
    /// Where pictures go.
    pub screenshots: PathBuf,
    /// Where the browser's part is.
    pub browser: PathBuf,
    /// The first day of the first month.
    pub first: NaiveDate,
    _servers: [Process; 3],
}

impl Stage {
    /// Starts everything; the ISP has nothing but its owner, a site and a router.
    pub async fn build(screenshots: &Path, browser: &Path) -> Result<Self> {
        let mut lab = Lab::start(Options { subscribers: 3, pages_inside: true, ..Options::default() }).await?;
        let database = lab.use_own_postgres().await?;
        let provider = lab.start_provider().await?;
        let (post, mail) = lab.start_mail().await?;
        lab.start_cloud().await?;
        lab.start_pages_inside().await?;
        let owner = StaffLogin {
            name: "Nora Winther".into(),
            email: "nora@northwind.example".into(),
            password: "harbour-lights-2026".into(),
        };
        let mut isp = Isp::create(&lab, "Northwind Fibre", SLUG, owner).await?;
        let today = isp.today().await?;
        let first = today.with_day(1).context("a month without a first day")? + Months::new(1);
        isp.move_clock(first).await?;
        let (screenshots, browser) = (screenshots.to_owned(), browser.canonicalize()?);
        Ok(Self { lab, isp, mail, screenshots, browser, first, _servers: [database, provider, post] })
    }

    /// The first day of a later month.
    pub fn month(&self, later: u32) -> NaiveDate {
        self.first + Months::new(later)
    }

    /// Asks the payment provider for something, as its own pages would.
    pub async fn ask_provider(&self, path: &str, form: &[&str]) -> Result<Value> {
        let url = format!("http://{CLOUD_ADDRESS}:{PROVIDER_PORT}{path}");
        let mut argv =
            vec!["curl", "--silent", "--fail", "--noproxy", "*", "--header", "authorization: Bearer sk_test_lab", &url];
        argv.extend(form.iter().flat_map(|pair| ["--data-urlencode", pair]));
        let told = self.lab.inside().run_ok(&Place::Cloud.name(), &argv).await?;
        serde_json::from_str(&told).with_context(|| format!("the provider said {told:?}"))
    }
}
