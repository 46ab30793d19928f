//! The plan as a shell script that does it by hand: to be read from top to bottom, and run.
//!
//! It has two parts. Outside, on the host, the group is made; then everything happens in new namespaces, in the words between `INSIDE`.
//! What would outlive the container is taken back by a trap.

use crate::explain::plan::{Block, Deed, Shell, quote};
use crate::trace::Step;

/// A comment's width.
const WIDTH: usize = 110;

/// `command`: as it was typed.
pub fn script(blocks: &[Block], command: &str) -> String {
    let mut text = opening(blocks, command);
    let (mut inside, mut waiting) = (String::new(), None);
    for block in blocks {
        match block.step {
            step if step <= Step::CloneContainer => text.push_str(&told(block)),
            // Behind the new root there is no mount(8).
            Step::EnterRoot | Step::OnlyChangeRoot => {
                inside.push_str(&format!("{}# A shell does it later, after step {}.\n\n", title(block), Step::CloseRoot.number()));
                waiting = Some(block);
            }
            _ => inside.push_str(&told(block)),
        }
        if block.step == Step::CloseRoot {
            inside.extend(waiting.take().map(told));
        }
    }
    let helpers = helpers(&inside);
    let inside = format!("{helpers}{}", inside.trim_end());
    // A file of the container's may have this line, too.
    let end = (0..).map(|count| "INSIDE".to_owned() + &"_".repeat(count)).find(|end| !inside.lines().any(|line| line == end));
    let end = end.unwrap_or_default();
    format!("{}{inside}\n{end}\n{ENDING}", text.trim_end().replace("<<'INSIDE'", &format!("<<'{end}'")) + "\n\n")
}

const ENDING: &str =
    "\n# The container has ended, and its mounts and namespaces with it; what is left goes by the trap above.\nexit \"$status\"\n";

fn opening(blocks: &[Block], command: &str) -> String {
    let deeds = || blocks.iter().flat_map(|block| &block.deeds);
    let mut undo: Vec<&str> = Vec::new();
    for deed in deeds() {
        undo.extend(deed.undo.as_deref().filter(|lines| !undo.contains(lines)));
    }
    let undo: String = undo.iter().rev().flat_map(|lines| lines.lines()).map(|line| format!("    {line}\n")).collect();
    let first = deeds().find_map(|deed| match &deed.shell {
        Shell::First(line) => Some(format!(
            "# As yourself: from here on you are root, in a namespace where that means little. See step 9.\n\
             [ -f \"$0\" ] || {{ echo \"write this script into a file first\" >&2; exit 1; }}\n{line}\n\n"
        )),
        _ => None,
    });
    let whose = if first.is_some() { "yourself, from a file" } else { "root" };
    let all: String = deeds().map(lines).collect();
    let mut text = format!(
        "#!/bin/sh\n# A container by hand: what\n#\n#     {}\n#\n# does, step by step, in the words of a shell. Run it as {whose}: sh FILE. {ABOUT}\n{}set -eu\numask 022\n\
         PATH=$PATH:/usr/sbin:/sbin\nfor tool in {}; do\n    command -v \"$tool\" >/dev/null || {{ echo \"$tool is missing here\" >&2; exit 1; }}\ndone\n\
         capsh=$(command -v capsh) status=0 parent=$$ work= root= group= layers= lower=\n\
         export capsh parent work root group layers lower\n\n\
         # What would stay behind when the container is gone.\nclean_up() {{\n    set +e\n{undo}}}\ntrap clean_up EXIT\ntrap 'exit 130' INT\ntrap 'exit 143' HUP TERM\n\n",
        quote::comment(command),
        first.unwrap_or_default(),
        tools(&all).join(" ")
    );
    for (name, lines) in [("switch_on ", SWITCH_ON), ("in_group ", IN_GROUP)] {
        if all.contains(name) {
            text.push_str(lines);
        }
    }
    text
}

const ABOUT: &str = "It needs util-linux, iproute2, awk, and capsh (libcap).
# The steps, their numbers and their reasons are those of tare itself. What a shell has no words for is said where it belongs, and
# why it matters: a container by hand is for learning. The filter, the device program and the reaper protect you only with tare.
# To see what a step is good for, take its lines away, or say so to tare: tare run --without=pid, =mount, =caps …";

/// Those that the lines of the steps, or the functions for them, call.
fn tools(lines: &str) -> Vec<&'static str> {
    const SOME: [(&str, &str); 4] = [("nsenter", "outside "), ("nft", "nft -f"), ("prlimit", "prlimit "), ("findmnt", "read_only ")];
    let some = SOME.into_iter().filter(|(_, word)| lines.contains(word)).map(|(tool, _)| tool);
    ["unshare", "mount", "ip", "awk", "capsh"].into_iter().chain(some).collect()
}

