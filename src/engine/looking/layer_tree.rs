//! Which layers images share, and what each costs: images that begin with the same layers stand on one stem, and part where they differ.

use crate::engine::size;
use crate::image::catalog::Listed;
use crate::paths::Paths;
use std::collections::{BTreeMap, BTreeSet};

/// A layer, and what lies upon it.
#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    /// Diff id (hex).
    pub layer: String,
    pub size: u64,
    /// The images of which it is the last layer.
    pub images: Vec<Member>,
    pub above: Vec<Node>,
}

/// An image at the end of its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `sha256:…`
    pub id: String,
    pub names: Vec<String>,
    /// Bytes of layers that other images have, too.
    pub shared: u64,
    /// What would be free again without it.
    pub own: u64,
}

#[derive(Debug, Default)]
pub struct Forest {
    pub roots: Vec<Node>,
    pub images: usize,
    pub layers: usize,
    /// Each layer once.
    pub bytes: u64,
    /// What it would be if nothing were shared.
    pub bytes_apart: u64,
}

/// Of the images that are wished; what they share is judged by all there are.
pub fn forest(paths: &Paths, all: &[Listed], wished: &[Listed]) -> Forest {
    let layers: BTreeSet<&String> = all.iter().flat_map(|image| &image.layers).collect();
    let layers: Vec<String> = layers.into_iter().cloned().collect();
    let sizes = size::of_layers(paths, &layers);
    plant(all, wished, &layers.into_iter().zip(sizes).collect())
}

fn plant(all: &[Listed], wished: &[Listed], sizes: &BTreeMap<String, u64>) -> Forest {
    // A layer may come twice in one image, and an image under many names.
    let by_id: BTreeMap<&str, &Listed> = all.iter().map(|image| (image.id.as_str(), image)).collect();
    let mut users: BTreeMap<&str, usize> = BTreeMap::new();
    for image in by_id.values() {
        for layer in image.layers.iter().collect::<BTreeSet<_>>() {
            *users.entry(layer).or_default() += 1;
        }
    }
    let size_of = |layer: &str| sizes.get(layer).copied().unwrap_or(0);
    let mut ends: BTreeMap<&str, (&Listed, Member)> = BTreeMap::new();
    for image in wished {
        let layers: BTreeSet<&String> = image.layers.iter().collect();
        let sum =
            |is_shared: bool| layers.iter().filter(|layer| (users[layer.as_str()] > 1) == is_shared).map(|layer| size_of(layer)).sum();
        let new = || (image, Member { id: image.id.clone(), names: Vec::new(), shared: sum(true), own: sum(false) });
        let (_, member) = ends.entry(&image.id).or_insert_with(new);
        member.names.extend(image.name.clone());
        member.names.sort();
    }
    let layers: BTreeSet<&String> = ends.values().flat_map(|(image, _)| &image.layers).collect();
    Forest {
        images: ends.len(),
        layers: layers.len(),
        bytes: layers.iter().map(|layer| size_of(layer)).sum(),
        bytes_apart: ends.values().map(|(_, member)| member.shared + member.own).sum(),
        roots: grow(ends.into_values().collect(), 0, &size_of),
    }
}

/// All these images are alike below `depth`. Whoever has the first name comes first.
fn grow(mut images: Vec<(&Listed, Member)>, depth: usize, size_of: &dyn Fn(&str) -> u64) -> Vec<Node> {
    images.retain(|(image, _)| image.layers.len() > depth);
    images.sort_by(|(_, one), (_, other)| order(one).cmp(&order(other)));
    let mut nodes: Vec<(&str, Vec<(&Listed, Member)>)> = Vec::new();
    for (image, member) in images {
        let layer = image.layers[depth].as_str();
        match nodes.iter_mut().find(|(known, _)| *known == layer) {
            Some((_, members)) => members.push((image, member)),
            None => nodes.push((layer, vec![(image, member)])),
        }
    }
    let node = |(layer, members): (&str, Vec<(&Listed, Member)>)| Node {
        layer: layer.to_owned(),
        size: size_of(layer),
        images: members.iter().filter(|(image, _)| image.layers.len() == depth + 1).map(|(_, member)| member.clone()).collect(),
        above: grow(members, depth + 1, size_of),
    };
    nodes.into_iter().map(node).collect()
}

/// Images without a name come last.
fn order(member: &Member) -> (bool, Option<&String>, &str) {
    (member.names.is_empty(), member.names.first(), &member.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: &str, name: Option<&str>, layers: &[&str]) -> Listed {
        Listed {
            id: id.into(),
            digest: String::new(),
            name: name.map(str::to_owned),
            created: String::new(),
            size: 0,
            labels: BTreeMap::new(),
            layers: layers.iter().map(|layer| (*layer).to_owned()).collect(),
        }
    }

    #[test]
    fn images_part_where_they_differ() {
        let all = [
            listed("2", Some("web:2"), &["a", "b", "c"]),
            listed("1", Some("base:new"), &["a"]),
            listed("1", Some("base:1"), &["a"]),
            listed("3", None, &["a", "b", "d", "d"]),
            listed("4", Some("other:1"), &["e"]),
        ];
        let sizes = [("a", 1000), ("b", 100), ("c", 10), ("d", 1), ("e", 5)].map(|(layer, size)| (layer.to_owned(), size)).into();
        let forest = plant(&all, &all, &sizes);
        assert_eq!((forest.images, forest.layers, forest.bytes, forest.bytes_apart), (4, 5, 1116, 1000 + 1110 + 1101 + 5));
        let member = |id: &str, names: &[&str], shared, own| Member {
            id: id.into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            shared,
            own,
        };
        let node = |layer: &str, size, images, above| Node { layer: layer.into(), size, images, above };
        let d = node("d", 1, vec![], vec![node("d", 1, vec![member("3", &[], 1100, 1)], vec![])]);
        let c = node("c", 10, vec![member("2", &["web:2"], 1100, 10)], vec![]);
        let a = node("a", 1000, vec![member("1", &["base:1", "base:new"], 1000, 0)], vec![node("b", 100, vec![], vec![c, d])]);
        assert_eq!(forest.roots, [a, node("e", 5, vec![member("4", &["other:1"], 0, 5)], vec![])]);
        // Of one alone it is still said what it shares with the others.
        let one = plant(&all, &all[..1], &sizes);
        assert_eq!((one.images, one.roots.len(), one.bytes_apart), (1, 1, 1110));
        assert_eq!(one.roots[0].above[0].above[0].images[0], member("2", &["web:2"], 1100, 10));
    }
}
