//! The whole life of a debtor, with the clock advanced, in two time zones.

use chrono_tz::Tz;

use super::world::{access, balance, cases, debtor, done, isp, local_day, pass, text};
use crate::money::harness::story;

#[test]
fn a_debt_runs_through_its_steps_and_one_payment_ends_it() {
    story(async {
        let (mut isp, router) = isp("debt-life").await;
        let near = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        let far = debtor(&isp, router, "Aroha", Tz::Pacific__Auckland).await;
        isp.bill("2026-11-01").await;

        pass(&mut isp, "2026-11-20T23:00:00Z").await;
        let begun = ["2026-11-12 remind 30.00", "2026-11-16 remind 30.00", "2026-11-19 late_fee 3.50"];
        assert_eq!(
            (done(&isp, &near).await, access(&isp, &near).await),
            (begun.map(String::from).to_vec(), "open".into())
        );
        // For the fee there is an invoice: it is owed and in the books at once.
        assert_eq!(balance(&isp, near.account).await, "33.50");
        isp.assert_books_balance().await;
        // In Auckland it is the 21st for ten hours already.
        assert_eq!((done(&isp, &far).await.len(), access(&isp, &far).await.as_str()), (4, "throttled"));

        pass(&mut isp, "2026-12-06T20:00:00Z").await;
        let all = [
            "2026-11-12 remind 30.00",
            "2026-11-16 remind 30.00",
            "2026-11-19 late_fee 3.50",
            "2026-11-21 throttle 30.00",
            // The 25th is a holiday.
            "2026-11-26 walled_garden 30.00",
            // On the 20th day after, the fee is due, too: two weeks after it was charged.
            "2026-12-05 final_notice 30.00",
        ];
        for debtor in [&near, &far] {
            assert_eq!(done(&isp, debtor).await, all);
            assert_eq!(access(&isp, debtor).await, "walled_garden");
        }
        for step in cases(&isp, far.account).await[0]["steps"].as_array().unwrap() {
            let at: chrono::DateTime<chrono::Utc> = text(&step["done_at"]).parse().unwrap();
            let hour = at.with_timezone(&far.zone).format("%H").to_string().parse::<u32>().unwrap();
            assert!((8..20).contains(&hour), "{step} on {}", local_day(&far, text(&step["done_at"])));
        }

        // The payment settles both invoices; case and holds end in its transaction.
        isp.now_is("2026-12-07T03:00:00Z").await;
        let paid = isp.pay(near.account, "all", "33.50", "2026-12-07").await;
        assert_eq!((paid["lines_restored"].as_i64(), access(&isp, &near).await.as_str()), (Some(1), "open"));
        let case = cases(&isp, near.account).await.remove(0);
        // The database keeps microseconds of an instant.
        assert_eq!(text(&case["closed_at"])[..26], text(&paid["recorded_at"])[..26]);
        assert!(case["next"].is_null(), "{case}");
        let holds = isp.get(&format!("/subscriptions/{}/holds", near.line)).await.expect(200);
        let ended = holds["items"].as_array().unwrap().iter().filter(|hold| !hold["released_at"].is_null()).count();
        assert_eq!(ended, 2, "stricter replaced gentler: {holds}");
        assert_eq!(access(&isp, &far).await, "walled_garden", "nobody else is let go");
        isp.assert_books_balance().await;
        pass(&mut isp, "2026-12-10T00:00:00Z").await;
        assert_eq!(done(&isp, &near).await, all);
    });
}

#[test]
fn a_week_without_checks_is_caught_up_with_what_is_strictest() {
    story(async {
        let (mut isp, router) = isp("missed-week").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        isp.now_is("2026-12-08T07:30:00Z").await;
        pass(&mut isp, "2026-12-08T12:00:00Z").await;
        let caught_up = ["2026-12-08 final_notice 30.00", "2026-12-08 late_fee 3.50", "2026-12-08 walled_garden 30.00"];
        assert_eq!(done(&isp, &ana).await, caught_up);
        let case = cases(&isp, ana.account).await.remove(0);
        let overtaken = case["steps"].as_array().unwrap().iter().filter(|step| step["overtaken"] == true);
        // The reminder before the due date says nothing any more, and is not even that.
        assert_eq!(overtaken.map(|step| text(&step["kind"])).collect::<Vec<_>>(), ["remind", "throttle"]);
    });
}

#[test]
fn a_debtor_who_pays_a_part_is_judged_by_what_is_left() {
    story(async {
        let (mut isp, router) = isp("part-paid").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-21T12:00:00Z").await;
        assert_eq!(access(&isp, &ana).await, "throttled");
        // Less than the least balance of the throttle is left; the walled garden has none.
        isp.now_is("2026-11-21T13:00:00Z").await;
        let paid = isp.pay(ana.account, "part", "25.00", "2026-11-21").await;
        assert_eq!((paid["lines_restored"].as_i64(), access(&isp, &ana).await.as_str()), (Some(1), "open"));
        assert!(cases(&isp, ana.account).await[0]["closed_at"].is_null());
        pass(&mut isp, "2026-11-26T12:00:00Z").await;
        assert_eq!(access(&isp, &ana).await, "walled_garden");
        let last = done(&isp, &ana).await.pop();
        assert_eq!(last.as_deref(), Some("2026-11-26 walled_garden 5.00"));
    });
}
