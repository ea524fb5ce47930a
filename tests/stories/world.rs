//! The ISP the stories happen to, and the households that live on its lines.

use anyhow::{Context, Result, ensure};
use chrono::{Datelike, NaiveDate};
use futures_util::FutureExt;
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::Runtime;
use weir_lab::{
    Carried, Direction, Family, Faults, Isp, Lab, Limit, Line, Load, Options, PlanTerms, StaffLogin, Subscriber,
    local_day, subscriber_mac, until,
};

/// What everybody buys: slow enough for a small machine to fill several lines at once.
pub const HOME: PlanTerms = PlanTerms {
    name: "Home 6",
    rate_down_bps: 6_000_000,
    rate_up_bps: 3_000_000,
    price: "30.00",
    metered: Some((1_000_000, 100_000, "0.05")),
};

/// Bits a second of traffic that must not fill the line.
const STEADY_DOWN_BPS: u64 = 3_000_000;
const STEADY_UP_BPS: u64 = 1_000_000;

/// A lab with an ISP in it.
pub struct World {
    pub lab: Lab,
    pub isp: Isp,
    /// The version of [`HOME`] on sale.
    pub home: String,
    households: u8,
}

/// A subscription, and the host behind it.
pub struct Household {
    pub line: Line,
    pub host: Subscriber,
}

/// Two sums that must grow alike.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    delivered: Carried,
    counted: Carried,
}

impl World {
    /// Everything in one process, an agent that is enrolled, nobody on its lines yet.
    async fn begin() -> Result<Self> {
        let mut lab = Lab::start(Options { subscribers: 20, ..Options::default() }).await?;
        lab.start_cloud().await?;
        let isp = northwind(&lab).await?;
        let token = isp.enrollment_token().await?;
        lab.start_agent(Some(&token)).await?;
        Self::of(lab, isp).await
    }

    /// A lab whose programs run, and its ISP.
    pub async fn of(lab: Lab, isp: Isp) -> Result<Self> {
        let home = isp.plan(&HOME).await?;
        Ok(Self { lab, isp, home, households: 0 })
    }

    /// Sells [`HOME`] from the first of the cloud's month on to somebody new, and waits until the router serves them.
    pub async fn household(&mut self, name: &str) -> Result<Household> {
        let home = self.home.clone();
        self.household_with(name, &home).await
    }

    /// The same with another plan.
    pub async fn household_with(&mut self, name: &str, plan_version_id: &str) -> Result<Household> {
        let (number, starts_on) = self.next_household().await?;
        let line = self.isp.sell(number, name, plan_version_id, &starts_on).await?;
        self.served(line).await
    }

    /// One more line of an account, of the same plan.
    pub async fn household_beside(&mut self, other: &Household) -> Result<Household> {
        let (number, starts_on) = self.next_household().await?;
        let line = self.isp.sell_beside(number, &other.line, &starts_on).await?;
        self.served(line).await
    }

    /// Sells [`HOME`] to somebody whom nothing is known of but the Ethernet address.
    pub async fn household_known_by_mac(&mut self, name: &str) -> Result<Household> {
        let (number, starts_on) = self.next_household().await?;
        let addresses = json!({"identities": [format!("mac:{}", subscriber_mac(number))]});
        let line = self.isp.sell_known_by(number, name, &self.home, &starts_on, addresses).await?;
        self.served(line).await
    }

    async fn next_household(&mut self) -> Result<(u8, String)> {
        ensure!(self.households < self.lab.subscribers(), "every line of the lab is taken");
        self.households += 1;
        Ok((self.households, first_of(self.isp.today().await?)?.to_string()))
    }

    async fn served(&self, line: Line) -> Result<Household> {
        self.isp.applied(Limit::seconds(20)).await?;
        Ok(Household { host: self.lab.subscriber(line.number), line })
    }

    async fn delivered(&self, households: &[&Household]) -> Result<Carried> {
        self.lab.delivered(households.iter().map(|household| household.line.number)).await
    }

    /// What was delivered to these households and what was counted on their lines, at a quiet moment.
    pub async fn reading(&self, households: &[&Household]) -> Result<Reading> {
        let counted = self.isp.usage(&lines(households)).await?;
        Ok(Reading { delivered: self.delivered(households).await?, counted })
    }

