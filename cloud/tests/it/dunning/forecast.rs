//! The forecast is what then happens.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::Value;

use super::world::{debtor, done, eur, isp, pass, save, text, whole_policy};
use crate::money::harness::{Isp, story};

async fn expected(isp: &Isp) -> Vec<Value> {
    isp.get("/dunning-forecast?days=30").await.expect(200)["items"].as_array().unwrap().clone()
}

fn line(one: &Value) -> String {
    let amount = if one["fee"].is_null() { &one["balance"] } else { &one["fee"] };
    format!("{} {} {}", text(&one["on"]), text(&one["kind"]), text(&amount["amount"]))
}

#[test]
fn the_forecast_of_thirty_days_is_what_happens_day_by_day() {
    story(async {
        let (mut isp, router) = isp("foreseen").await;
        let mut policy = whole_policy();
        policy["fee_cap_year"] = eur("3.00");
        save(&isp, policy, 1).await;
        let debtors = [
            debtor(&isp, router, "Ana", Tz::Europe__Madrid).await,
            debtor(&isp, router, "Bea", Tz::America__Sao_Paulo).await,
            debtor(&isp, router, "Cai", Tz::Asia__Kathmandu).await,
        ];
        isp.bill("2026-11-01").await;
        isp.pay(debtors[1].account, "some", "21.50", "2026-11-01").await;
        pass(&mut isp, "2026-11-13T00:00:00Z").await;

        let told = expected(&isp).await;
        assert!(told.is_sorted_by_key(|one| text(&one["on"]).to_owned()), "{told:?}");
        let mut foreseen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in &told {
            foreseen.entry(text(&one["account_id"]).to_owned()).or_default().push(line(one));
            assert_eq!(one["invoices"].as_array().unwrap().len(), 1, "{one}");
        }
        let mut before = BTreeMap::new();
        for debtor in &debtors {
            before.insert(debtor.account.to_string(), done(&isp, debtor).await);
        }
        pass(&mut isp, "2026-12-13T00:00:00Z").await;
        for debtor in &debtors {
            let account = debtor.account.to_string();
            let mut happened = done(&isp, debtor).await;
            happened.retain(|line| !before[&account].contains(line));
            let mut foreseen = foreseen[&account].clone();
            foreseen.sort();
            assert_eq!(foreseen, happened);
            assert!(happened.len() >= 4, "{happened:?}");
        }
        // What is owed was below the throttle's least balance, and is only walled off.
        assert!(!foreseen[&debtors[1].account.to_string()].iter().any(|line| line.contains("throttle")));
        assert_eq!(expected(&isp).await, Vec::<Value>::new());
    });
}

#[test]
fn a_forecast_looks_as_far_as_it_may() {
    story(async {
        let (isp, _) = isp("far-seen").await;
        for (days, status) in [("1", 200), ("90", 200), ("0", 422), ("91", 422), ("-1", 400)] {
            assert_eq!(isp.get(&format!("/dunning-forecast?days={days}")).await.status.as_u16(), status, "{days}");
        }
    });
}
