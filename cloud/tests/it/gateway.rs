//! What a gateway does with agents that may not go on: over real QUIC.

use serde_json::json;
use weir_protocol::PROTO_REV;
use weir_protocol::control::{GoAwayReason, down};

use crate::money::harness::{Isp, story};
use crate::played::{Gateway, Played, router};

/// Why the session ends; whatever else is told before does not matter.
async fn goodbye(played: &mut Played) -> GoAwayReason {
    loop {
        if let down::Message::GoAway(told) = played.hear().await {
            return told.reason();
        }
    }
}

#[test]
fn an_agent_that_is_revoked_or_replaced_is_dropped_at_once() {
    story(async {
        let isp = Isp::new("dropped", "2026-10-10T10:00:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let router = router(&isp, "r").await;
        let first = gateway.enroll(&isp, router).await;
        let mut replaced = gateway.session(&first, PROTO_REV).await;
        let second = gateway.enroll(&isp, router).await;
        assert_eq!(goodbye(&mut replaced).await, GoAwayReason::Revoked);
        let mut revoked = gateway.session(&second, PROTO_REV).await;
        assert_eq!(isp.post(&format!("/routers/{router}/agent/revoke"), json!({})).await.status, 204);
        assert_eq!(goodbye(&mut revoked).await, GoAwayReason::Revoked);
    });
}
