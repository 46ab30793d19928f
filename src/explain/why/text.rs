//! An answer as a person reads it: what is known, what it rests on, what helps.

use super::{Answer, Certainty, Evidence, Finding};
use crate::record::Status;
use crate::time;

/// Longer lines are folded.
const WIDTH: usize = 92;
/// Of the output; all of it is a matter of `logs`.
const LINES: usize = 6;

pub fn text(answer: &Answer) -> String {
    let evidence = &answer.evidence;
    let mut text = headline(evidence) + "\n";
    for finding in &answer.findings {
        text += &format!("\n{}", one(finding));
    }
    let lines = evidence.output.as_deref().unwrap_or_default();
    if !lines.is_empty() && !evidence.is_running() {
        text += "\nlast it wrote\n";
        lines[lines.len().saturating_sub(LINES)..].iter().for_each(|line| text += &format!("  | {line}\n"));
    }
    if !answer.unknown.is_empty() {
        text += "\nnobody knows\n";
        answer.unknown.iter().for_each(|unknown| text += &fold(unknown, "  ", "  "));
    }
    text
}

fn headline(evidence: &Evidence) -> String {
    let name = &evidence.name;
    let span = |nanos: u64| time::human_duration(nanos).to_lowercase();
    match (evidence.status, &evidence.ended) {
        (Status::Running, _) => format!("{name} is running"),
        (Status::Paused, _) => format!("{name} is paused"),
        (Status::Created, None) => format!("{name} was never started"),
        (Status::Dead, _) | (_, None) => format!("{name} cannot be read"),
        (Status::Restarting, Some(ended)) => format!("{name} ended with exit code {}, and waits to be started again", ended.exit_code),
        (_, Some(ended)) if ended.started == 0 => format!("{name} could not be started: exit code {}", ended.exit_code),
        (_, Some(ended)) => format!(
            "{name} ended {} ago with exit code {}, after {}",
            span(evidence.now.saturating_sub(ended.finished)),
            ended.exit_code,
            span(ended.finished.saturating_sub(ended.started))
        ),
    }
}

fn one(finding: &Finding) -> String {
    let mark = match finding.certainty {
        Certainty::Known => "",
        Certainty::Likely => "very likely: ",
        Certainty::Guess => "a guess: ",
    };
    let mut text = fold(&format!("{mark}{}", finding.what), "* ", "  ");
    finding.evidence.iter().for_each(|line| text += &fold(line, "    ", "      "));
    finding.tries.iter().for_each(|attempt| text += &fold(attempt, "  try: ", "       "));
    text
}

fn fold(words: &str, first: &str, others: &str) -> String {
    let (mut text, mut line) = (String::new(), first.to_owned());
    let mut is_empty = true;
    // Two blanks within a line set its parts apart, and stay.
    for word in words.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text += &format!("{}\n", line.trim_end());
            line = others.to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    text + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::wrote;
    use crate::explain::why::judge;

    #[test]
    fn long_sentences_are_folded_and_keep_their_place() {
        let folded = fold(&"word ".repeat(40), "* ", "  ");
        assert!(folded.lines().all(|line| line.chars().count() <= WIDTH), "{folded}");
        assert!(folded.starts_with("* word") && folded.lines().skip(1).all(|line| line.starts_with("  word")));
        assert_eq!(fold("limit  32MiB", "    ", ""), "    limit  32MiB\n");
    }

    #[test]
    fn an_answer_has_a_headline_reasons_and_the_last_words() {
        let answer = judge(wrote(1, &["mount: /x: Operation not permitted"]));
        let text = text(&answer);
        assert!(text.starts_with("web ended about a minute ago with exit code 1, after 3 seconds\n"), "{text}");
        assert!(text.contains("* a guess: mounting needs CAP_SYS_ADMIN") && text.contains("  try: ") && text.contains("  | mount: /x"));
        assert!(text.contains("nobody knows\n  which call was refused"), "{text}");
    }
}
