//! Branches become lines: `├─`, `└─` and `│`, and what belongs together stands in columns.

/// Between two columns.
const GAP: usize = 2;

/// A line, and what grows out of it. Its cells stand below those of its neighbours, as far as the next heading.
#[derive(Debug, Default)]
pub struct Branch {
    cells: Vec<String>,
    /// What is below has columns of its own.
    is_heading: bool,
    below: Vec<Branch>,
}

impl Branch {
    pub fn new(text: impl Into<String>) -> Branch {
        Branch { cells: vec![text.into()], ..Branch::default() }
    }
    pub fn heading(text: impl Into<String>) -> Branch {
        Branch { cells: vec![text.into()], is_heading: true, ..Branch::default() }
    }
    /// One that names the columns below it.
    pub fn columns<const N: usize>(cells: [&str; N]) -> Branch {
        Branch { is_heading: true, ..Branch::cells(cells) }
    }
    pub fn cells<const N: usize>(cells: [&str; N]) -> Branch {
        Branch { cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), ..Branch::default() }
    }
    pub fn with(mut self, below: Vec<Branch>) -> Branch {
        self.below.extend(below);
        self
    }
    pub fn and(self, one: Branch) -> Branch {
        self.with(vec![one])
    }
}

/// One line of the picture before its columns are set.
struct Line {
    /// With the lines before it.
    first: String,
    rest: Vec<String>,
    /// Lines of the same block have the same columns.
    block: usize,
}

pub fn draw(root: &Branch) -> String {
    let (mut lines, mut blocks) = (Vec::new(), 0);
    collect(root, "", "", 0, &mut blocks, &mut lines);
    let widths: Vec<Vec<usize>> = (0..=blocks).map(|block| widths(lines.iter().filter(|line| line.block == block))).collect();
    lines.iter().map(|line| set(line, &widths[line.block]) + "\n").collect()
}

fn collect(branch: &Branch, before: &str, below: &str, block: usize, blocks: &mut usize, lines: &mut Vec<Line>) {
    let (first, rest) = branch.cells.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let block = if branch.is_heading {
        *blocks += 1;
        *blocks
    } else {
        block
    };
    lines.push(Line { first: format!("{before}{first}"), rest: rest.to_vec(), block });
    for (number, child) in branch.below.iter().enumerate() {
        let (turn, on) = if number + 1 == branch.below.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        collect(child, &format!("{below}{turn}"), &format!("{below}{on}"), block, blocks, lines);
    }
}

/// The last cell of a line needs no room behind it.
fn widths<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines.filter(|line| !line.rest.is_empty()) {
        let cells = std::iter::once(&line.first).chain(&line.rest);
        for (column, cell) in cells.take(line.rest.len()).enumerate() {
            let width = cell.chars().count() + GAP;
            match widths.get_mut(column) {
                Some(known) => *known = width.max(*known),
                None => widths.push(width),
            }
        }
    }
    widths
}

fn set(line: &Line, widths: &[usize]) -> String {
    let cells = std::iter::once(&line.first).chain(&line.rest);
    let mut text = String::new();
    for (column, cell) in cells.enumerate() {
        let width = if column < line.rest.len() { widths.get(column).copied().unwrap_or(0) } else { 0 };
        text += &format!("{cell:<width$}");
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_part_and_columns_stand_below_each_other() {
        let group = Branch::heading("things")
            .and(Branch::cells(["a", "1", "x"]).and(Branch::cells(["bb", "22", "y"])))
            .and(Branch::cells(["c", "3"]));
        let root = Branch::new("host").and(group).and(Branch::new("end"));
        let expected = "host\n├─ things\n│  ├─ a      1   x\n│  │  └─ bb  22  y\n│  └─ c      3\n└─ end\n";
        assert_eq!(draw(&root), expected);
    }
}
