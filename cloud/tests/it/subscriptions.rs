//! Addresses over time.

use chrono::Days;
use serde_json::{Value, json};

use crate::harness::{Answer, run};
use crate::refusals::{Furnished, difference, furnished, rows, with};

async fn sell(made: &Furnished, prefix: &str, starts_on: impl ToString) -> Answer {
    let wish = json!({ "prefixes": [prefix], "starts_on": starts_on.to_string() });
    made.isp.post("/api/v1/subscriptions", with(&made.sale_wish, wish)).await
}

async fn end(made: &Furnished, sold: &Value, on: impl ToString) -> Answer {
    let path = format!("/api/v1/subscriptions/{}/end", sold.as_str().expect("an id"));
    made.isp.post(&path, json!({ "ends_on": on.to_string() })).await
}

#[test]
fn what_an_ended_line_had_can_be_sold_from_its_end_on() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let today = cloud.app.clock.now().with_timezone(&chrono_tz::Europe::Madrid).date_naive();
        let (last, later) = (today + Days::new(10), today + Days::new(20));
        sell(&made, "10.20.4.0/25", last).await.refused(409, "prefix-overlaps");
        end(&made, &made.sold, last).await.expect(200);
        sell(&made, "10.20.4.0/25", last - Days::new(1)).await.refused(409, "prefix-overlaps");
        let next = sell(&made, "10.20.4.0/25", last).await.expect(201);

        // They are another's by then: the first line can end sooner, not later.
        let before = rows(cloud, made.isp.tenant).await;
        end(&made, &made.sold, later).await.refused(409, "prefix-overlaps");
        assert_eq!(difference(&before, &rows(cloud, made.isp.tenant).await), Vec::<String>::new());
        end(&made, &made.sold, last - Days::new(1)).await.expect(200);
        end(&made, &made.sold, last).await.expect(200);

        // A line that ends at once gives its addresses back at once, and still shows what it had.
        let path = format!("/api/v1/subscriptions/{}", next["id"].as_str().expect("an id"));
        sell(&made, "10.20.7.0/24", "2026-01-01").await.expect(201);
        let over = sell(&made, "10.20.8.0/24", "2026-01-01").await.expect(201);
        end(&made, &over["id"], "2026-02-01").await.expect(200);
        sell(&made, "10.20.8.0/23", "2026-01-01").await.expect(201);
        sell(&made, "10.20.7.1/32", "2026-01-01").await.refused(409, "prefix-overlaps");
        let over = format!("/api/v1/subscriptions/{}", over["id"].as_str().expect("an id"));
        assert_eq!(made.isp.get(&over).await.expect(200)["prefixes"], json!(["10.20.8.0/24"]));
        assert_eq!(made.isp.get(&path).await.expect(200)["status"], "ordered");
    });
}
