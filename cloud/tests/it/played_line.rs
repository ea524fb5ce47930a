//! A line, its router, and a gateway that the test's own agent speaks to.

use chrono::TimeDelta;
use weir_cloud::ids::{RouterId, SubscriptionId};

use crate::money::harness::Isp;
use crate::money::world::FIBRE;
use crate::played::{Gateway, Played, router};

/// An ISP with one line on a router, and a gateway.
pub struct Reach {
    pub isp: Isp,
    pub gateway: Gateway,
    pub at: RouterId,
    pub line: SubscriptionId,
}

impl Reach {
    pub async fn new(slug: &str) -> Self {
        let isp = Isp::new(slug, "2026-10-10T10:05:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let at = router(&isp, "Edge").await;
        let plan = isp.plan(&FIBRE).await;
        let line = isp.line(isp.account("Ana").await, at, plan, "2026-10-01").await;
        Self { isp, gateway, at, line }
    }

    /// The router's agent, enrolled and connected at this revision.
    pub async fn connected(&self, rev: u32) -> Played {
        let identity = self.gateway.enroll(&self.isp, self.at).await;
        self.gateway.session(&identity, rev).await
    }

    pub async fn later(&self, seconds: i64) {
        self.isp.app.clock.shift(TimeDelta::seconds(seconds)).expect("the clock moves");
    }
}
