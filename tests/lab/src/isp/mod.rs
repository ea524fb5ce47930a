//! An ISP in the cloud under test, built and run through the REST API as its owner would.

mod access;
mod metering;
mod money;

pub use access::{Crossing, ms_between};
pub use metering::{Faults, bytes_of};

use crate::api::Api;
use crate::clock::{Limit, until};
use crate::lab::Lab;
use crate::topology::subscriber_prefixes;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// Where the lab's ISPs are: their months begin at this zone's midnights.
pub const ZONE: chrono_tz::Tz = chrono_tz::Europe::Madrid;

/// Who signs in.
#[derive(Debug, Clone)]
pub struct StaffLogin {
    /// Their name.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// And the password.
    pub password: String,
}

/// What a plan sells.
#[derive(Debug, Clone)]
pub struct PlanTerms {
    /// Its name.
    pub name: &'static str,
    /// Bits a second to the subscriber.
    pub rate_down_bps: u64,
    /// Bits a second from the subscriber.
    pub rate_up_bps: u64,
    /// A month, in the tenant's currency.
    pub price: &'static str,
    /// Bytes a month that are in the price, and the price of each further block of so many bytes.
    pub metered: Option<(u64, u64, &'static str)>,
}

/// A tenant with a site and a router, and its owner's hands.
pub struct Isp {
    /// The API as its owner.
    pub api: Api,
    /// Its owner.
    pub owner: StaffLogin,
    /// Its currency.
    pub currency: String,
    /// Its only site.
    pub site_id: String,
    /// Its only router.
    pub router_id: String,
}

/// A subscription and all that hangs on it.
#[derive(Debug, Clone, Deserialize)]
pub struct Line {
    /// The lab's subscriber.
    pub number: u8,
    /// The person.
    pub subscriber_id: String,
    /// What is billed.
    pub account_id: String,
    /// The sold plan.
    pub subscription_id: String,
    /// The version of the plan.
    pub plan_version_id: String,
}

/// Who buys, and what is billed.
struct Whose {
    subscriber_id: String,
    account_id: String,
}

impl Isp {
    /// Makes a tenant with a site and a router named `edge-1` on the lab's interfaces.
    pub async fn create(lab: &Lab, name: &str, slug: &str, owner: StaffLogin) -> Result<Self> {
        let currency = "EUR".to_owned();
        let arguments = [
            ["--name", name],
            ["--slug", slug],
            ["--currency", &currency],
            ["--time-zone", ZONE.name()],
            ["--country", "ES"],
            ["--owner-name", &owner.name],
            ["--owner-email", &owner.email],
            ["--owner-password", &owner.password],
        ];
        lab.create_tenant(arguments.as_flattened()).await?;
        let api = lab.api()?.sign_in(&owner.email, &owner.password).await?;
        let site_id = id(&api.post("/sites", &json!({"name": "Harbour"})).await?)?;
        let router = json!({"name": "edge-1", "site_id": site_id, "lan_interface": "lan0", "wan_interface": "wan0",
            "nat": true, "capacity_down_bps": 200_000_000_u64, "capacity_up_bps": 200_000_000_u64});
        let router_id = id(&api.post("/routers", &router).await?)?;
        Ok(Self { api, owner, currency, site_id, router_id })
    }

    /// Signs in to a tenant that is there already; its router of the lab is `edge-1`.
    pub async fn of(lab: &Lab, owner: StaffLogin) -> Result<Self> {
        let api = lab.api()?.sign_in(&owner.email, &owner.password).await?;
        let routers = api.list("/routers").await?;
        let router = routers.iter().find(|router| router["name"] == "edge-1").context("there is no edge-1")?;
        let site_id = router["site_id"].as_str().context("a router without a site")?.to_owned();
        Ok(Self { api, owner, currency: "EUR".into(), site_id, router_id: id(router)? })
    }

    /// Invites a colleague, who accepts.
    pub async fn employ(&self, who: &StaffLogin, role: &str) -> Result<()> {
        let wish = json!({"name": who.name, "email": who.email, "role": role});
        let sent = self.api.post("/staff-invitations", &wish).await?;
        let token = sent["link"].as_str().and_then(|link| link.rsplit('/').next()).context("no link")?;
        let acceptance = json!({"token": token, "password": who.password});
        self.api.post("/staff-invitations/accept", &acceptance).await.map(drop)
    }

    /// A token that enrolls the router's agent once.
    pub async fn enrollment_token(&self) -> Result<String> {
        self.token_for(&self.router_id).await
    }

    /// A token that enrolls a router's agent once.
    pub async fn token_for(&self, router_id: &str) -> Result<String> {
        let path = format!("/routers/{router_id}/enrollment-tokens");
        let token = self.api.post(&path, &json!({})).await?;
        Ok(token["token"].as_str().context("an enrollment without a token")?.to_owned())
    }

