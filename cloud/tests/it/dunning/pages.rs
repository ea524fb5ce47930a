//! The screens of dunning: what staff see of it and what they may do to it.

use chrono_tz::Tz;
use weir_cloud::http::permission::Role;

use super::world::{Debtor, access, balance, cases, debtor, isp, pass, text};
use crate::money::harness::{Isp, Page, story};
use crate::pages::unwritten;

async fn owing(slug: &str, until: &str) -> (Isp, Debtor) {
    let (mut isp, router) = isp(slug).await;
    let ana = debtor(&isp, router, "Amara =Okafor", Tz::Europe__Madrid).await;
    isp.bill("2026-11-01").await;
    pass(&mut isp, until).await;
    (isp, ana)
}

/// The form of a page as a browser would send it, without its buttons.
fn filled(page: &Page) -> Vec<(String, String)> {
    let form = page.text.split("<form class=\"policy\"").nth(1).expect("the form").split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(rest.split('"').next().unwrap().to_owned())
    };
    let mut fields = Vec::new();
    for tag in form.split('<').filter(|tag| tag.starts_with("input ")) {
        fields.push((attribute(tag, "name").expect("a name"), attribute(tag, "value").unwrap_or_default()));
    }
    for select in form.split("<select ").skip(1) {
        let chosen = select.split("<option").find(|option| option.contains(" selected")).unwrap_or_default();
        fields.push((
            attribute(&format!(" {select}"), "name").expect("a name"),
            attribute(chosen, "value").unwrap_or_default(),
        ));
    }
    for area in form.split("<textarea ").skip(1) {
        let value = area.split_once('>').expect("an area").1.split('<').next().unwrap();
        fields.push((attribute(&format!(" {area}"), "name").expect("a name"), value.to_owned()));
    }
    fields
}

/// The form with some fields changed and one of its buttons pressed.
fn pressed(page: &Page, button: &str, changes: &[(&str, &str)]) -> String {
    let mut fields = filled(page);
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    fields.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields.push(("do".into(), button.to_owned()));
    let plain =
        |value: &str| value.replace('%', "%25").replace('+', "%2B").replace('\n', "%0A").replace([' ', ','], "%20");
    fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect::<Vec<_>>().join("&")
}

#[test]
fn the_forecast_is_shown_by_day_by_step_and_as_a_file() {
    story(async {
        let (isp, _) = owing("forecast-page", "2026-11-13T10:00:00Z").await;
        let page = isp.page("/dunning").await;
        assert_eq!(page.status, 200);
        for words in ["Amara =Okafor", "16 Nov 2026", "€30.00 unpaid since 15 Nov 2026", "€3.50", "INV-2026-000001"]
        {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        assert_eq!(unwritten(&page.text), Vec::<&str>::new());
        let fees = isp.page("/dunning?step=late_fee").await;
        assert!(fees.text.contains("19 Nov 2026") && !fees.text.contains("16 Nov 2026"), "{}", fees.text);
        assert_eq!(isp.page("/dunning?step=dance").await.status, 400);
        let file = isp.page("/dunning/forecast.csv").await;
        assert!(file.kind.starts_with("text/csv"), "{}", file.kind);
        let lines: Vec<_> = file.text.split("\r\n").collect();
        assert!(lines[0].starts_with("on,at,account,subscriber,step,kind"), "{}", lines[0]);
        assert_eq!(lines.len(), 7, "{}", file.text);
        let fee = lines.iter().find(|line| line.contains("late_fee")).expect("a fee");
        assert!(fee.starts_with("2026-11-19,2026-11-19T07:00:00Z,"), "{fee}");
        assert!(fee.ends_with(",2026-11-15,INV-2026-000001,30.00,3.50,EUR"), "{fee}");
    });
}

#[test]
fn the_policy_is_changed_without_scripts_and_looked_at_before() {
    story(async {
        let (isp, _) = owing("policy-page", "2026-11-17T10:00:00Z").await;
        let shown = isp.page("/dunning/policy").await;
        for words in ["3 days before the due date", "€2.00 + 5 % · at most €5.00", "25 Nov 2026", "Sundays", "1, 3, 5"]
        {
            assert!(shown.text.contains(words), "{words}: {}", shown.text);
        }
        assert_eq!(unwritten(&shown.text), Vec::<&str>::new());
        let edit = "/dunning/policy/edit";
        let form = isp.page(edit).await;
        assert_eq!(unwritten(&form.text), Vec::<&str>::new());
        let steps = |page: &Page| page.text.matches("name=\"do\" value=\"remove-").count();
        assert_eq!(steps(&form), 6);
        let added = isp.form(edit, &pressed(&form, "add", &[("new_kind", "late_fee")])).await;
        assert_eq!((added.status, steps(&added)), (200, 7));
        let removed =
            isp.form(edit, &pressed(&added, "remove-3", &[("step-6-days", "12"), ("step-6-flat", "1.50")])).await;
        assert_eq!(steps(&removed), 6);
        assert!(removed.text.contains("name=\"step-5-flat\" type=\"text\" value=\"1.50\""), "{}", removed.text);

        let wrong =
            isp.form(edit, &pressed(&removed, "save", &[("step-5-days", "2"), ("holidays", "Christmas")])).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("id=\"holidays-error\""), "{}", wrong.text);
        let wrong = isp.form(edit, &pressed(&removed, "save", &[("step-5-days", "2")])).await;
        let told = "id=\"step-5-days-error\">Choose a day after the days of grace in the settings.";
        assert!(wrong.status == 422 && wrong.text.contains(told), "{}", wrong.text);
        let previewed = isp.form(edit, &pressed(&removed, "preview", &[])).await;
        assert!(previewed.text.contains("In 30 days without it"), "{}", previewed.text);
        assert_eq!(isp.get("/dunning-policy").await.expect(200)["version"], 1);
        let saved = isp.form(edit, &pressed(&removed, "save", &[])).await;
        assert_eq!((saved.status, saved.location.as_str()), (303, "/dunning/policy"), "{}", saved.text);
        let policy = isp.get("/dunning-policy").await.expect(200);
        assert_eq!((policy["version"].as_i64(), policy["policy"]["steps"].as_array().unwrap().len()), (Some(2), 6));
        let late = isp.form(edit, &pressed(&removed, "save", &[])).await;
        assert!(late.status == 422 && late.text.contains("somebody else changed the policy"), "{}", late.text);
        let restored = isp.form("/dunning/policy/versions/1/restore", "").await;
        assert_eq!(restored.status, 303);
        let earlier = isp.page("/dunning/policy/versions/2").await;
        assert!(earlier.text.contains("Restore version 2?"));
        assert_eq!(isp.page("/dunning/policy/versions/9").await.status, 404);
    });
}