    /// Asserts that the cloud has counted what was delivered since a reading, every record once; returns what it counted.
    pub async fn assert_counted_once(&self, households: &[&Household], since: Reading) -> Result<Carried> {
        const ERROR_MAX: f64 = 0.005;
        let sent = self.delivered(households).await?.since(since.delivered);
        let counted = self.isp.metered(&lines(households), sent + since.counted).await?.since(since.counted);
        // What still waited in a queue as the flow ended was delivered meanwhile, and counted.
        let sent = self.delivered(households).await?.since(since.delivered);
        let error = |counted: u64, sent: u64| (counted as f64 / sent as f64 - 1.0).abs();
        let (down, up) = (error(counted.down_bytes, sent.down_bytes), error(counted.up_bytes, sent.up_bytes));
        assert!(down <= ERROR_MAX && up <= ERROR_MAX, "sent {sent:?}, counted {counted:?}: {down:.5} and {up:.5} off");
        assert_eq!(self.isp.record_faults().await?, Faults::default());
        Ok(counted)
    }

    /// Waits until something flows on a line: faults are only worth something then.
    pub async fn flowing(&self, household: &Household) -> Result<()> {
        const ENOUGH: u64 = 200_000;
        let before = household.host.carried().await?;
        until("traffic", Limit::seconds(10), || async {
            Ok((household.host.carried().await?.since(before).total() > ENOUGH).then_some(()))
        })
        .await
    }
}

impl Household {
    /// Steady traffic both ways for some seconds, over both protocols; what happens to agent and cloud must not disturb it.
    pub async fn stay_busy(&self, seconds: u32) -> Result<()> {
        let ways = [(Direction::Down, STEADY_DOWN_BPS, Family::V4), (Direction::Up, STEADY_UP_BPS, Family::V6)];
        let flows = ways.map(|(direction, rate, family)| async move {
            let flow = self.host.flow(direction, Load::seconds(seconds).at(rate), family).await;
            let flow = flow.context("traffic must not notice what happens to agent and cloud")?;
            let kept = flow.payload_bytes as f64 * 8.0 / f64::from(seconds) / rate as f64;
            ensure!(kept > 0.9, "{direction:?} kept {kept:.2} of its {rate} bit/s");
            Ok(())
        });
        futures_util::future::try_join_all(flows).await.map(drop)
    }

    /// Fills the line and asserts that it is as fast as it was sold, within 5 %.
    pub async fn assert_shaped(&self, direction: Direction, family: Family, sold_bps: u64) -> Result<()> {
        const SECONDS: u32 = 8;
        let flow = self.host.flow(direction, Load::seconds(SECONDS), family).await?;
        let error = flow.goodput_bps / (sold_bps as f64 * family.payload_share()) - 1.0;
        assert!(error.abs() <= 0.05, "{direction:?} {family:?}: {:.0} bit/s, {error:+.3} off", flow.goodput_bps);
        Ok(())
    }
}

fn lines(households: &[&Household]) -> Vec<Line> {
    households.iter().map(|household| household.line.clone()).collect()
}

/// The first day of a day's month.
pub fn first_of(day: NaiveDate) -> Result<NaiveDate> {
    day.with_day(1).context("a month without a first day")
}

/// Northwind Fibre, with a site and a router.
pub async fn northwind(lab: &Lab) -> Result<Isp> {
    Isp::create(lab, "Northwind Fibre", "northwind", login("Nora Winther", "nora@northwind.example")).await
}

/// Somebody who signs in.
pub fn login(name: &str, email: &str) -> StaffLogin {
    StaffLogin { name: name.into(), email: email.into(), password: "harbour-lights-2026".into() }
}

/// Tells a story that happens to the ISP of most stories. One that ends well hands its world on; one that moved the
/// clock, or failed, takes it along.
pub fn story(tell: impl AsyncFnOnce(&mut World) -> Result<()>) {
    static SHARED: Mutex<Option<World>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let found = shared.take();
    let left = alone(async {
        let mut world = match found {
            Some(world) => world,
            None => World::begin().await?,
        };
        let told = AssertUnwindSafe(tell(&mut world)).catch_unwind().await;
        if !matches!(told, Ok(Ok(()))) {
            world.lab.tell_last_words();
        }
        told.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        if world.isp.today().await? == local_day()? {
            return Ok(Some(world));
        }
        world.lab.stop().await?;
        Ok(None)
    });
    *shared = left;
}

/// Tells a story that brings its own world.
pub fn alone<T>(story: impl Future<Output = Result<T>>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new().expect("start a runtime"));
    runtime.block_on(story).unwrap_or_else(|error| panic!("{error:#}"))
}
