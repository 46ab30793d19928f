//! A template's tree, walked over a value.

use super::functions;
use super::parse::{Loop, Node, Operand, Pipeline};
use serde_json::Value;
use std::borrow::Cow;

/// More was not meant to be read; nested loops over a large value could otherwise run for ever.
const MOST_OUTPUT: usize = 64 << 20;
const MOST_STEPS: usize = 1_000_000;
/// All values that are made on the way, in bytes: twenty lines of `{{$x = print $x $x}}` make a million times what they began with.
const MOST_MADE: usize = 64 << 20;

type Result<T> = std::result::Result<T, String>;

pub fn evaluate(nodes: &[Node], value: &Value, labels: Option<&[(String, String)]>) -> Result<String> {
    let mut walk = Walk { output: String::new(), root: value, variables: Vec::new(), steps: 0, made: 0, labels };
    walk.all(nodes, value)?;
    Ok(walk.output)
}

struct Walk<'l> {
    /// Of the row; `None` for the headings.
    labels: Option<&'l [(String, String)]>,
    output: String,
    /// `$`, as long as no variable of this name takes its place.
    root: &'l Value,
    /// Innermost last.
    variables: Vec<(String, Value)>,
    steps: usize,
    made: usize,
}

/// Whether a loop goes on.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl Walk<'_> {
    fn all(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow> {
        let scope = self.variables.len();
        for node in nodes {
            let flow = self.one(node, dot)?;
            if flow != Flow::On {
                self.variables.truncate(scope);
                return Ok(flow);
            }
        }
        self.variables.truncate(scope);
        Ok(Flow::On)
    }

    fn one(&mut self, node: &Node, dot: &Value) -> Result<Flow> {
        self.steps += 1;
        if self.output.len() > MOST_OUTPUT || self.steps > MOST_STEPS {
            return Err("it makes too much output".to_owned());
        }
        match node {
            Node::Text(text) => self.output.push_str(text),
            Node::Print(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variable.is_none() {
                    functions::print(&value, &mut self.output);
                }
            }
            Node::If(arms, otherwise) => return self.condition(arms, otherwise, dot),
            Node::With(value, body, otherwise) => {
                let scope = self.variables.len();
                let value = self.pipeline(value, dot)?;
                let value = self.own(value)?;
                let flow = if functions::is_true(&value) { self.all(body, &value) } else { self.all(otherwise, dot) };
                self.variables.truncate(scope);
                return flow;
            }
            Node::Range(range) => return self.range(range, dot),
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn condition(&mut self, arms: &[(Pipeline, Vec<Node>)], otherwise: &[Node], dot: &Value) -> Result<Flow> {
        let scope = self.variables.len();
        let mut flow = None;
        for (condition, body) in arms {
            if functions::is_true(self.pipeline(condition, dot)?.as_ref()) {
                flow = Some(self.all(body, dot)?);
                break;
            }
        }
        let flow = flow.map_or_else(|| self.all(otherwise, dot), Ok);
        self.variables.truncate(scope);
        flow
    }

    /// A value that becomes one of its own counts as made.
    fn own(&mut self, value: Cow<Value>) -> Result<Value> {
        self.made = self.made.saturating_add(functions::weight(&value));
        if self.made > MOST_MADE { Err("it makes too much on its way".to_owned()) } else { Ok(value.into_owned()) }
    }

    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Value> {
        let made = functions::call(name, arguments)?;
        self.own(Cow::Owned(made))
    }

    fn range(&mut self, range: &Loop, dot: &Value) -> Result<Flow> {
        let over = self.pipeline(&range.over, dot)?;
        let items: Vec<(Value, Value)> = match self.own(over)? {
            Value::Array(items) => items.into_iter().enumerate().map(|(index, item)| (Value::from(index), item)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(key, value)| (Value::String(key), value)).collect(),
            Value::Null => Vec::new(),
            other => return Err(format!("range can't iterate over {}", functions::text(&other))),
        };
        if items.is_empty() {
            return self.all(&range.otherwise, dot);
        }
        let scope = self.variables.len();
        for (key, item) in items {
            match &range.variables[..] {
                [element] => {
                    let own = self.own(Cow::Borrowed(&item))?;
                    self.variables.push((element.clone(), own));
                }
                [index, element] => {
                    let own = self.own(Cow::Borrowed(&item))?;
                    self.variables.extend([(index.clone(), key), (element.clone(), own)]);
                }
                _ => {}
            }
            let flow = self.all(&range.body, &item)?;
            self.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn pipeline<'v>(&mut self, pipeline: &'v Pipeline, dot: &'v Value) -> Result<Cow<'v, Value>> {
        let mut value: Option<Cow<'v, Value>> = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, value, dot)?);
        }
        let value = value.ok_or("a value is missing")?;
        if let Some((name, new)) = &pipeline.variable {
            let own = self.own(Cow::Borrowed(&value))?;
            let known = self.variables.iter_mut().rev().find(|(known, _)| known == name);
            match (known, new) {
                (Some((_, old)), false) => *old = own,
                (None, false) if !name.is_empty() => return Err(format!("undefined variable ${name}")),
                _ => self.variables.push((name.clone(), own)),
            }
        }
        Ok(value)
    }

    /// `piped` is the result of the command before, and the last argument of this one.
    fn command<'v>(&mut self, words: &'v [Operand], piped: Option<Cow<'v, Value>>, dot: &'v Value) -> Result<Cow<'v, Value>> {
        let (first, rest) = words.split_first().ok_or("a value is missing")?;
        let mut arguments = Vec::with_capacity(rest.len() + 1);
        if let Operand::Function(name) = first {
            for word in rest {
                let value = self.operand(word, dot)?;
                // `and` and `or` look no further than they must.
                if (name == "and" && !functions::is_true(&value)) || (name == "or" && functions::is_true(&value)) {
                    return Ok(value);
                }
                arguments.push(self.own(value)?);
            }
            arguments.extend(piped.map(Cow::into_owned));
            return self.call(name, &arguments).map(Cow::Owned);
        }
        for word in rest {
            let value = self.operand(word, dot)?;
            arguments.push(self.own(value)?);
        }
        arguments.extend(piped.map(Cow::into_owned));
        match (first, &arguments[..]) {
            (first, []) => self.operand(first, dot),
            // In Docker `.Label "name"` is a method of a row.
            (Operand::Path(path), [Value::String(label)]) if path.len() == 1 && path[0] == "Label" => {
                Ok(Cow::Owned(Value::String(self.label(label))))
            }
            _ => Err("a value that is no function has arguments".to_owned()),
        }
    }

    fn label(&self, label: &str) -> String {
        match self.labels {
            None => functions::heading_of_label(label),
            Some(labels) => labels.iter().find(|(known, _)| known == label).map(|(_, value)| value.clone()).unwrap_or_default(),
        }
    }

    fn operand<'v>(&mut self, operand: &'v Operand, dot: &'v Value) -> Result<Cow<'v, Value>> {
        match operand {
            Operand::Literal(value) => Ok(Cow::Borrowed(value)),
            Operand::Path(path) => follow(dot, path).map(Cow::Borrowed),
            Operand::Variable(name, path) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let root = name.is_empty().then_some(self.root);
                let value = known.map(|(_, value)| value).or(root).ok_or_else(|| format!("undefined variable ${name}"))?;
                let found = follow(value, path)?.clone();
                self.own(Cow::Owned(found)).map(Cow::Owned)
            }
            Operand::Nested(pipeline, path) => {
                let value = self.pipeline(pipeline, dot)?;
                if path.is_empty() { Ok(value) } else { self.own(Cow::Borrowed(follow(&value, path)?)).map(Cow::Owned) }
            }
            Operand::Function(name) => self.call(name, &[]).map(Cow::Owned),
        }
    }
}

