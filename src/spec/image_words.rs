//! What an image says about the containers made of it: the few words of its configuration that matter here.

use oci_spec::image::ImageConfiguration;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageWords {
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub env: Vec<String>,
    /// Empty: root.
    pub user: String,
    /// Empty: `/`.
    pub workdir: String,
    pub stop_signal: Option<String>,
    /// In the order of their names, so that equal images give equal containers.
    pub labels: Vec<(String, String)>,
    pub volumes: Vec<String>,
    /// `80/tcp`
    pub exposed: Vec<String>,
}

impl From<&ImageConfiguration> for ImageWords {
    fn from(image: &ImageConfiguration) -> Self {
        let Some(config) = image.config() else { return ImageWords::default() };
        let mut words = ImageWords {
            entrypoint: config.entrypoint().clone().unwrap_or_default(),
            cmd: config.cmd().clone().unwrap_or_default(),
            env: config.env().clone().unwrap_or_default(),
            user: config.user().clone().unwrap_or_default(),
            workdir: config.working_dir().clone().unwrap_or_default(),
            stop_signal: config.stop_signal().clone().filter(|signal| !signal.is_empty()),
            labels: config.labels().iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect(),
            volumes: config.volumes().clone().unwrap_or_default(),
            exposed: config.exposed_ports().clone().unwrap_or_default(),
        };
        words.labels.sort();
        words.volumes.sort();
        words.exposed.sort();
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_image_are_taken_over() {
        let text = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},
            "config":{"User":"web","Env":["A=1"],"Entrypoint":["/e"],"Cmd":["c"],"WorkingDir":"/w","Labels":{"b":"2","a":"1"},
            "StopSignal":"SIGINT","Volumes":{"/data":{}},"ExposedPorts":{"80/tcp":{}}}}"#;
        let words = ImageWords::from(&serde_json::from_str::<ImageConfiguration>(text).unwrap());
        assert_eq!(words.labels, [("a".into(), "1".into()), ("b".into(), "2".into())]);
        assert_eq!((words.user.as_str(), words.workdir.as_str(), words.stop_signal.as_deref()), ("web", "/w", Some("SIGINT")));
        assert_eq!(
            (&words.env[..], &words.entrypoint[..], &words.cmd[..]),
            (&["A=1".to_owned()][..], &["/e".to_owned()][..], &["c".to_owned()][..])
        );
        assert_eq!((words.volumes, words.exposed), (vec!["/data".to_owned()], vec!["80/tcp".to_owned()]));
    }

    #[test]
    fn an_image_without_words_has_none() {
        let text = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
        assert_eq!(ImageWords::from(&serde_json::from_str::<ImageConfiguration>(text).unwrap()), ImageWords::default());
    }
}
