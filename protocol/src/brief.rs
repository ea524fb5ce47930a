//! A report that acknowledges a change says of its objects only what the change does not say already.

use crate::state::{ApplyReport, Down, ObjectResult};

/// The objects of a change that was acknowledged, in its order.
#[derive(Clone, Debug, Default)]
pub struct Upserts(Vec<Version>);

/// One object as it was sent.
#[derive(Clone, Debug)]
struct Version {
    kind: u32,
    id: Vec<u8>,
    revision: u64,
}

impl Upserts {
    /// Those of a change.
    pub fn of(change: &Down) -> Self {
        let version = |object: &crate::state::Object| Version {
            kind: object.kind,
            id: object.id.clone(),
            revision: object.revision,
        };
        Self(change.upserts.iter().map(version).collect())
    }

    /// Leaves kind, id and revision out of each result that is of the object in the same place.
    pub fn abridge(&self, report: &mut ApplyReport) {
        for (result, version) in report.results.iter_mut().zip(&self.0) {
            if (result.kind, &result.id, result.revision) == (version.kind, &version.id, version.revision) {
                *result = ObjectResult { kind: 0, id: Vec::new(), revision: 0, ..std::mem::take(result) };
            }
        }
    }

    /// Puts back what was left out.
    pub fn restore(&self, report: &mut ApplyReport) {
        for (result, version) in report.results.iter_mut().zip(&self.0).filter(|(result, _)| result.id.is_empty()) {
            let (kind, id, revision) = (version.kind, version.id.clone(), version.revision);
            *result = ObjectResult { kind, id, revision, ..std::mem::take(result) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Object;

    fn object(n: u8, revision: u64) -> Object {
        Object { kind: 1, id: vec![n; 16], revision, ..Object::default() }
    }

    fn result(n: u8, revision: u64) -> ObjectResult {
        ObjectResult { kind: 1, id: vec![n; 16], revision, status: 1, ..ObjectResult::default() }
    }

    #[test]
    fn what_is_left_out_can_be_put_back() {
        let change = Down { upserts: vec![object(1, 4), object(2, 1), object(3, 9)], ..Down::default() };
        let upserts = Upserts::of(&change);
        // The second is of an older revision, the third of another object, and nothing was sent of the fourth.
        let results = vec![result(1, 4), result(2, 0), result(7, 9), result(3, 9)];
        let whole = ApplyReport { results, ..ApplyReport::default() };
        let mut brief = whole.clone();
        upserts.abridge(&mut brief);
        let left_out: Vec<_> = brief.results.iter().map(|result| result.id.is_empty()).collect();
        assert_eq!(left_out, [true, false, false, false]);
        upserts.restore(&mut brief);
        assert_eq!(brief, whole);
    }
}
