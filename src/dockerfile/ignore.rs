//! `.dockerignore`, and `--exclude`: which files of a context are as if they were not there. The rules are those of Docker.
//!
//! A pattern excludes what it fits and all below it; one with `!` takes back what patterns before it excluded. The last word counts.

use super::wildcard::{self, Part};
use crate::error::{Error, Result};
use crate::options::mounts::clean_path;

/// More patterns, or longer ones, are a mistake.
const MOST: usize = 10_000;
const LONGEST: usize = 4096;

#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<Pattern>);

#[derive(Clone, Debug)]
struct Pattern {
    /// `!`
    takes_back: bool,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// Most are: nothing in it means anything else than itself.
    Path(String),
    /// `**file`: whatever ends so, because that is how it began in Docker; `**/file` and `**file*` are about whole names.
    Ending(String),
    Steps(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// `**/`: any directories, or none.
    Directories,
    /// `**` at the end: everything.
    Everything,
    Part(Part),
}

impl Patterns {
    /// The text of a `.dockerignore`.
    pub fn parse(text: &str) -> Result<Patterns> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // A comment is one only at the very beginning of a line.
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
        let patterns = lines.map(|(index, line)| {
            let pattern = from_file(line.trim()).map(|line| pattern(&line)).transpose();
            pattern.map(Option::flatten).map_err(|error| error.context(format!("line {}", index + 1)))
        });
        Patterns::collect(patterns)
    }

    /// The patterns of `--exclude`.
    pub fn of(list: &[String]) -> Result<Patterns> {
        Patterns::collect(list.iter().map(|text| pattern(text)))
    }

    fn collect(patterns: impl Iterator<Item = Result<Option<Pattern>>>) -> Result<Patterns> {
        let patterns: Vec<Pattern> = patterns.filter_map(Result::transpose).take(MOST + 1).collect::<Result<_>>()?;
        match patterns.len() > MOST {
            true => Err(Error::usage(format!("there are more than {MOST} patterns"))),
            false => Ok(Patterns(patterns)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this path, relative to the context and without `./`, is as if it were not there. The context itself always is there.
    pub fn excludes(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        if path.is_empty() || path == "." {
            return false;
        }
        let mut is_excluded = false;
        for pattern in &self.0 {
            if pattern.takes_back == is_excluded && pattern.fits(path) {
                is_excluded = !pattern.takes_back;
            }
        }
        is_excluded
    }

    /// Whether nothing is left of the context.
    pub fn exclude_everything(&self) -> bool {
        // A name that nobody gives a file stands for all of them.
        self.excludes("\u{1}") && !self.0.iter().any(|pattern| pattern.takes_back)
    }

    /// Whether something below this directory, which is excluded itself, may have been taken back: if not, nobody need look into it.
    pub fn may_hold(&self, directory: &str) -> bool {
        let directory = directory.trim_matches('/');
        let inside = format!("{directory}/");
        let mut may_hold = false;
        for pattern in &self.0 {
            match (pattern.takes_back, pattern.fits(directory)) {
                (true, fits) => may_hold |= fits || pattern.goes_on(&inside),
                // Whatever was taken back before is gone again.
                (false, true) => may_hold = false,
                (false, false) => {}
            }
        }
        may_hold
    }
}

/// As it is meant in the file: relative to the context, whatever it begins with.
fn from_file(line: &str) -> Option<String> {
    let (mark, path) = match line.strip_prefix('!') {
        Some(path) => ("!", path.trim()),
        None => ("", line),
    };
    match path {
        "" if mark.is_empty() => None,
        "" => Some("!".to_owned()),
        path => {
            // Where it begins with a slash, two points lead nowhere; else they lead out, where nothing fits.
            let clean = clean(path);
            let relative = if clean.len() > 1 { clean.strip_prefix('/').unwrap_or(&clean) } else { &clean };
            Some(format!("{mark}{relative}"))
        }
    }
}

/// `None`: nothing is said.
fn pattern(text: &str) -> Result<Option<Pattern>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let text = clean(text);
    let (text, takes_back) = match text.strip_prefix('!') {
        Some("") => return Err(Error::usage("an exclamation mark alone takes nothing back").hint("!FILE takes FILE back")),
        Some(rest) => (rest, true),
        None => (text.as_str(), false),
    };
    if text.len() > LONGEST {
        return Err(Error::usage("a pattern is too long"));
    }
    wildcard::matches(text, ".")?;
    let form = match text.strip_prefix("**") {
        _ if !wildcard::has_magic(text) => Form::Path(text.to_owned()),
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !wildcard::has_magic(rest) => Form::Ending(rest.to_owned()),
        _ => Form::Steps(steps(text)),
    };
    Ok(Some(Pattern { takes_back, form }))
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let part = match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                letters.next_if_eq(&'/');
                steps.push(if letters.peek().is_none() { Step::Everything } else { Step::Directories });
                continue;
            }
            '*' => Part::Star,
            '?' => Part::One,
            // Both were tried before: nothing is damaged.
            '[' => wildcard::class(&mut letters).unwrap_or(Part::Letter('[')),
            '\\' => Part::Letter(letters.next().unwrap_or('\\')),
            letter => Part::Letter(letter),
        };
        steps.push(Step::Part(part));
    }
    steps
}

