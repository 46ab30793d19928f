//! Images.

use super::{Example, Page};
use crate::engine::size;
use crate::image::catalog;
use crate::options::sizes;
use crate::trace::Step;

const WORDS: &str = "
An image is three kinds of files, each named after the hash of its bytes:

  layers    tar archives of what each step added
  config    JSON: which layers, and what to execute, as whom, where
  manifest  JSON: which config, and which blobs the layers come in

The hash of the config is the image's id, so the same id is the same image
everywhere. A name such as alpine:3.20 is only a pointer, and may point to
another image tomorrow; alpine@sha256:… cannot.

Because layers are named after their content, images that begin with the same
layers share them: they are fetched once, lie on the disk once, and are in
memory once. An image is never changed. A container writes to a directory of
its own above it; commit and build make new images with one layer more.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::FindImage),
        further: "tare history IMAGE; tare layers IMAGE; tare images --tree; opencontainers/image-spec",
    }
}

fn live(example: &Example) -> Vec<String> {
    let paths = &example.paths;
    let Some(seen) = &example.seen else {
        let images = catalog::list(paths).unwrap_or_default();
        let mut lines = vec![format!("this store ({}) has {} names of images", paths.root().display(), images.len())];
        lines.extend(images.iter().take(5).map(|image| {
            format!(
                "{:<30} {}  layers: {}, {}",
                image.name.as_deref().unwrap_or("<none>"),
                &image.id[7..19.min(image.id.len())],
                image.layers.len(),
                sizes::size(image.size)
            )
        }));
        return lines;
    };
    let record = &seen.record;
    let mut lines = vec![format!("image     {} ({})", record.image, record.image_id.get(..19).unwrap_or(&record.image_id))];
    lines.push(format!("config    {}", paths.blob(record.image_id.trim_start_matches("sha256:")).display()));
    lines.push(format!("executes  {}", record.args.join(" ")));
    let layers = record.layers.iter().zip(size::of_layers(paths, &record.layers));
    lines.extend(
        layers
            .enumerate()
            .take(6)
            .map(|(index, (layer, size))| format!("layer {}   {} {}", index + 1, &layer[..layer.len().min(12)], sizes::size(size))),
    );
    if record.layers.len() > 6 {
        lines.push(format!("          … and {} more above", record.layers.len() - 6));
    }
    lines
}

/// Words in lines of a screen's width, with the first as a label.
pub fn folded(label: &str, words: &[&str]) -> Vec<String> {
    const WIDTH: usize = 76;
    let indent = " ".repeat(label.chars().count());
    let mut lines = vec![label.to_owned()];
    for word in words {
        let last = lines.last_mut().map_or(0, |line| line.chars().count());
        if last + word.len() > WIDTH && last > indent.len() {
            lines.push(indent.clone());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_words_are_folded_behind_their_label() {
        let words = vec!["word"; 40];
        let lines = folded("label: ", &words);
        assert!(lines.len() == 3 && lines.iter().all(|line| line.len() <= 80), "{lines:?}");
        assert!(lines[0].starts_with("label: word") && lines[1].starts_with("       word"));
    }
}