#[test]
fn a_case_is_worked_on_from_its_page_and_the_accounts() {
    story(async {
        let (isp, ana) = owing("case-page", "2026-11-26T10:00:00Z").await;
        let account = isp.page(&format!("/accounts/{}", ana.account)).await;
        for words in ["Walled off", "5 Dec 2026 · Final notice", "Note a promise to pay"] {
            assert!(account.text.contains(words), "{words}: {}", account.text);
        }
        let case = format!("/dunning-cases/{}", text(&cases(&isp, ana.account).await[0]["id"]));
        let page = isp.page(&case).await;
        assert!(page.text.contains("€3.50") && page.text.contains("Give a fee back"), "{}", page.text);
        assert_eq!(unwritten(&page.text), Vec::<&str>::new());

        let wrong = isp.form(&format!("{case}/promises"), "amount=99.00&promised_on=2026-12-01").await;
        assert!(wrong.status == 422 && wrong.text.contains("That is more than is owed."), "{}", wrong.text);
        let promised = isp.form(&format!("{case}/promises"), "amount=30.00&promised_on=2026-12-01&note=Payday").await;
        assert_eq!((promised.status, access(&isp, &ana).await.as_str()), (303, "open"));
        let paused = isp.form(&format!("{case}/pause"), "until_on=2026-12-10&reason=Away").await;
        assert_eq!(paused.status, 303);
        let page = isp.page(&case).await;
        assert!(page.text.contains("Payday") && page.text.contains("Away"), "{}", page.text);
        assert_eq!(isp.form(&format!("{case}/resume"), "").await.status, 303);
        let fee = text(&cases(&isp, ana.account).await[0]["late_fees"][0]["id"]).to_owned();
        assert_eq!(isp.form(&format!("{case}/waive"), &format!("late_fee={fee}&reason=")).await.status, 422);
        let waived = isp.form(&format!("{case}/waive"), &format!("late_fee={fee}&reason=Goodwill")).await;
        assert_eq!((waived.status, balance(&isp, ana.account).await.as_str()), (303, "30.00"));
        assert!(isp.page(&case).await.text.contains("Given back"));
    });
}

#[test]
fn support_sees_cases_and_only_billing_works_on_them() {
    story(async {
        let (isp, ana) = owing("case-roles", "2026-11-26T10:00:00Z").await;
        let case = format!("/dunning-cases/{}", text(&cases(&isp, ana.account).await[0]["id"]));
        let (support, network) = (isp.session_of(Role::Support).await, isp.session_of(Role::Network).await);
        let seen = isp.browse(&support, &case, None).await;
        assert!(
            seen.status == 200 && !seen.text.contains("Note a promise") && !seen.text.contains("/pause"),
            "{}",
            seen.text
        );
        let refused =
            isp.browse(&support, &format!("{case}/promises"), Some("amount=1.00&promised_on=2026-12-01")).await;
        assert_eq!((refused.status, isp.browse(&support, "/dunning/policy/edit", None).await.status), (403, 403));
        assert_eq!(isp.browse(&network, "/dunning", None).await.status, 403);
        assert!(
            !isp.browse(&network, &format!("/accounts/{}", ana.account), None)
                .await
                .text
                .contains("Dunning steps done")
        );
        let billing = isp.session_of(Role::Billing).await;
        let noted =
            isp.browse(&billing, &format!("{case}/promises"), Some("amount=30.00&promised_on=2026-12-01")).await;
        assert_eq!(noted.status, 303, "{}", noted.text);
    });
}
