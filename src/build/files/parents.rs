//! `--parents`: a source keeps the directories that it lies in, or those behind a `/./` in it. `**` stands for any number of them.

use crate::build::files::filter::Verdict;
use crate::build::files::select::{Pick, Wanted, What, magic, matches, parts};
use crate::error::Result;

pub(super) fn pick(wanted: &Wanted, picks: &mut Vec<Pick>) -> Result<()> {
    let (start, pattern) = wanted.source.split_once("/./").unwrap_or(("", wanted.source));
    let (start, pattern) = (parts(start), parts(pattern));
    // One that makes no sense is told before anything is looked at.
    pattern.iter().try_for_each(|part| matches(part, b"").map(drop))?;
    let (tops, may_be_missing) = match magic(&start) {
        Some(magic) => (wanted.expand(&start[..magic], &start[magic..])?, true),
        None => (vec![start.join(&b'/')], magic(&pattern).is_some()),
    };
    let before = picks.len();
    for top in tops {
        let real = wanted.real(&top)?;
        if !real.look.is_some_and(|look| look.is_directory()) {
            // A wildcard may also match files, in which there is nothing.
            if may_be_missing {
                continue;
            }
            return Err(wanted.not_found());
        }
        let verdict = |path: &[u8], is_directory: bool| match fits(&pattern, path) {
            Verdict::Pass if !is_directory => Verdict::Leave,
            verdict => verdict,
        };
        let levels = wanted.walk(&real.path, &verdict)?;
        if !levels[0].entries.is_empty() || pattern.is_empty() {
            picks.push(Pick { named: wanted.source.to_owned(), what: What::WithParents, top: real.path, levels });
        }
    }
    if picks.len() > before || may_be_missing {
        return Ok(());
    }
    // It may be there, and be left out.
    let whole = wanted.real(&[start, pattern].concat().join(&b'/'))?;
    Err(if whole.look.is_some() && wanted.tree.ignored_by().is_some() { wanted.ignored() } else { wanted.not_found() })
}

/// Whether a path lies at or below what the pattern matches (`Take`), or may lie above it (`Pass`).
///
/// All places in the pattern where the path may have come to are kept at once, so that no pattern costs more than its length.
fn fits(pattern: &[Vec<u8>], path: &[u8]) -> Verdict {
    let mut at = vec![false; pattern.len() + 1];
    at[0] = true;
    skip_any(pattern, &mut at);
    for part in path.split(|byte| *byte == b'/') {
        if at[pattern.len()] {
            return Verdict::Take;
        }
        let mut next = vec![false; pattern.len() + 1];
        for index in (0..pattern.len()).filter(|index| at[*index]) {
            if pattern[index] == b"**" {
                next[index] = true;
            } else if matches(&pattern[index], part).unwrap_or(false) {
                next[index + 1] = true;
            }
        }
        skip_any(pattern, &mut next);
        at = next;
    }
    match at[pattern.len()] {
        true => Verdict::Take,
        false if at.contains(&true) => Verdict::Pass,
        false => Verdict::Leave,
    }
}

/// `**` also stands for no directory at all.
fn skip_any(pattern: &[Vec<u8>], at: &mut [bool]) {
    for index in 0..pattern.len() {
        if at[index] && pattern[index] == b"**" {
            at[index + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_what_it_matches_with_all_that_is_below() {
        let table: &[(&str, &str, Verdict)] = &[
            ("a/b", "a", Verdict::Pass),
            ("a/b", "a/b", Verdict::Take),
            ("a/b", "a/b/c", Verdict::Take),
            ("a/b", "a/c", Verdict::Leave),
            ("a/*.txt", "a/x.txt", Verdict::Take),
            ("a/*.txt", "a/x.md", Verdict::Leave),
            ("a/*.txt", "a/b/x.txt", Verdict::Leave),
            ("a/**/x", "a/x", Verdict::Take),
            ("a/**/x", "a/b/c/x", Verdict::Take),
            ("a/**/x", "a/b/c", Verdict::Pass),
            ("a/**/x", "b", Verdict::Leave),
            ("**/x", "x/y", Verdict::Take),
            ("a/**", "a", Verdict::Take),
            ("", "anything", Verdict::Take),
            ("**/**/**/**/**/**/**/**/**/**/**/**/z", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", Verdict::Pass),
        ];
        for (pattern, path, verdict) in table {
            assert_eq!(fits(&parts(pattern), path.as_bytes()), *verdict, "{pattern} {path}");
        }
    }
}
