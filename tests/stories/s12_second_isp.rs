//! A second ISP on the same installation: what is another's is not there, in the API and on the pages.

use crate::world::{login, story};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use weir_lab::{Api, Isp, slug};

/// Collections, and whether each thing of them has a page of its own.
const COLLECTIONS: [(&str, bool); 8] = [
    ("/sites", true),
    ("/routers", true),
    ("/agents", false),
    ("/subscribers", true),
    ("/accounts", false),
    ("/service-locations", false),
    ("/plans", false),
    ("/subscriptions", true),
];

async fn ids(api: &Api, collection: &str) -> Result<Vec<String>> {
    let id = |item: &Value| item["id"].as_str().map(str::to_owned).context("an item without an id");
    api.list(collection).await?.iter().map(id).collect()
}

#[test]
fn the_staff_of_one_isp_sees_nothing_of_another() {
    story(async |world| {
        let household = world.household("Petra Falk").await?;
        let other =
            Isp::create(&world.lab, "Southbank Net", "southbank", login("Sam Banks", "sam@southbank.example")).await?;
        for (collection, on_page) in COLLECTIONS {
            let foreign = ids(&world.isp.api, collection).await?;
            assert!(!foreign.is_empty(), "the first ISP has {collection}");
            let own = ids(&other.api, collection).await?;
            assert!(own.iter().all(|id| !foreign.contains(id)), "{collection}");
            let path = format!("{collection}/{}", foreign[0]);
            let refused = other.api.get(&path).await.err().with_context(|| format!("{path} was shown"))?;
            let refused = slug(&refused).context("a problem without a slug")?;
            assert!(refused.ends_with("-not-found"), "{path}: {refused}");
            if on_page {
                let (status, page) = other.api.fetch(&path).await?;
                assert_eq!(status, 404, "{path}");
                assert!(!String::from_utf8_lossy(&page).contains("Petra"), "{path}");
                assert_eq!(world.isp.api.fetch(&path).await?.0, 200, "its own ISP sees {path}");
            }
        }
        let found = other.api.list("/subscribers?q=petra").await?;
        assert_eq!(found, Vec::<Value>::new(), "a search finds nobody else's");
        let hold = json!({"kind": "manual", "effect": "closed", "reason": "not mine"});
        let path = format!("/subscriptions/{}/holds", household.line.subscription_id);
        let refused = other.api.post(&path, &hold).await.err().context("a hold on another's line was placed")?;
        assert_eq!(slug(&refused), Some("subscription-not-found"));
        let usage = format!("/subscriptions/{}/usage", household.line.subscription_id);
        assert!(other.api.get(&usage).await.is_err());
        Ok(())
    });
}
