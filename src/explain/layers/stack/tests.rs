//! Small stacks, each with one thing to see.

use super::*;

/// `a/` a directory, `a!` an opaque one, `-a` a whiteout, `a 5` a file, `a 5 #7` one with inode 7.
fn layer(words: &[&str]) -> Vec<Entry> {
    let entry = |word: &&str| {
        let mut parts = word.split(' ');
        let name = parts.next().unwrap();
        let bytes = parts.next().map_or(0, |bytes| bytes.parse().unwrap());
        let inode = parts.next().map(|inode| inode[1..].parse().unwrap());
        let (path, kind) = match name {
            _ if name.starts_with('-') => (&name[1..], Kind::Whiteout),
            _ if name.ends_with('/') => (&name[..name.len() - 1], Kind::Directory { opaque: false }),
            _ if name.ends_with('!') => (&name[..name.len() - 1], Kind::Directory { opaque: true }),
            _ => (name, Kind::File),
        };
        Entry { path: path.as_bytes().to_vec(), kind, bytes, inode }
    };
    words.iter().map(entry).collect()
}

/// What each layer does, and what is wasted in each.
fn laid(layers: &[&[&str]]) -> (Vec<Vec<String>>, Vec<u64>, Vec<Waste>) {
    let mut stack = Stack::default();
    let told = layers.iter().map(|words| {
        let changes = stack.lay(layer(words)).changes;
        let text =
            |change: &Change| format!("{:?} {} {} {}", change.how, String::from_utf8_lossy(&change.path), change.files, change.bytes);
        changes.iter().map(text).collect::<Vec<_>>()
    });
    let told = told.collect();
    (told, stack.wasted_of_layers(), stack.wastes())
}

#[test]
fn a_file_of_the_same_name_hides_the_older_one() {
    let (told, wasted, wastes) = laid(&[&["a 5", "b 1"], &["a 7"], &["a 9"]]);
    assert_eq!(told, [vec!["Adds a 1 5", "Adds b 1 1"], vec!["Replaces a 1 5"], vec!["Replaces a 1 7"]]);
    assert_eq!(wasted, [5, 7, 0]);
    assert_eq!((wastes.len(), wastes[0].bytes, wastes[0].of.as_slice(), wastes[0].by), (1, 12, &[1, 2][..], 3));
}

#[test]
fn a_whiteout_takes_a_whole_directory_out_of_sight_and_no_neighbour() {
    let (told, wasted, wastes) = laid(&[&["d/", "d/a 5", "d/e/", "d/e/b 6", "d-2 100", "dd 1"], &["-d", "-nothing"]]);
    assert_eq!(told[1], ["Removes d 2 11"]);
    assert_eq!(wasted, [11, 0]);
    assert_eq!((wastes[0].files, wastes[0].is_directory, wastes[0].how), (2, true, How::Removes));
}

#[test]
fn an_opaque_directory_begins_anew_and_a_plain_one_does_not() {
    let (told, wasted, _) = laid(&[&["d/", "d/old 5"], &["d/", "d/more 1"], &["d!", "d/new 2"]]);
    assert_eq!(told, [vec!["Adds d/old 1 5"], vec!["Adds d/more 1 1"], vec!["Empties d 2 6", "Adds d/new 1 2"]]);
    assert_eq!(wasted, [5, 1, 0]);
    // Where nothing was there is nothing to hide.
    assert_eq!(laid(&[&["d!", "d/new 2"]]).0, [vec!["Adds d/new 1 2"]]);
}

#[test]
fn a_file_in_the_place_of_a_directory_and_the_other_way_round() {
    let (told, wasted, _) = laid(&[&["a/", "a/x 5", "b 3"], &["a 1", "b/", "b/y 2"]]);
    assert_eq!(told[1], ["Replaces a 1 5", "Replaces b 1 3", "Adds b/y 1 2"]);
    assert_eq!(wasted, [8, 0]);
}

#[test]
fn a_file_with_two_names_is_lost_with_the_second() {
    let mut stack = Stack::default();
    assert_eq!(stack.lay(layer(&["a 5 #1", "b 5 #1"])).size, 5);
    stack.lay(layer(&["-a"]));
    assert_eq!(stack.wasted_of_layers(), [0, 0]);
    stack.lay(layer(&["-b"]));
    assert_eq!(stack.wasted_of_layers(), [5, 0, 0]);
}
