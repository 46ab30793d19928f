//! `tare images --tree`: layers from the bottom, each with what it costs, and the images where they end.
//!
//! Layers of one stem stand below each other; the lines go further in only where images part, or one ends on the way.

use crate::cli::human;
use crate::cli::images::short;
use crate::cli::say::say;
use crate::cli::table;
use crate::cli::template::{self, Row};
use crate::engine::layer_tree::{Forest, Member, Node};
use crate::error::Result;
use serde_json::{Value, json};

pub fn show(forest: &Forest, whole: bool) {
    let mut lines = vec!["LAYER\tSIZE\tIMAGE\tSHARED\tUNIQUE".to_owned()];
    let mut was_tall = false;
    for (number, root) in forest.roots.iter().enumerate() {
        let mut stem = Vec::new();
        draw(&mut stem, root, "", "", whole);
        // Else it could be taken for the rest of the one above.
        let is_tall = stem.len() > 1;
        if number > 0 && (was_tall || is_tall) {
            lines.push(String::new());
        }
        was_tall = is_tall;
        lines.append(&mut stem);
    }
    say(&table::align(&lines.join("\n")));
    if forest.images > 0 {
        let count = |number: usize, what: &str| if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") };
        let (images, layers, size) = (count(forest.images, "image"), count(forest.layers, "layer"), human::size(forest.bytes));
        let apart = match forest.bytes_apart > forest.bytes {
            true => format!(", and {} if they shared nothing", human::size(forest.bytes_apart)),
            false => String::new(),
        };
        say(&format!("\n{images}, {layers}: {size}{apart}\n"));
    }
}

fn draw(lines: &mut Vec<String>, node: &Node, first: &str, rest: &str, whole: bool) {
    let start = format!("{first}{}\t{}\t", shown_layer(node, whole), human::size(node.size));
    match &node.images[..] {
        [] => lines.push(start.trim_end().to_owned()),
        [image, others @ ..] => {
            lines.push(start + &about(image, whole));
            // Different images of the same layers: their settings differ.
            lines.extend(
                others.iter().map(|image| format!("{rest}{}\t\t{}", if node.above.is_empty() { "" } else { "│" }, about(image, whole))),
            );
        }
    }
    if let ([only], []) = (&node.above[..], &node.images[..]) {
        return draw(lines, only, rest, rest, whole);
    }
    for (number, above) in node.above.iter().enumerate() {
        let (branch, below) = if number + 1 == node.above.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw(lines, above, &format!("{rest}{branch}"), &format!("{rest}{below}"), whole);
    }
}

fn shown_layer(node: &Node, whole: bool) -> &str {
    if whole { &node.layer } else { &node.layer[..node.layer.len().min(12)] }
}

fn about(image: &Member, whole: bool) -> String {
    format!("{}\t{}\t{}", called(image, whole), human::size(image.shared), human::size(image.own))
}

fn called(image: &Member, whole: bool) -> String {
    if image.names.is_empty() { short(&image.id, whole).to_owned() } else { image.names.join(", ") }
}

/// For programs: each layer of the tree with the one below it.
pub fn format(forest: &Forest, format: &str, whole: bool) -> Result<()> {
    let mut rows = Vec::new();
    forest.roots.iter().for_each(|root| collect(&mut rows, root, None, whole));
    let headings = json!({"Layer": "LAYER", "Below": "BELOW", "Size": "SIZE", "Images": "IMAGES"});
    say(&template::render_rows(format, "table {{.Layer}}\t{{.Below}}\t{{.Size}}", &headings, &rows)?);
    Ok(())
}

fn collect(rows: &mut Vec<Row>, node: &Node, below: Option<&str>, whole: bool) {
    let images: Vec<Value> = node
        .images
        .iter()
        .map(|image| {
            let (shared, unique) = (human::size(image.shared), human::size(image.own));
            json!({"ID": short(&image.id, whole), "Names": image.names, "SharedSize": shared, "UniqueSize": unique})
        })
        .collect();
    let fields =
        json!({"Layer": shown_layer(node, whole), "Below": below.unwrap_or_default(), "Size": human::size(node.size), "Images": images});
    rows.push(Row::from(fields));
    node.above.iter().for_each(|above| collect(rows, above, Some(shown_layer(node, whole)), whole));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(layer: &str, image: Option<&str>, above: Vec<Node>) -> Node {
        let member = |name: &str| Member { id: "sha256:1".into(), names: vec![name.to_owned()], shared: 1, own: 2 };
        Node { layer: layer.repeat(64), size: 1000, images: image.map(member).into_iter().collect(), above }
    }

    #[test]
    fn a_stem_is_straight_and_branches_go_in() {
        let web = node("c", None, vec![node("d", Some("web:1"), vec![node("e", Some("web:2"), vec![])])]);
        let root = node("a", None, vec![node("b", None, vec![web, node("f", Some("api:1"), vec![])])]);
        let mut lines = Vec::new();
        draw(&mut lines, &root, "", "", false);
        let shape: Vec<&str> = lines.iter().map(|line| line.split('\t').next().unwrap_or_default()).collect();
        let id = |letter: &str| letter.repeat(12);
        let expected = [
            id("a"),
            id("b"),
            format!("├─ {}", id("c")),
            format!("│  {}", id("d")),
            format!("│  └─ {}", id("e")),
            format!("└─ {}", id("f")),
        ];
        assert_eq!(shape, expected);
        assert_eq!(lines[0], format!("{}\t1kB", id("a")));
        assert_eq!(lines[3], format!("│  {}\t1kB\tweb:1\t1B\t2B", id("d")));
    }
}
