//! ENV, LABEL, ARG: names and values.

use super::said::Said;
use super::words;
use crate::dockerfile::instruction::Instruction;
use crate::error::Result;

/// `A=b C="d e"`, or the old form `A b c`.
pub fn pairs(said: &Said) -> Result<Vec<(String, String)>> {
    let rest = said.rest_alone("NAME=VALUE")?;
    let words = words::quoted(rest, said.escape);
    if words.first().is_some_and(|(_, first)| !first.contains('=')) {
        return old_form(said, rest);
    }
    let mut pairs = Vec::new();
    for (at, word) in words {
        let at = said.rest_at + at;
        let Some((name, value)) = word.split_once('=') else {
            let hint = "quotes hold blanks together: NAME=\"a value\"";
            return Err(said.wrong(at, &format!("there is no = in {word:.60}")).hint(hint));
        };
        if name.is_empty() {
            return Err(said.wrong(at, "there is no name before the =").hint("NAME=VALUE"));
        }
        pairs.push((said.checked(name, at)?, said.checked(value, at + name.len() + 1)?));
    }
    Ok(pairs)
}

/// All behind the first blank is the value, quotes included until they are taken away with the variables.
fn old_form(said: &Said, rest: &str) -> Result<Vec<(String, String)>> {
    let Some((name, value)) = rest.split_once(char::is_whitespace) else {
        let what = format!("there is no value for {rest:.60}");
        return Err(said.wrong(said.rest_at, &what).hint(format!("{} {rest:.60}=VALUE", said.name)));
    };
    let value = value.trim_start();
    let value_at = said.rest_at + rest.len() - value.len();
    Ok(vec![(said.checked(name, said.rest_at)?, said.checked(value, value_at)?)])
}

/// `NAME`, `NAME=VALUE`, several of them.
pub fn arguments(said: &Said) -> Result<Instruction> {
    let rest = said.rest_alone("NAME[=VALUE]")?;
    let mut arguments = Vec::new();
    for (at, word) in words::quoted(rest, said.escape) {
        let at = said.rest_at + at;
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        if name.is_empty() {
            return Err(said.wrong(at, "there is no name before the =").hint("ARG NAME=VALUE"));
        }
        let value = value.map(|value| said.checked(value, at + name.len() + 1)).transpose()?;
        arguments.push((said.checked(name, at)?, value));
    }
    Ok(Instruction::Arg(arguments))
}
