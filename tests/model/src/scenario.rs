//! Which steps are taken how often, under which rules, and what must come of it.

use crate::rules::Rules;
use crate::world::Step;

/// What runs of a scenario must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Nothing billed twice, and nothing missing that no fault explains.
    Nothing,
    /// Without the rule, bytes are billed twice.
    Over,
    /// Without the rule, bytes are lost.
    Loss,
}

/// A kind of run.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What can happen besides the ordinary, each as often as its weight says.
    faults: &'static [(Step, usize)],
    /// How many times as often the ordinary happens.
    calm: usize,
    /// The rules that hold.
    pub rules: Rules,
    /// What must come of it.
    pub shows: Shows,
}

const ORDINARY: &[(Step, usize)] = &[
    (Step::Traffic, 20),
    (Step::Seal, 10),
    (Step::Checkpoint, 4),
    (Step::CrashInCommit, 2),
    (Step::Connect, 6),
    (Step::Send, 8),
    (Step::Deliver, 16),
    (Step::Answer, 12),
    (Step::Calm, 3),
    (Step::Crash, 2),
    (Step::Backup, 2),
];
const REBOOT: &[(Step, usize)] = &[(Step::Reboot, 2)];
const FAILING: &[(Step, usize)] = &[(Step::Reboot, 2), (Step::FailedWrite, 5)];
const RESTORED: &[(Step, usize)] = &[(Step::Reboot, 1), (Step::RestoreLatest, 2)];
const RESTORED_ANY: &[(Step, usize)] = &[(Step::Reboot, 1), (Step::RestoreAny, 2)];
const PUT_BACK: &[(Step, usize)] = &[(Step::Copy, 2), (Step::PutBack, 2)];
const PUT_BACK_BOOTED: &[(Step, usize)] = &[(Step::Copy, 2), (Step::PutBack, 1), (Step::PutBackAndBoot, 2)];
const RESUMED: &[(Step, usize)] = &[(Step::Save, 2), (Step::Resume, 2)];
const LOST: &[(Step, usize)] = &[(Step::Reboot, 1), (Step::LoseDisk, 2), (Step::LoseAll, 1)];
const RESUMED_AND_LOST: &[(Step, usize)] = &[(Step::Save, 3), (Step::Resume, 3), (Step::LoseDisk, 3)];
const SWAPPED: &[(Step, usize)] = &[(Step::SwapDisk, 2), (Step::Crash, 1)];
const ANEW: &[(Step, usize)] = &[(Step::EnrollAnew, 2), (Step::Reboot, 1)];
const EVERYTHING: &[(Step, usize)] = &[
    (Step::Reboot, 2),
    (Step::FailedWrite, 3),
    (Step::RestoreLatest, 1),
    (Step::RestoreAny, 1),
    (Step::Copy, 2),
    (Step::PutBack, 1),
    (Step::PutBackAndBoot, 1),
    (Step::Save, 2),
    (Step::Resume, 1),
    (Step::LoseDisk, 1),
    (Step::LoseAll, 1),
    (Step::SwapDisk, 1),
    (Step::EnrollAnew, 1),
];

const fn whole(name: &'static str, faults: &'static [(Step, usize)]) -> Scenario {
    Scenario { name, faults, calm: 1, rules: Rules::ALL, shows: Shows::Nothing }
}

/// All scenarios: those under every rule, then one for each rule that is left out.
pub const SCENARIOS: &[Scenario] = &[
    whole("network", &[]),
    whole("reboots", REBOOT),
    whole("failing-disk", FAILING),
    whole("restored-latest", RESTORED),
    whole("restored-any", RESTORED_ANY),
    whole("disk-put-back", PUT_BACK),
    whole("disk-put-back-and-booted", PUT_BACK_BOOTED),
    whole("machine-put-back", RESUMED),
    whole("disk-lost", LOST),
    whole("machine-put-back-and-disk-lost", RESUMED_AND_LOST),
    whole("disk-swapped", SWAPPED),
    whole("enrolled-anew", ANEW),
    whole("everything", EVERYTHING),
    Scenario { calm: 8, ..whole("everything-now-and-then", EVERYTHING) },
    Scenario {
        rules: Rules { one_transaction: false, ..Rules::ALL },
        shows: Shows::Over,
        ..whole("without-one-transaction", &[])
    },
    Scenario { rules: Rules { fence: false, ..Rules::ALL }, shows: Shows::Over, ..whole("without-fence", ANEW) },
    Scenario {
        rules: Rules { chain: false, ..Rules::ALL },
        shows: Shows::Loss,
        ..whole("without-chain", PUT_BACK_BOOTED)
    },
    Scenario { rules: Rules { marker: false, ..Rules::ALL }, shows: Shows::Loss, ..whole("without-marker", PUT_BACK) },
    Scenario {
        rules: Rules { supersession: false, ..Rules::ALL },
        shows: Shows::Over,
        ..whole("without-supersession", RESUMED_AND_LOST)
    },
    Scenario { rules: Rules { adoption: false, ..Rules::ALL }, shows: Shows::Over, ..whole("without-adoption", ANEW) },
    Scenario { rules: Rules { gaps: false, ..Rules::ALL }, shows: Shows::Loss, ..whole("without-gaps", RESTORED_ANY) },
    Scenario {
        rules: Rules { filling: false, ..Rules::ALL },
        shows: Shows::Loss,
        ..whole("without-filling", RESTORED_ANY)
    },
    Scenario {
        rules: Rules { cumulative: false, ..Rules::ALL },
        shows: Shows::Loss,
        ..whole("without-cumulative", &[])
    },
    Scenario {
        rules: Rules { asked: false, ..Rules::ALL },
        shows: Shows::Over,
        ..whole("without-asking", RESUMED_AND_LOST)
    },
];

impl Scenario {
    /// The scenario of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Everything that can happen.
    pub fn steps(&self) -> Vec<(Step, usize)> {
        let ordinary = ORDINARY.iter().map(|(step, weight)| (*step, weight * self.calm));
        ordinary.chain(self.faults.iter().copied()).collect()
    }
}