const SWITCH_ON: &str = r#"# Groups have only the controllers that each group above hands down, from the top on.
switch_on() {
    place=$groups places=
    while [ -e "$place/cgroup.controllers" ]; do places="$place $places" place=${place%/*}; done
    for place in $places; do
        grep -qw "$1" "$place/cgroup.subtree_control" && continue
        echo "+$1" >"$place/cgroup.subtree_control"
        echo "$place -$1" >>"$work/controllers"
    done
}

"#;

const IN_GROUP: &str = "# A command whose processes are in the group from the first one on.\nin_group() {\n    sh -c 'echo $$ >\"$0/cgroup.procs\" && exec \"$@\"' \"$group\" \"$@\"\n}\n\n";

/// What some steps inside need, for as far as they do.
fn helpers(inside: &str) -> String {
    let mut text = String::new();
    for (name, lines) in [("within ", WITHIN), ("read_only ", READ_ONLY), ("host_device ", HOST_DEVICE), ("outside ", OUTSIDE)] {
        if inside.contains(name) {
            text.push_str(lines);
        }
    }
    text
}

const WITHIN: &str = r#"# Where a path of the container leads, link by link, with $root for /: a link of the image must not lead a mount out to the
# host. tare enters the root first and lets the kernel see to that.
within() {
    at= rest=$1
    while [ "$rest" ]; do
        rest=${rest#/}
        part=${rest%%/*} rest=${rest#"${rest%%/*}"}
        case $part in
            '' | .) ;;
            ..) at=${at%/*} ;;
            *) if [ -L "$root$at/$part" ]; then
                    link=$(readlink "$root$at/$part") rest=$link$rest
                    case $link in /*) at= ;; esac
                else
                    at=$at/$part
                fi ;;
        esac
    done
    echo "$root$at"
}

"#;

const READ_ONLY: &str = r#"# A mount and all that are mounted below it.
read_only() {
    findmnt -nrRo TARGET "$1" | while read -r mount; do mount -o remount,bind,ro "$mount"; done
}

"#;

const HOST_DEVICE: &str = r#"# A device file of the host, bound: only root of the machine makes some.
host_device() {
    : >"$2"
    mount --bind "$1" "$2"
    mount -o remount,bind,nosuid,noexec "$2"
}

"#;

const OUTSIDE: &str = r#"# A command in the host's network.
outside() {
    nsenter --net="/proc/$parent/ns/net" "$@"
}

"#;

fn title(block: &Block) -> String {
    let step = block.step;
    let title = format!("# --- {} of {}: {} ", block.number(), Step::OF_A_START, step.title());
    let line = "-".repeat(WIDTH.saturating_sub(title.len()));
    format!("{title}{line}\n{}", comment(&format!("Why: {}.", step.why())))
}

fn told(block: &Block) -> String {
    let mut text = title(block);
    let mut before = Before::Comment;
    for deed in &block.deeds {
        let words = comment(&sentence(&deed.words));
        let (more, now) = match &deed.shell {
            Shell::Clear(lines) => (format!("{lines}\n"), Before::Lines),
            Shell::Lines(lines) => (format!("\n{words}{lines}\n"), Before::Lines),
            Shell::Cannot(why) => (before.apart() + &words + &comment(&format!("  Not by a shell: {why}.")), Before::Comment),
            Shell::First(_) | Shell::Nothing if before == Before::List => (words, Before::List),
            Shell::First(_) | Shell::Nothing => (before.apart() + &words, Before::List),
        };
        text.push_str(&more);
        before = now;
    }
    text + "\n"
}

/// What stands above a deed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Comment,
    /// A comment of several things, one on each line.
    List,
    Lines,
}

impl Before {
    fn apart(self) -> String {
        if self == Before::Lines { "\n".to_owned() } else { "#\n".to_owned() }
    }
}

fn lines(deed: &Deed) -> String {
    match &deed.shell {
        Shell::Clear(lines) | Shell::Lines(lines) => format!("{lines}\n"),
        Shell::First(_) | Shell::Cannot(_) | Shell::Nothing => String::new(),
    }
}

/// With a capital, but where it begins with a name that has its own spelling, and a full stop.
fn sentence(words: &str) -> String {
    let first = words.split(' ').next().unwrap_or_default();
    match first.chars().all(|letter| letter.is_ascii_alphabetic()) {
        true => first[..1].to_ascii_uppercase() + &words[1..] + ".",
        false => format!("{words}."),
    }
}

fn comment(text: &str) -> String {
    let indent = text.len() - text.trim_start().len();
    wrap(text.trim_start(), WIDTH - 2 - indent).iter().map(|line| format!("# {}{line}\n", " ".repeat(indent))).collect()
}

/// Lines of words, none longer than `width` unless a word is.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in quote::comment(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => *line = format!("{line} {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
