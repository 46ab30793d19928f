//! It has not ended because it never began, or nobody can read what became of it.

use super::super::{Evidence, Finding};
use crate::record::Status;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let name = &evidence.name;
    let finding = match (evidence.status, &evidence.ended) {
        (Status::Created, None) => {
            Finding::known("it was made and never started, so nothing of it has run yet").attempt(format!("tare start {name}"))
        }
        (Status::Dead, ended) => {
            let error = ended.as_ref().map(|ended| ended.error.clone()).unwrap_or_default();
            Finding::known("its records cannot be read, so nothing can be said of it").shown(error).attempt("tare system check")
        }
        _ => return Vec::new(),
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::ended;

    #[test]
    fn what_was_only_made_has_no_end() {
        let made = Evidence { status: Status::Created, ended: None, ..ended(0) };
        assert_eq!(judge(&made)[0].tries, ["tare start web"]);
        assert!(judge(&ended(0)).is_empty());
    }
}
