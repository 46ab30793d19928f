//! Columns: cells that tabs separate are set below each other, as Docker's tables are.

/// At least three spaces between columns, and none narrower than ten.
const GAP: usize = 3;
const NARROWEST: usize = 10;

/// Lines of cells, with tabs between them. The last cell of a line is never padded.
pub fn align(text: &str) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        for (column, cell) in cells[..cells.len() - 1].iter().enumerate() {
            let width = (cell.chars().count() + GAP).max(NARROWEST);
            match widths.get_mut(column) {
                Some(known) => *known = width.max(*known),
                None => widths.push(width),
            }
        }
    }
    let mut aligned = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let mut cells = line.split('\t').enumerate().peekable();
        while let Some((column, cell)) = cells.next() {
            match cells.peek() {
                Some(_) => aligned.push_str(&format!("{cell:<width$}", width = widths[column])),
                None => aligned.push_str(cell),
            }
        }
        aligned.push('\n');
    }
    aligned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        assert_eq!(
            align("CONTAINER ID\tIMAGE\tNAMES\n0123456789ab\tä\tweb\n"),
            "CONTAINER ID   IMAGE     NAMES\n0123456789ab   ä         web\n"
        );
    }

    #[test]
    fn without_tabs_nothing_changes() {
        assert_eq!(align("a\n\nbcd\n"), "a\n\nbcd\n");
        assert_eq!(align(""), "");
    }
}
