//! How much a problem matters: how many it touches, and how much those depend on their lines.

use serde::{Deserialize, Serialize};

/// How many lines a problem touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// No line: a question.
    Question,
    /// One line.
    OneLine,
    /// Several lines.
    SeveralLines,
    /// Everything at a site.
    Site,
}

/// How much those who buy a plan depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanWeight {
    /// As homes do.
    Standard,
    /// As offices and shops do.
    Business,
    /// As hospitals and other networks do.
    Critical,
}

/// How soon a ticket wants an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When there is time.
    Low,
    /// In its turn.
    Normal,
    /// Before others.
    High,
    /// Now.
    Urgent,
}

macro_rules! named {
    ($kind:ident: $($name:ident = $text:literal),*) => {
        impl $kind {
            /// Each, the least first.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// The name it is stored under.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.name() == name)
            }
        }
    };
}

named!(Impact: Question = "question", OneLine = "one_line", SeveralLines = "several_lines", Site = "site");
named!(PlanWeight: Standard = "standard", Business = "business", Critical = "critical");
named!(Priority: Low = "low", Normal = "normal", High = "high", Urgent = "urgent");

/// The priority of a problem of this impact for somebody on a plan of this weight: each step of either is a step of it.
pub fn priority(weight: PlanWeight, impact: Impact) -> Priority {
    let steps = weight as usize + impact as usize;
    Priority::ALL[steps.min(Priority::ALL.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_impact_or_weight_never_lowers_the_priority() {
        assert_eq!(priority(PlanWeight::Standard, Impact::Question), Priority::Low);
        assert_eq!(priority(PlanWeight::Standard, Impact::OneLine), Priority::Normal);
        assert_eq!(priority(PlanWeight::Business, Impact::OneLine), Priority::High);
        assert_eq!(priority(PlanWeight::Critical, Impact::OneLine), Priority::Urgent);
        assert_eq!(priority(PlanWeight::Critical, Impact::Site), Priority::Urgent);
        for weight in PlanWeight::ALL {
            for impacts in Impact::ALL.windows(2) {
                assert!(priority(weight, impacts[0]) <= priority(weight, impacts[1]));
            }
        }
        for impact in Impact::ALL {
            for weights in PlanWeight::ALL.windows(2) {
                assert!(priority(weights[0], impact) <= priority(weights[1], impact));
            }
        }
    }
}
