//! What a person needs to see where a step has failed: its last words, and its lines in the file.

use super::show::{Board, clean};
use crate::build::{Failure, Request};
use crate::cli::say::say_aside;
use crate::error::{Error, Kind};

/// Lines shown around those that are meant.
const AROUND: usize = 2;

/// Shows it; the error is for the end.
pub fn tell(request: &Request, failure: &Failure, board: &Board, debugs: bool) -> Error {
    show(request, failure, board);
    explained(request, failure, debugs)
}

fn show(request: &Request, failure: &Failure, board: &Board) {
    // Who has said nothing is named below.
    if let Some(line) = board.failed().filter(|line| !line.tail.is_empty()) {
        let mut text = format!("------\n > {}:\n", clean(&line.title()));
        text.extend(line.tail.iter().map(|said| format!("{:.3} {}\n", said.at, clean(&said.text))));
        say_aside((text + "------\n").as_bytes());
    }
    say_aside(excerpt(&request.file, &request.text, failure.lines).as_bytes());
}

/// The same as an error, and nothing shown: for programs.
pub fn explained(request: &Request, failure: &Failure, debugs: bool) -> Error {
    // The command line was right; what is wrong stands in the file.
    let error = failure.to_error().of_kind(Kind::Failed);
    match failure.before.is_some() && !debugs && is_of_a_run(request, failure) {
        true => error.hint("tare build --debug … opens a shell in the state before this step"),
        false => error,
    }
}

/// Nothing else leaves a state that is worth a look.
pub fn is_of_a_run(request: &Request, failure: &Failure) -> bool {
    let line = request.text.lines().nth(failure.lines.0.saturating_sub(1)).unwrap_or_default();
    line.trim_start().get(..3).is_some_and(|word| word.eq_ignore_ascii_case("run"))
}

/// ```text
/// Dockerfile:3
/// --------------------
///    2 |     WORKDIR /src
///    3 | >>> RUN make
///    4 |     CMD ["./app"]
/// --------------------
/// ```
pub fn excerpt(file: &str, text: &str, (first, last): (usize, usize)) -> String {
    const RULE: &str = "--------------------\n";
    if first == 0 {
        return String::new();
    }
    let last = last.max(first);
    let mut shown = format!("{}:{first}\n{RULE}", clean(file));
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        if number + AROUND >= first && number <= last + AROUND {
            let mark = if (first..=last).contains(&number) { ">>>" } else { "   " };
            shown += format!("{number:>4} | {mark} {}", clean(line)).trim_end();
            shown.push('\n');
        }
    }
    shown + RULE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_are_meant_are_marked() {
        let text = "FROM a\nRUN one\n\nRUN two \\\n three\nCMD x\nCMD y\nCMD z\n";
        let expected = "F:4\n--------------------\n   2 |     RUN one\n   3 |\n   4 | >>> RUN two \\\n   5 | >>>  three\n   6 |     CMD x\n   7 |     CMD y\n--------------------\n";
        assert_eq!(excerpt("F", text, (4, 5)), expected);
        assert_eq!(excerpt("F", text, (0, 0)), "");
    }
}
