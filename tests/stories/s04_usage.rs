//! Usage: what the cloud has counted is what was delivered, and it knows whose it is.

use crate::world::story;
use weir_lab::{Direction, Family, Load};

const MEGABYTE: u64 = 1_000_000;

#[test]
fn usage_equals_what_was_delivered_and_belongs_to_its_line() {
    story(async |world| {
        let (busy, quiet) = (world.household("Diego Sanjuan").await?, world.household("Eira Lindqvist").await?);
        let before = world.reading(&[&busy]).await?;
        let flow = |direction, bytes, family| busy.host.flow(direction, Load::bytes(bytes), family);
        tokio::try_join!(
            flow(Direction::Down, 2 * MEGABYTE, Family::V4),
            flow(Direction::Down, MEGABYTE, Family::V6),
            flow(Direction::Up, MEGABYTE, Family::V4),
            flow(Direction::Up, MEGABYTE / 2, Family::V6),
        )?;
        let counted = world.assert_counted_once(&[&busy], before).await?;
        // A sender that has sent enough leaves: the last of it may stay in its own queue.
        assert!(counted.down_bytes > 3 * MEGABYTE && counted.up_bytes > MEGABYTE, "{counted:?}");
        assert_eq!(world.isp.usage(&[quiet.line]).await?.total(), 0, "a quiet line has no usage");
        let stray = world.isp.api.get("/usage/unattributed").await?;
        assert_eq!(stray["items"].as_array().map(Vec::len), Some(0), "{stray}");
        Ok(())
    });
}
