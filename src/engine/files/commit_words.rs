//! What a container was wished becomes what its image says, so that a container of the new image is like this one.
//!
//! What nobody can wish with a flag (a shell for builds, say) stays as the image below has it; only ONBUILD is for its children
//! and not for theirs.

use crate::options::Mount;
use crate::record::Container;
use crate::spec::environment;
use crate::spec::image_words::ImageWords;
use serde_json::{Map, Value, json};

/// The object `config` of the new image. `settings`: that of the image below, and `image` the same as words.
pub fn settings(record: &Container, mut settings: Map<String, Value>, image: &ImageWords) -> Map<String, Value> {
    let wishes = &record.wishes;
    settings.remove("OnBuild");
    let mut env = image.env.clone();
    environment::change(&mut env, &wishes.env);
    let entrypoint = wishes.entrypoint.as_ref().unwrap_or(&image.entrypoint);
    let command = record.args.get(entrypoint.len()..).unwrap_or_default();
    let nameless = wishes.mounts.iter().filter_map(Mount::volume).filter(|volume| volume.anonymous).map(|volume| &volume.target);
    let mut put = |name: &str, value: Value| {
        let is_empty = match &value {
            Value::String(text) => text.is_empty(),
            Value::Array(all) => all.is_empty(),
            Value::Object(all) => all.is_empty(),
            _ => value.is_null(),
        };
        match is_empty {
            true => drop(settings.remove(name)),
            false => drop(settings.insert(name.to_owned(), value)),
        }
    };
    put("Entrypoint", json!(entrypoint));
    put("Cmd", json!(command));
    put("Env", json!(env));
    // Whom `keep-id` has chosen is somebody else in another container.
    put("User", json!(wishes.user.as_ref().unwrap_or(&image.user)));
    put("WorkingDir", json!(wishes.workdir.as_ref().unwrap_or(&image.workdir)));
    put("Labels", record.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>().into());
    put("StopSignal", json!(wishes.stop_signal.as_ref().or(image.stop_signal.as_ref())));
    put("Volumes", set(image.volumes.iter().chain(nameless)));
    put("ExposedPorts", set(image.exposed.iter().chain(&wishes.exposed)));
    if let Some(check) = &wishes.health {
        put("Healthcheck", check.to_json());
    }
    settings
}

/// As Go writes one.
fn set<'a>(names: impl Iterator<Item = &'a String>) -> Value {
    names.map(|name| (name.clone(), json!({}))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Wishes;

    fn record(args: &[&str], wishes: Wishes) -> Container {
        let text = json!({
            "id": "1", "name": "one", "image": "box", "image_id": "sha256:1", "layers": [], "created": 0, "hostname": "one",
            "args": args, "user": "web", "stop_signal": "SIGTERM", "labels": [["a", "b"]], "reaper": true, "wishes": wishes, "ended": null,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn wishes_win_and_what_nobody_wished_is_the_image_s() {
        let image = ImageWords {
            entrypoint: vec!["/run".into()],
            cmd: vec!["old".into()],
            env: vec!["A=1".into(), "B=2".into()],
            workdir: "/w".into(),
            exposed: vec!["80/tcp".into()],
            ..ImageWords::default()
        };
        let wishes = Wishes {
            command: vec!["new".into()],
            env: vec!["B=3".into(), "A".into()],
            stop_signal: Some("SIGINT".into()),
            user: Some("web".into()),
            exposed: vec!["53/udp".into()],
            ..Wishes::default()
        };
        let below = Map::from_iter([("OnBuild".to_owned(), json!(["RUN x"])), ("Shell".to_owned(), json!(["/bin/bash"]))]);
        assert_eq!(
            Value::Object(settings(&record(&["/run", "new"], wishes), below, &image)),
            json!({
                "Entrypoint": ["/run"], "Cmd": ["new"], "Env": ["B=3"], "User": "web", "WorkingDir": "/w", "Labels": {"a": "b"},
                "StopSignal": "SIGINT", "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Shell": ["/bin/bash"],
            })
        );
    }

    #[test]
    fn an_entrypoint_that_was_typed_has_its_own_command() {
        let image = ImageWords { cmd: vec!["old".into()], ..ImageWords::default() };
        let wishes = Wishes { entrypoint: Some(vec!["/x".into(), "-v".into()]), ..Wishes::default() };
        let made = settings(&record(&["/x", "-v"], wishes), Map::from_iter([("Cmd".to_owned(), json!(["old"]))]), &image);
        assert_eq!((&made["Entrypoint"], made.get("Cmd")), (&json!(["/x", "-v"]), None));
    }
}