impl Pattern {
    /// Whether it fits the path, or a directory that the path lies in.
    fn fits(&self, path: &str) -> bool {
        match &self.form {
            Form::Path(have) => path.strip_prefix(have.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Form::Ending(ending) => {
                let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
                ends.into_iter().any(|end| path[..end].ends_with(ending.as_str()))
            }
            Form::Steps(steps) => follow(steps, path).1,
        }
    }

    /// Whether it may fit something that begins so.
    fn goes_on(&self, beginning: &str) -> bool {
        match &self.form {
            Form::Path(have) => have.starts_with(beginning),
            Form::Ending(_) => true,
            Form::Steps(steps) => follow(steps, beginning).0,
        }
    }
}

/// Goes all ways through the pattern at once, so no pattern takes long. Says whether one of them goes on behind these letters, and
/// whether one came to its end with them, or at a slash before.
fn follow(steps: &[Step], letters: &str) -> (bool, bool) {
    let mut reached = vec![false; steps.len() + 1];
    let mut next = reached.clone();
    reach(steps, &mut reached, 0);
    for letter in letters.chars() {
        if letter == '/' && reached.last() == Some(&true) {
            return (true, true);
        }
        for (at, step) in steps.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match step {
                Step::Everything => reach(steps, &mut next, at),
                // It ends at a slash only.
                Step::Directories if letter == '/' => {
                    next[at] = true;
                    reach(steps, &mut next, at + 1);
                }
                Step::Directories => next[at] = true,
                Step::Part(Part::Star) if letter != '/' => reach(steps, &mut next, at),
                Step::Part(Part::Star) => {}
                Step::Part(part) if part.fits(letter) => reach(steps, &mut next, at + 1),
                Step::Part(_) => {}
            }
        }
        if !next.contains(&true) {
            return (false, false);
        }
        std::mem::swap(&mut reached, &mut next);
        next.fill(false);
    }
    (true, reached.last() == Some(&true))
}

/// What may stand for nothing is passed at once.
fn reach(steps: &[Step], reached: &mut [bool], mut at: usize) {
    reached[at] = true;
    while matches!(steps.get(at), Some(Step::Part(Part::Star) | Step::Directories | Step::Everything)) {
        at += 1;
        reached[at] = true;
    }
}

/// As Go's `filepath.Clean`: no empty parts, no points, and `..` takes the part before it away.
fn clean(path: &str) -> String {
    if path.starts_with('/') {
        return clean_path(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests;
