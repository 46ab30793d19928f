//! The text of `tare layers`: a table, what is wasted, and the words for whoever sees it for the first time.

use super::{Listing, path, sorted};
use crate::cli::{human, table};
use crate::explain::layers::{Change, How, Layer, Layers, Waste};

/// What made a layer is often a whole script.
const WIDEST: usize = 44;
/// So many of what wastes most, unless more were asked for.
const WASTES: usize = 10;

pub fn text(layers: &Layers, listing: &Listing) -> String {
    let names = if layers.names.is_empty() { "an image without a name".to_owned() } else { layers.names.join(", ") };
    let count = match layers.layers.len() {
        1 => "1 layer".to_owned(),
        more => format!("{more} layers"),
    };
    let mut text = format!("{names}   {}   {count}, {}\n\n", short(&layers.id), human::size(layers.size));
    text += &overview(layers);
    text += &format!("\n{}", efficiency(layers));
    if !layers.wastes.is_empty() {
        text += &format!("\n{}", wastes(layers, listing));
    }
    for (index, layer) in layers.layers.iter().enumerate().filter(|(index, _)| listing.has(index + 1)) {
        text += &format!("\n{}", files(layer, index + 1, listing.most));
    }
    text
}

fn short(id: &str) -> &str {
    id.strip_prefix("sha256:").map_or(id, |hex| &hex[..hex.len().min(12)])
}

/// The lowest first, as the Dockerfile has them.
fn overview(layers: &Layers) -> String {
    let mut lines = vec!["LAYER\tSIZE\tADDS\tREPLACES\tHIDES\tWASTED\tMADE BY".to_owned()];
    for (index, layer) in layers.layers.iter().enumerate() {
        let files = |how: fn(How) -> bool| number(layer.sum(how).0);
        let hides = files(|how| matches!(how, How::Removes | How::Empties));
        let wasted = if layer.wasted == 0 { "-".to_owned() } else { human::size(layer.wasted) };
        let made_by = cut(if layer.made_by.is_empty() { "(the image does not say)" } else { &layer.made_by });
        let (adds, replaces) = (files(|how| how == How::Adds), files(|how| how == How::Replaces));
        lines.push(format!("{}\t{}\t{adds}\t{replaces}\t{hides}\t{wasted}\t{made_by}", index + 1, human::size(layer.size)));
    }
    table::align(&lines.join("\n"))
}

fn number(files: usize) -> String {
    if files == 0 { "-".to_owned() } else { files.to_string() }
}

fn cut(text: &str) -> String {
    let text = text.replace(['\t', '\n'], " ");
    if text.chars().count() <= WIDEST { text } else { text.chars().take(WIDEST - 1).chain(['…']).collect() }
}

fn efficiency(layers: &Layers) -> String {
    let (size, wasted) = (human::size(layers.size), layers.wasted());
    if wasted == 0 {
        return format!("A container sees all {size}: efficiency 100%\n");
    }
    format!("Of {size}, {} are out of sight in every container: efficiency {}\n", human::size(wasted), percent(layers.efficiency()))
}

/// Never 100% where something is wasted.
fn percent(share: f64) -> String {
    match format!("{share:.1}") {
        text if text == "100.0" => "99.9+%".to_owned(),
        text => format!("{text}%"),
    }
}

fn wastes(layers: &Layers, listing: &Listing) -> String {
    let most = if listing.files { listing.most } else { listing.most.min(WASTES) };
    let mut lines = vec!["WASTED\tIN LAYER\tFILE\tBECAUSE".to_owned()];
    lines.extend(layers.wastes.iter().take(most).map(waste));
    let mut text = table::align(&lines.join("\n"));
    if layers.wastes.len() > most {
        text += &format!("… and {} more (--most 0 shows all)\n", layers.wastes.len() - most);
    }
    text + "\nA layer cannot change one below it: what it hides is still there, and is pulled, stored and readable for\n\
            whoever unpacks the image. What is not to stay must go in the line that made it: RUN fetch && use && rm\n"
}

fn waste(waste: &Waste) -> String {
    let of = waste.of.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let because = match (waste.how, waste.is_same) {
        (How::Replaces, true) => format!("layer {} has the same content again: only owner, mode or time changed", waste.by),
        (How::Replaces, false) => format!("layer {} has a file of this name", waste.by),
        (How::Removes, _) => format!("layer {} removes it, by a whiteout", waste.by),
        (How::Empties, _) => format!("layer {} begins the directory anew (opaque)", waste.by),
        (How::Adds, _) => String::new(),
    };
    let files = if waste.files > 1 { format!(" ({} files)", waste.files) } else { String::new() };
    format!("{}\t{of}\t{}{files}\t{because}", human::size(waste.bytes), path(&waste.path, waste.is_directory))
}

fn files(layer: &Layer, number: usize, most: usize) -> String {
    let all = sorted(layer);
    let mut text = format!("Layer {number}: {}\n", cut(if layer.made_by.is_empty() { &layer.id[..12] } else { &layer.made_by }));
    let lines: Vec<String> = all.iter().take(most).map(|change| line(change)).collect();
    text += &table::align(&lines.join("\n"));
    if all.is_empty() {
        text += &format!("  no file, {} directories\n", layer.directories);
    }
    if all.len() > most {
        text += &format!("  … and {} more (--most 0 shows all)\n", all.len() - most);
    }
    text
}

fn line(change: &Change) -> String {
    let (sign, what) = match change.how {
        How::Adds => ("+", String::new()),
        How::Replaces => ("~", " lies over an older one".to_owned()),
        How::Removes => ("-", " a whiteout hides it".to_owned()),
        How::Empties => ("o", " opaque: what was in it is hidden".to_owned()),
    };
    let files = if change.files > 1 { format!(", {} files", change.files) } else { String::new() };
    let comment = if what.is_empty() { what } else { format!("\t{}{files}", what.trim_start()) };
    format!("  {sign} {}\t{}{comment}", human::size(change.bytes), path(&change.path, change.is_directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wasted_never_rounds_to_nothing() {
        assert_eq!((percent(99.99), percent(99.94), percent(12.345)), ("99.9+%".to_owned(), "99.9%".to_owned(), "12.3%".to_owned()));
    }

    #[test]
    fn a_script_is_cut_to_a_line() {
        assert_eq!(cut("RUN a\tb"), "RUN a b");
        assert_eq!(cut(&"x".repeat(100)).chars().count(), WIDEST);
    }
}