    /// Puts a plan on sale; returns its first version's id.
    pub async fn plan(&self, terms: &PlanTerms) -> Result<String> {
        let money = |amount: &str| json!({"amount": amount, "currency": self.currency});
        let mut body = json!({"name": terms.name, "rate_down_bps": terms.rate_down_bps,
            "rate_up_bps": terms.rate_up_bps, "price": money(terms.price)});
        if let Some((allowance, block, price)) = terms.metered {
            body["allowance_bytes"] = json!(allowance);
            body["overage"] = json!({"block_bytes": block, "price": money(price)});
        }
        let plan = self.api.post("/plans", &body).await?;
        version_of(&plan).with_context(|| format!("a plan without a version: {plan}"))
    }

    /// Makes a subscriber with an account and a place, and sells a plan to it on the lab's line `number`.
    pub async fn sell(&self, number: u8, name: &str, plan_version_id: &str, starts_on: &str) -> Result<Line> {
        let addresses = json!({"prefixes": subscriber_prefixes(number)});
        self.sell_known_by(number, name, plan_version_id, starts_on, addresses).await
    }

    /// The same to a line that is known by `prefixes`, `identities` or both.
    pub async fn sell_known_by(
        &self,
        number: u8,
        name: &str,
        plan_version_id: &str,
        starts_on: &str,
        addresses: Value,
    ) -> Result<Line> {
        let email = format!("{}@example.net", name.to_lowercase().replace(' ', "."));
        let subscriber_id = id(&self.api.post("/subscribers", &json!({"name": name, "email": email})).await?)?;
        let account_id = id(&self.api.post("/accounts", &json!({"subscriber_id": subscriber_id})).await?)?;
        let whose = Whose { subscriber_id, account_id };
        self.sell_to(number, whose, plan_version_id, starts_on, addresses).await
    }

    /// Sells one more line to the account of another, of the same version of a plan.
    pub async fn sell_beside(&self, number: u8, other: &Line, starts_on: &str) -> Result<Line> {
        let (subscriber_id, account_id) = (other.subscriber_id.clone(), other.account_id.clone());
        let addresses = json!({"prefixes": subscriber_prefixes(number)});
        let whose = Whose { subscriber_id, account_id };
        self.sell_to(number, whose, &other.plan_version_id, starts_on, addresses).await
    }

    async fn sell_to(
        &self,
        number: u8,
        Whose { subscriber_id, account_id }: Whose,
        plan_version_id: &str,
        starts_on: &str,
        addresses: Value,
    ) -> Result<Line> {
        let place = json!({"subscriber_id": subscriber_id, "site_id": self.site_id, "country": "ES",
            "line1": format!("Quay Street {number}"), "city": "Vigo", "postcode": "36201"});
        let location = id(&self.api.post("/service-locations", &place).await?)?;
        let mut sold = json!({"account_id": account_id, "service_location_id": location, "starts_on": starts_on,
            "plan_version_id": plan_version_id, "router_id": self.router_id});
        for kind in ["prefixes", "identities"] {
            sold[kind] = addresses.get(kind).cloned().unwrap_or_else(|| json!([]));
        }
        let subscription_id = id(&self.api.post("/subscriptions", &sold).await?)?;
        Ok(Line { number, subscriber_id, account_id, subscription_id, plan_version_id: plan_version_id.to_owned() })
    }

    /// What the router was told and what it did.
    pub async fn enforcement(&self) -> Result<Value> {
        self.api.get(&format!("/routers/{}/enforcement", self.router_id)).await
    }

    /// Waits until the router has applied all that is desired.
    pub async fn applied(&self, limit: Limit) -> Result<Value> {
        let generations = |state: &Value| {
            let desired = state["desired_gen"].as_u64()?;
            (desired > 0 && state["applied_gen"].as_u64()? >= desired).then_some(())
        };
        let done = until("applying the desired state", limit, || async {
            let state = self.enforcement().await?;
            Ok(generations(&state).map(|()| state))
        });
        match done.await {
            Ok(state) => Ok(state),
            Err(error) => bail!("{error:#}: {}", self.enforcement().await?),
        }
    }
}

/// The id of what an answer describes.
fn id(answer: &Value) -> Result<String> {
    Ok(answer["id"].as_str().with_context(|| format!("an answer without an id: {answer}"))?.to_owned())
}

fn version_of(plan: &Value) -> Option<String> {
    let version = plan["plan_version_id"].as_str().or_else(|| plan["version"]["id"].as_str());
    version.or_else(|| plan["versions"].as_array()?.last()?["id"].as_str()).map(str::to_owned)
}
