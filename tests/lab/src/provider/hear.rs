//! Tells whoever asked to hear, in order, signed, and again until they say they did.

use std::time::Duration;

use super::{Shared, open, signature};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn tell(world: Shared) {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap_or_default();
    let bell = open(&world).bell.clone();
    let mut told = 0;
    loop {
        let next = {
            let world = open(&world);
            world.messages.get(told).map(|message| (message.raw.clone(), world.endpoints.clone()))
        };
        let Some((raw, endpoints)) = next else {
            bell.notified().await;
            continue;
        };
        for (url, secret) in endpoints {
            while !heard(&client, &url, &secret, &raw).await {
                tokio::time::sleep(PAUSE).await;
            }
        }
        told += 1;
    }
}

async fn heard(client: &reqwest::Client, url: &str, secret: &str, raw: &[u8]) -> bool {
    let at = i64::try_from(crate::now_us() / 1_000_000).unwrap_or(i64::MAX);
    let signed = signature(secret, raw, at);
    let sent = client.post(url).header("stripe-signature", signed).body(raw.to_vec()).send().await;
    sent.is_ok_and(|answer| answer.status().is_success())
}
