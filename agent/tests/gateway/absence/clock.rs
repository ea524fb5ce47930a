//! The router's clocks, on simulated time.

use std::cell::Cell;
use std::rc::Rc;

use tokio::time::{Duration, Instant, sleep_until};
use uuid::Uuid;
use weir_agent::clock::{Clock, Now};

/// Clocks that follow the runtime's; handles share them.
#[derive(Clone)]
pub struct Shown {
    origin: Instant,
    boot: Rc<Cell<Boot>>,
}

#[derive(Clone, Copy)]
struct Boot {
    number: u32,
    began_ms: u64,
    /// Wall clock less elapsed time.
    ahead_ms: u64,
}

impl Shown {
    pub fn at(wall_ms: u64) -> Self {
        let boot = Boot { number: 1, began_ms: 0, ahead_ms: wall_ms };
        Self { origin: Instant::now(), boot: Rc::new(Cell::new(boot)) }
    }

    /// Since the beginning of the story, whatever clocks say.
    pub fn elapsed_ms(&self) -> u64 {
        self.origin.elapsed().as_millis() as u64
    }

    /// What the wall clock of this boot shows or showed.
    pub fn wall_ms(&self, elapsed_ms: u64) -> u64 {
        self.boot.get().ahead_ms + elapsed_ms
    }

    pub async fn until(&self, elapsed_ms: u64) {
        sleep_until(self.origin + Duration::from_millis(elapsed_ms)).await;
    }

    /// Starts the monotonic clock anew, and puts the wall clock off.
    pub fn reboot(&self, off_ms: i64) {
        let Boot { number, ahead_ms, .. } = self.boot.get();
        let ahead_ms = ahead_ms.saturating_add_signed(off_ms);
        self.boot.set(Boot { number: number + 1, began_ms: self.elapsed_ms(), ahead_ms });
    }

    pub fn boot_number(&self) -> u32 {
        self.boot.get().number
    }
}

impl Clock for Shown {
    fn now(&self) -> Now {
        let elapsed_ms = self.elapsed_ms();
        Now { wall_ms: self.wall_ms(elapsed_ms), mono_ms: elapsed_ms - self.boot.get().began_ms + 10_000 }
    }

    fn boot(&self) -> Uuid {
        Uuid::from_u128(self.boot_number().into())
    }
}
