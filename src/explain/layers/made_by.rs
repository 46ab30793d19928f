//! Which line of a Dockerfile has made which layer: an image carries that along as its history.

use serde_json::{Value, json};

/// One text for each layer, the lowest first. Lines that changed no file have none; what the history leaves out is empty.
pub fn of_layers(history: &Value, layers: usize) -> Vec<String> {
    let told = history.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let with_files = told.filter(|entry| entry["empty_layer"] != json!(true));
    let words = with_files.map(|entry| plain_words(entry["created_by"].as_str().unwrap_or_default()));
    words.chain(std::iter::repeat_with(String::new)).take(layers).collect()
}

/// As it stood in the Dockerfile. Builders write down what they have executed: a shell around the command of RUN, and around all
/// others one that does nothing (`#(nop)`).
pub fn plain_words(created_by: &str) -> String {
    let text = created_by.trim().trim_end_matches("# buildkit").trim_end();
    let text = match text.strip_prefix("/bin/sh -c ") {
        Some(rest) => match rest.trim_start().strip_prefix("#(nop)") {
            Some(line) => line.trim_start().to_owned(),
            None => format!("RUN {}", rest.trim_start()),
        },
        None => text.replacen("RUN /bin/sh -c ", "RUN ", 1),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_they_were_written() {
        for (noted, line) in [
            ("/bin/sh -c apt-get update &&   apt-get install -y x", "RUN apt-get update && apt-get install -y x"),
            ("/bin/sh -c #(nop) ADD file:12ab in / ", "ADD file:12ab in /"),
            ("RUN /bin/sh -c make # buildkit", "RUN make"),
            ("COPY . /src # buildkit", "COPY . /src"),
            ("sh -c 'echo 1'", "sh -c 'echo 1'"),
            ("", ""),
        ] {
            assert_eq!(plain_words(noted), line);
        }
    }

    #[test]
    fn only_lines_that_changed_files_have_a_layer() {
        let history = json!([{"created_by": "ADD x"}, {"created_by": "CMD y", "empty_layer": true}, {"created_by": "COPY z"}]);
        assert_eq!(of_layers(&history, 2), ["ADD x", "COPY z"]);
        assert_eq!(of_layers(&history, 3), ["ADD x", "COPY z", ""]);
        assert_eq!(of_layers(&history, 1), ["ADD x"]);
        assert_eq!(of_layers(&Value::Null, 1), [""]);
    }
}