/// The value at a path. JSON has `Id` where Docker's own types say `ID`: the case may differ.
fn follow<'v>(value: &'v Value, path: &[String]) -> Result<&'v Value> {
    let mut value = value;
    for name in path {
        value = match value {
            Value::Object(fields) => match fields.get(name).or_else(|| by_case(fields, name)) {
                Some(found) => found,
                None => absent(fields, name)?,
            },
            Value::Null => return Err(format!("nothing is there to have a field {name}")),
            other => return Err(format!("can't evaluate field {name} in {}", functions::text(other))),
        };
    }
    Ok(value)
}

fn by_case<'v>(fields: &'v serde_json::Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A record of ours has fields in upper case, and a wrong one is an error; in a map of a person's own words (labels), a word
/// that is not there is no value.
fn absent<'v>(fields: &serde_json::Map<String, Value>, name: &str) -> Result<&'v Value> {
    let is_record = !fields.is_empty() && fields.keys().all(|key| key.starts_with(|first: char| first.is_ascii_uppercase()));
    if !is_record {
        return Ok(&Value::Null);
    }
    let near = crate::names::nearest(name, fields.keys().map(String::as_str));
    let hint = near.first().map_or_else(
        || format!("; there is {}", fields.keys().cloned().collect::<Vec<_>>().join(", ")),
        |near| format!("; there is {near}"),
    );
    Err(format!("can't evaluate field {name}{hint}"))
}
