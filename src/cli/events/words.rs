//! An event in words: a line as Docker prints it, JSON, or whatever a template makes of it.

use crate::cli::template::Template;
use crate::engine::events::{Event, Kind};
use crate::error::Result;
use crate::time;
use serde_json::{Value, json};

pub enum Form {
    Line,
    Json,
    Template(Template),
}

impl Form {
    pub fn parse(text: &str) -> Result<Form> {
        match text {
            "" => Ok(Form::Line),
            // In a template the fields have names of their own, which JSON has not.
            "json" | "{{json .}}" => Ok(Form::Json),
            text => Template::new(text).map(Form::Template),
        }
    }

    pub fn line(&self, event: &Event) -> Result<String> {
        let mut line = match self {
            Form::Line => line(event),
            Form::Json => as_json(event).to_string(),
            Form::Template(template) => template.render(&fields(event))?,
        };
        line.push('\n');
        Ok(line)
    }
}

/// `2026-11-21T07:02:09.123456789Z container start 0123… (image=busybox, name=web)`
fn line(event: &Event) -> String {
    let attributes: Vec<String> = event.actor.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let attributes = if attributes.is_empty() { String::new() } else { format!(" ({})", attributes.join(", ")) };
    format!("{} {} {} {}{attributes}", time::rfc3339_nanos(event.nanos), event.kind.name(), event.action, event.actor.id)
}

/// With the fields of Docker's first events, which scripts still read: `status`, `id`, `from`.
fn as_json(event: &Event) -> Value {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if event.kind != Kind::Volume {
        value["status"] = json!(event.action);
        value["id"] = json!(event.actor.id);
    }
    if event.kind == Kind::Container {
        value["from"] = json!(from(event));
    }
    value
}

fn fields(event: &Event) -> Value {
    json!({
        "Type": event.kind, "Action": event.action, "Actor": event.actor, "ID": event.actor.id, "Status": event.action, "From": from(event),
        "Scope": event.scope, "Time": event.time, "TimeNano": event.nanos,
    })
}

fn from(event: &Event) -> &str {
    event.actor.attributes.get("image").map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::Actor;

    fn event() -> Event {
        let attributes = [("name", "web"), ("image", "busybox")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Event {
            kind: Kind::Container,
            action: "start".to_owned(),
            actor: Actor { id: "abc".to_owned(), attributes: attributes.into() },
            scope: "local".to_owned(),
            time: 1_763_708_529,
            nanos: 1_763_708_529_000_000_001,
        }
    }

    #[test]
    fn a_line_is_what_docker_prints() {
        let told = Form::parse("").unwrap().line(&event()).unwrap();
        assert_eq!(told, "2025-11-21T07:02:09.000000001Z container start abc (image=busybox, name=web)\n");
        let bare = Event { actor: Actor { id: "abc".to_owned(), ..Actor::default() }, ..event() };
        assert!(Form::Line.line(&bare).unwrap().ends_with("start abc\n"));
    }

    #[test]
    fn json_and_templates_have_docker_s_fields() {
        let told: Value = serde_json::from_str(&Form::parse("json").unwrap().line(&event()).unwrap()).unwrap();
        assert_eq!(
            (&told["status"], &told["from"], &told["timeNano"]),
            (&json!("start"), &json!("busybox"), &json!(1_763_708_529_000_000_001_u64))
        );
        let form = Form::parse("{{.Type}} {{.Action}} {{.ID}} {{.Actor.Attributes.name}} {{.From}} {{.Time}}").unwrap();
        assert_eq!(form.line(&event()).unwrap(), "container start abc web busybox 1763708529\n");
    }
}
