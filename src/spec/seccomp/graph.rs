//! Questions and answers of a filter as a graph: a question leads to further questions, or to a verdict.
//!
//! Equal questions that lead to equal places are one node, so what two machines have in common is in the program once.
//! A node is made after those that it leads to; `program` therefore writes the instructions from the last to the first.

use super::instruction::{AND, IF_ANY_BIT, IF_AT_LEAST, IF_EQUAL, JUMP, LOAD, LONGEST, RETURN, SockFilter};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Verdict(u32),
    /// A load or an `and`, and what comes after it.
    Then {
        code: u16,
        k: u32,
        next: Place,
    },
    Question {
        code: u16,
        k: u32,
        yes: Place,
        no: Place,
    },
}

#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    known: HashMap<Node, Place>,
}

/// More instructions than the kernel takes.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Graph {
    fn place(&mut self, node: Node) -> Place {
        *self.known.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            Place(self.nodes.len() as u32 - 1)
        })
    }

    pub fn verdict(&mut self, verdict: u32) -> Place {
        self.place(Node::Verdict(verdict))
    }
    pub fn load(&mut self, offset: u32, next: Place) -> Place {
        self.place(Node::Then { code: LOAD, k: offset, next })
    }
    pub fn and(&mut self, mask: u32, next: Place) -> Place {
        self.place(Node::Then { code: AND, k: mask, next })
    }
    pub fn if_equal(&mut self, k: u32, yes: Place, no: Place) -> Place {
        self.question(IF_EQUAL, k, yes, no)
    }
    pub fn if_at_least(&mut self, k: u32, yes: Place, no: Place) -> Place {
        self.question(IF_AT_LEAST, k, yes, no)
    }
    pub fn if_any_bit(&mut self, k: u32, yes: Place, no: Place) -> Place {
        self.question(IF_ANY_BIT, k, yes, no)
    }

    fn question(&mut self, code: u16, k: u32, yes: Place, no: Place) -> Place {
        if yes == no { yes } else { self.place(Node::Question { code, k, yes, no }) }
    }

    /// The program that begins at `start`.
    pub fn program(&self, start: Place) -> Result<Vec<SockFilter>, TooLong> {
        let mut writer = Writer { graph: self, backwards: Vec::new(), at: vec![0; self.nodes.len()] };
        for (n, needed) in self.reachable(start).into_iter().enumerate() {
            if needed {
                writer.write(Place(n as u32));
            }
        }
        writer.backwards.reverse();
        if writer.backwards.len() > LONGEST { Err(TooLong) } else { Ok(writer.backwards) }
    }

    fn reachable(&self, start: Place) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        needed[start.0 as usize] = true;
        for n in (0..=start.0 as usize).rev() {
            match self.nodes[n] {
                Node::Verdict(_) => {}
                Node::Then { next, .. } => needed[next.0 as usize] |= needed[n],
                Node::Question { yes, no, .. } => {
                    needed[yes.0 as usize] |= needed[n];
                    needed[no.0 as usize] |= needed[n];
                }
            }
        }
        needed
    }
}

/// Writes instructions from the last to the first, because BPF only jumps forwards: whatever a jump leads to is there already.
struct Writer<'a> {
    graph: &'a Graph,
    backwards: Vec<SockFilter>,
    /// Where in `backwards` a node can be entered: its own instruction, or a nearer one that leads there.
    at: Vec<usize>,
}

impl Writer<'_> {
    fn write(&mut self, place: Place) {
        let instruction = match self.graph.nodes[place.0 as usize] {
            Node::Verdict(verdict) => SockFilter { code: RETURN, jt: 0, jf: 0, k: verdict },
            Node::Then { code, k, next } => {
                if self.distance(next) > 0 {
                    self.bring_near(next);
                }
                SockFilter { code, jt: 0, jf: 0, k }
            }
            Node::Question { code, k, yes, no } => {
                while let Some(far) = [yes, no].into_iter().find(|place| self.distance(*place) > u8::MAX.into()) {
                    self.bring_near(far);
                }
                SockFilter { code, jt: self.distance(yes) as u8, jf: self.distance(no) as u8, k }
            }
        };
        self.at[place.0 as usize] = self.push(instruction);
    }

    fn push(&mut self, instruction: SockFilter) -> usize {
        self.backwards.push(instruction);
        self.backwards.len() - 1
    }

    /// How many instructions the next one would have to skip to get there.
    fn distance(&self, place: Place) -> usize {
        self.backwards.len() - 1 - self.at[place.0 as usize]
    }

    /// A question reaches 255 instructions far. What lies further away gets a jump close by, or, as that is as short, is said again.
    fn bring_near(&mut self, place: Place) {
        let instruction = match self.graph.nodes[place.0 as usize] {
            Node::Verdict(verdict) => SockFilter { code: RETURN, jt: 0, jf: 0, k: verdict },
            _ => SockFilter { code: JUMP, jt: 0, jf: 0, k: self.distance(place) as u32 },
        };
        self.at[place.0 as usize] = self.push(instruction);
    }
}
