//! `--format`: the small language of Go's templates that Docker's users know, over JSON values.
//!
//! `{{.Names}}: {{upper .Status}}`, with conditions, loops, pipelines and Docker's functions. The text becomes a tree
//! (`parse.rs`), the tree is walked over a value (`evaluate.rs`), and `functions.rs` holds the words one can call.

mod evaluate;
mod functions;
mod lexer;
mod parse;
#[cfg(test)]
mod tests;

use crate::cli::table;
use crate::error::{Error, Result};
use clap::Arg;
use serde_json::Value;
use std::borrow::Borrow;

/// `--format` of a command that prints a table.
pub fn flag_of_table() -> Arg {
    flag().help("json, a Go template, or table TEMPLATE")
}

/// `--format` of one that prints something else.
pub fn flag() -> Arg {
    Arg::new("format").long("format").value_name("FORMAT").help("json, or a Go template")
}

/// A template that was understood.
#[derive(Debug)]
pub struct Template {
    nodes: Vec<parse::Node>,
    text: String,
}

impl Template {
    pub fn new(text: &str) -> Result<Template> {
        // Docker lets people write \t and \n in a shell's single quotes.
        let plain = text.replace("\\t", "\t").replace("\\n", "\n");
        let nodes = parse::parse(&plain).map_err(|why| blame(text, why))?;
        Ok(Template { nodes, text: text.to_owned() })
    }

    pub fn render(&self, value: &Value) -> Result<String> {
        self.render_row(value, None)
    }

    fn render_row(&self, value: &Value, labels: Option<&[(String, String)]>) -> Result<String> {
        evaluate::evaluate(&self.nodes, value, labels).map_err(|why| blame(&self.text, why))
    }
}

/// One row of a list: its fields, and what `.Label "name"` looks into.
pub struct Row {
    pub fields: Value,
    pub labels: Vec<(String, String)>,
}

impl Row {
    /// `None`: it is so already.
    fn on_one_line(&self) -> Option<Row> {
        const BREAKS: [char; 3] = ['\n', '\t', '\r'];
        let texts = self.fields.as_object().into_iter().flat_map(|fields| fields.values()).filter_map(Value::as_str);
        if !texts.chain(self.labels.iter().map(|(_, value)| value.as_str())).any(|text| text.contains(BREAKS)) {
            return None;
        }
        let plain = |text: &str| text.replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
        let mut fields = self.fields.clone();
        for value in fields.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
            if let Value::String(text) = value {
                *text = plain(text);
            }
        }
        Some(Row { fields, labels: self.labels.iter().map(|(name, value)| (name.clone(), plain(value))).collect() })
    }
}

impl From<Value> for Row {
    fn from(fields: Value) -> Row {
        Row { fields, labels: Vec::new() }
    }
}

/// Quoted text in the template keeps its own escapes, so the error shows what was typed.
fn blame(text: &str, why: String) -> Error {
    let short: String = if text.chars().count() > 60 { text.chars().take(60).chain(['…']).collect() } else { text.to_owned() };
    Error::usage(format!("bad template {short:?}")).because(why).hint("--format json shows all that there is")
}

/// What a list command prints for its `--format`: one value a row.
///
/// `table` alone is `usual`; `table TEMPLATE` has headings and columns; `json` is one object a line; else one line a row.
pub fn render_rows(format: &str, usual: &str, headings: &Value, rows: &[Row]) -> Result<String> {
    render_each(format, usual, headings, rows)
}

/// The same, of rows that are made one by one.
pub fn render_each(format: &str, usual: &str, headings: &Value, rows: impl IntoIterator<Item = impl Borrow<Row>>) -> Result<String> {
    let format = if format.is_empty() || format == "table" { usual } else { format };
    if format == "json" {
        return Ok(rows.into_iter().map(|row| format!("{}\n", row.borrow().fields)).collect());
    }
    let (columns, text) = match format.strip_prefix("table") {
        Some(rest) if rest.starts_with([' ', '\t', '\\']) => (true, rest.trim_start()),
        _ => (false, format),
    };
    let template = Template::new(text)?;
    let mut all = if columns { template.render_row(headings, None)? + "\n" } else { String::new() };
    for row in rows {
        let row = row.borrow();
        // A line break in a cell would make a row of its own, which somebody may have forged.
        let harmless = if columns { row.on_one_line() } else { None };
        let row = harmless.as_ref().unwrap_or(row);
        all.push_str(&template.render_row(&row.fields, Some(&row.labels))?);
        all.push('\n');
    }
    Ok(if columns { table::align(&all) } else { all })
}
