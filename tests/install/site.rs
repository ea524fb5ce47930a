//! An ISP on the installed programs: made by the command line, worked through the API, held by the installed agent.

use crate::machine::Machine;
use crate::{becomes, documented};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use weir_lab::{Api, Isp, Limit, Line, PlanTerms, StaffLogin, local_day, until};

/// The ISP, and what it sold.
pub struct Site {
    isp: Isp,
    line: Option<Line>,
}

impl Site {
    /// Makes the ISP as its operator would on the machine.
    pub async fn begin(machine: &Machine) -> Result<Self> {
        machine.ok("echo WEIR_GATEWAY_PUBLIC=127.0.0.1:4433 >> /etc/weir/weir.env")?;
        documented("install.md", "sudo systemctl restart weir", machine)?;
        let owner = StaffLogin {
            name: "Nora Winther".into(),
            email: "nora@northwind.example".into(),
            password: "harbour-lights-2026".into(),
        };
        let made = machine.ok(&format!(
            "WEIR_OWNER_PASSWORD={} weir tenant create --name 'Northwind Fibre' --slug northwind --currency EUR \
             --time-zone Europe/Madrid --country ES --owner-name '{}' --owner-email {}",
            owner.password, owner.name, owner.email
        ))?;
        assert!(made.contains("ten_"), "{made}");
        let api = signed_in(&owner).await?;
        let site_id = text(&api.post("/sites", &json!({"name": "Harbour"})).await?, "id")?;
        let router = json!({"name": "edge-1", "site_id": site_id, "lan_interface": "lan0", "wan_interface": "wan0"});
        let router_id = text(&api.post("/routers", &router).await?, "id")?;
        Ok(Self { isp: Isp { api, owner, currency: "EUR".into(), site_id, router_id }, line: None })
    }

    /// Runs the line the dashboard shows, as it is shown.
    pub async fn enroll(&self, machine: &Machine) -> Result<()> {
        let path = format!("/routers/{}/enrollment-tokens", self.isp.router_id);
        let command = text(&self.isp.api.post(&path, &json!({})).await?, "command")?;
        ensure!(command.starts_with("sudo weir-agent enroll --token "), "{command}");
        machine.ok(&command.replace("sudo ", ""))?;
        becomes(machine, "weir-agent", "active").await?;
        let owner = machine.ok("stat -c %U:%a /var/lib/weir-agent/identity.json")?;
        assert_eq!(owner.trim(), "weir-agent:600");
        Ok(())
    }

    /// Sells a line, which the agent holds in the kernel, and takes money for it; returns how the account stands.
    pub async fn earn(&mut self) -> Result<Value> {
        let plan = self.isp.plan(&PlanTerms {
            name: "Home 50",
            rate_down_bps: 50_000_000,
            rate_up_bps: 10_000_000,
            price: "30.00",
            metered: None,
        });
        let plan = plan.await?;
        let line = self.isp.sell(1, "Ada Ferreira", &plan, &local_day()?.to_string()).await?;
        self.isp.applied(Limit::seconds(20)).await?;
        // Else the hourly run bills it at some moment of the story.
        self.isp.bill(local_day()?).await?;
        let payment = json!({"account_id": line.account_id, "method": "cash", "received_on": local_day()?,
            "amount": {"amount": "17.35", "currency": "EUR"}, "reference": "first"});
        self.isp.api.post_once("/payments", "first", &payment).await?;
        self.line = Some(line);
        self.standing().await
    }

    /// The account stands as it did, and the agent, which nobody touched, takes a change.
    pub async fn assert_at_work(&mut self, standing: &Value) -> Result<()> {
        self.isp.api = signed_in(&self.isp.owner).await?;
        assert_eq!(&self.standing().await?, standing);
        let line = self.line.clone().context("nothing is sold yet")?;
        let hold = self.isp.hold(&line, "walled_garden", "a check").await?;
        self.isp.applied(Limit::seconds(60)).await?;
        self.isp.release(&hold).await?;
        self.isp.applied(Limit::seconds(20)).await.map(drop)
    }

    async fn standing(&self) -> Result<Value> {
        let account = &self.line.as_ref().context("nothing is sold yet")?.account_id;
        self.isp.api.get(&format!("/accounts/{account}/standing")).await
    }
}

/// The dashboard may be starting still.
async fn signed_in(owner: &StaffLogin) -> Result<Api> {
    let nobody = Api::new("http://127.0.0.1:8080".into())?;
    until("the API's answer", Limit::seconds(30), async || {
        Ok(match nobody.fetch("/healthz").await {
            Ok((200, _)) => Some(nobody.sign_in(&owner.email, &owner.password).await?),
            _ => None,
        })
    })
    .await
}

fn text(answer: &Value, field: &str) -> Result<String> {
    Ok(answer[field].as_str().with_context(|| format!("no {field} in {answer}"))?.to_owned())
}
