//! `explain TOPIC`: one screen for each thing that a container is made of, with what is true on this machine just now as the example.
//!
//! A topic's file has its words, and says what it shows of the example: a container that was named, or this very command, which is a
//! process like any other.

mod capabilities;
mod cgroups;
mod example;
mod images;
mod namespaces;
mod networks;
mod overlay;
mod pid1;
mod pivot_root;
mod seccomp;
mod user_namespaces;
mod whiteouts;

pub use example::Example;

use crate::options::without::Part;
use crate::trace::Step;

/// What a page is made of.
pub struct Page {
    /// Folded by hand: at most 80 columns.
    pub words: &'static str,
    /// What is true here and now.
    pub live: Vec<String>,
    /// Where it happens in a start.
    pub step: Option<Step>,
    /// Commands and manual pages.
    pub further: &'static str,
}

pub struct Topic {
    pub name: &'static str,
    /// For the list, and as heading.
    pub about: &'static str,
    page: fn(&Example) -> Page,
}

/// In the order in which a learner best reads them.
pub const TOPICS: &[Topic] = &[
    Topic { name: "namespaces", about: "a process sees its own world: what it is not shown does not exist for it", page: namespaces::page },
    Topic { name: "images", about: "a list of layers, and words that say what to execute in them", page: images::page },
    Topic { name: "overlay", about: "many directories seen as one; what is written goes to the topmost", page: overlay::page },
    Topic { name: "whiteouts", about: "how a layer removes what lies in one below it", page: whiteouts::page },
    Topic { name: "pivot-root", about: "the container's directory becomes the only root there is", page: pivot_root::page },
    Topic { name: "cgroups", about: "a group of processes: counted, limited, and ended as a whole", page: cgroups::page },
    Topic { name: "pid1", about: "the first process inherits orphans, and hears no signal by default", page: pid1::page },
    Topic { name: "capabilities", about: "root's power in forty pieces, most of which a container never gets", page: capabilities::page },
    Topic { name: "seccomp", about: "a filter before every system call", page: seccomp::page },
    Topic { name: "networks", about: "a cable, a switch, and doors that lead in", page: networks::page },
    Topic { name: "user-namespaces", about: "root inside, nobody outside", page: user_namespaces::page },
];

pub fn find(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

impl Topic {
    pub fn text(&self, example: &Example) -> String {
        let page = (self.page)(example);
        let mut text = format!("{}: {}\n\n{}\n", self.name, self.about, page.words.trim());
        text += &format!("\n{}:\n", example.heading(self.name));
        page.live.iter().for_each(|line| text += &format!("  {line}\n"));
        text.push('\n');
        if let Some(step) = page.step {
            text += &format!("In a start: {}\n", step.place());
        }
        if let Some(part) = self.left_out() {
            text += &format!("To see what it is good for, leave it out: tare run -it --without={} IMAGE\n", part.name());
        }
        text + &format!("Further: {}\n", page.further)
    }

    /// The part of a container that this is about, where a container can be without it.
    fn left_out(&self) -> Option<Part> {
        match self.name {
            "namespaces" => Some(Part::Pid),
            "pivot-root" => Some(Part::Mount),
            "pid1" => Some(Part::Reaper),
            "capabilities" => Some(Part::Caps),
            "seccomp" => Some(Part::Seccomp),
            "networks" => Some(Part::Net),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Paths;

    #[test]
    fn a_page_fits_on_a_screen() {
        let example = Example::of_this_process(&Paths::new("/nonexistent", "/nonexistent"));
        for topic in TOPICS {
            let text = topic.text(&example);
            assert!((18..=45).contains(&text.lines().count()), "{}: {} lines\n{text}", topic.name, text.lines().count());
            let words = (topic.page)(&example).words;
            assert!(words.lines().all(|line| line.chars().count() <= 80), "{}:\n{words}", topic.name);
            assert!(!(topic.page)(&example).live.is_empty(), "{} shows nothing", topic.name);
        }
    }
}
