//! Capabilities: root, cut into pieces.

use super::{Example, Page};
use crate::explain::live::status;
use crate::explain::topics::images::folded;
use crate::spec::capabilities::{BY_DEFAULT, EVERY, of_mask};
use crate::trace::Step;

const WORDS: &str = "
Once root was allowed everything. Today the kernel asks for one of some forty
capabilities instead: CAP_CHOWN to give files away, CAP_NET_ADMIN to change
interfaces, CAP_SYS_ADMIN to mount. Root in a container is user 0 and has only
a few of them, those that package managers and services need. That takes from
it most of what root could do to the host, and not all: the kernel is shared.

A process has sets of them. \"Effective\" is what the kernel looks at now.
\"Bounding\" is what it can get at most, ever: what is dropped from there no
setuid program can give back, and that is what tare does before the command
starts. Who is not root has none in hand, and may get those of the bounding
set from a setuid program, unless no_new_privs is set.

Give less than the default where you can (--cap-drop ALL --cap-add CHOWN), and
more one by one, never --privileged, which gives all of them and much else.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::DropCapabilities),
        further: "man 7 capabilities; grep Cap /proc/self/status; tare explain seccomp",
    }
}

fn live(example: &Example) -> Vec<String> {
    let Some(status) = status::of(example.command) else { return example.at_rest() };
    let names = |mask: u64| of_mask(mask).map(|name| &name["CAP_".len()..]).collect::<Vec<_>>();
    let count = |mask: u64| (mask & EVERY).count_ones();
    let mut lines = vec![format!(
        "{}process {}, user {}, no_new_privs {}",
        if example.seen.is_none() { "this command: " } else { "" },
        example.command,
        status.uid,
        if status.no_new_privileges { "set" } else { "not set" }
    )];
    lines.push(format!("CapEff: {:016x}   in hand: {} of 41", status.effective, count(status.effective)));
    lines.push(format!("CapBnd: {:016x}   at most: {}", status.bounding, count(status.bounding)));
    match names(status.bounding) {
        all if all.is_empty() => lines.push("at most: none".to_owned()),
        all if all.len() < 25 => lines.extend(folded("at most: ", &all)),
        _ => lines.extend(folded("missing: ", &names(EVERY & !status.bounding))),
    }
    let has = |wanted: &str| of_mask(status.bounding).any(|name| name == wanted);
    let why = |wanted: &str| BY_DEFAULT.iter().find(|(name, _)| *name == wanted && has(wanted));
    for (name, why) in ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"].into_iter().filter_map(why) {
        lines.extend(folded(&format!("why {}: ", &name["CAP_".len()..]), &why.split(' ').collect::<Vec<_>>()));
    }
    lines
}
