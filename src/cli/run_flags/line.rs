//! A command line of `run`, read without clap: building clap's picture of ninety flags would take a tenth of the whole start.
//!
//! It reads what is right and no more: whatever it does not understand, `--help` too, is left to clap, which knows how to say it.

use super::words::{Flag, Takes};
use clap::ArgMatches;

/// What was given, in order.
#[derive(Debug, Default, PartialEq)]
pub struct Line<'a> {
    /// Name of the flag, and value.
    pub values: Vec<(&'static str, &'a str)>,
    /// The image and the command, dashes and all.
    pub words: Vec<&'a str>,
}

impl<'a> Line<'a> {
    /// `None`: clap shall look at it.
    pub fn read(flags: &[Flag], words: &'a [String]) -> Option<Line<'a>> {
        let mut line = Line::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some("") => {
                    line.words.extend(words);
                    break;
                }
                Some(long) => line.take_long(flags, long, &mut words)?,
                None if word.len() > 1 && word.starts_with('-') => line.take_short(flags, &word[1..], &mut words)?,
                // Options end at the image.
                None => {
                    line.words.push(word);
                    line.words.extend(words);
                    break;
                }
            }
        }
        Some(line)
    }

    fn take_long(&mut self, flags: &[Flag], word: &'a str, rest: &mut impl Iterator<Item = &'a str>) -> Option<()> {
        let (name, given) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let flag = flags.iter().find(|flag| flag.name == name || flag.other_name == Some(name))?;
        let value = match flag.takes {
            Takes::Switch => given.unwrap_or("true"),
            Takes::Perhaps(usual) => given.unwrap_or(usual),
            Takes::One | Takes::Many => given.or_else(|| rest.next())?,
        };
        self.values.push((flag.name, value));
        Some(())
    }

    /// `-it`, `-dp80`, `-e X`, `-e=X`.
    fn take_short(&mut self, flags: &[Flag], cluster: &'a str, rest: &mut impl Iterator<Item = &'a str>) -> Option<()> {
        let mut letters = cluster.chars();
        while let Some(letter) = letters.next() {
            let flag = flags.iter().find(|flag| flag.short == Some(letter))?;
            let behind = letters.as_str();
            let given = behind.strip_prefix('=');
            if flag.takes == Takes::Switch {
                self.values.push((flag.name, given.unwrap_or("true")));
                if given.is_some() {
                    return Some(());
                }
                continue;
            }
            let value = if behind.is_empty() { rest.next()? } else { given.unwrap_or(behind) };
            self.values.push((flag.name, value));
            return Some(());
        }
        Some(())
    }

    /// The same, read by clap.
    pub fn of(flags: &[Flag], matches: &'a ArgMatches) -> Line<'a> {
        let all = |name: &str| matches.try_get_many::<String>(name).ok().flatten().into_iter().flatten().map(String::as_str);
        let values = flags.iter().flat_map(|flag| all(flag.name).map(|value| (flag.name, value))).collect();
        Line { values, words: all("words").collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run_flags::{define, flags};

    /// Both readers read the same, or ours leaves the line to clap.
    #[test]
    fn both_readers_agree() {
        let lines: &[&[&str]] = &[
            &["alpine"],
            &["-it", "--rm", "alpine", "sh", "-c", "echo --rm", "--", "-d"],
            &["--rm", "--", "alpine", "ls", "-l"],
            &["alpine", "--", "ls"],
            &["-it=false", "--rm=true", "--init=false", "--sig-proxy=0", "a:b"],
            &["--init", "true"],
            &["-e", "A=1", "-eB=2", "-e=C=3", "--env", "D=4", "--env=E=5", "x"],
            &["-m", "64m", "-m128m", "--memory=256m", "x"],
            &["-v", "-odd:/x", "--tmpfs", "--rm", "x", "y"],
            &["-de", "A=1", "x"],
            &["-itd", "--net", "none", "--name=web", "x", "-", "--"],
            &["--entrypoint", "", "x"],
            &["--entrypoint=", "x"],
            &["-u", "1:2", "-w/tmp", "x"],
            &["-"],
            &["--name", "ä", "ü", "ö"],
            &["--explain", "alpine", "sh"],
            &["--explain=sh", "--rm", "alpine"],
        ];
        let flags = flags("run");
        for line in lines {
            let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            let ours = Line::read(&flags, &words).unwrap_or_else(|| panic!("{line:?} is left to clap"));
            let matches =
                define(clap::Command::new("run")).try_get_matches_from(std::iter::once("run").chain(line.iter().copied())).unwrap();
            let theirs = Line::of(&flags, &matches);
            assert_eq!(ours.words, theirs.words, "{line:?}");
            for flag in &flags {
                let given = |line: &Line| {
                    line.values.iter().filter(|(name, _)| *name == flag.name).map(|(_, value)| (*value).to_owned()).collect::<Vec<_>>()
                };
                let (ours, theirs) = (given(&ours), given(&theirs));
                match flag.takes {
                    Takes::Many => assert_eq!(ours, theirs, "{line:?} {}", flag.name),
                    // Of these the last one counts.
                    _ => assert_eq!(ours.last(), theirs.last(), "{line:?} {}", flag.name),
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_is_left_to_clap() {
        for line in [&["--nosuch", "x"][..], &["--help"], &["-x", "y"], &["--name"], &["-itm"], &["-m"]] {
            let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(Line::read(&flags("run"), &words), None, "{line:?}");
        }
    }
}
