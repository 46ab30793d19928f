//! pivot_root: how the host's files become absent.

use super::{Example, Page};
use crate::explain::live::mounts;
use crate::sys::process;
use crate::trace::Step;

const WORDS: &str = "
After clone3 the new process has a mount namespace of its own, but that is a
copy: all mounts of the host are still in it. chroot(2) would only change where
names begin; a process with the right to chroot gets out again with two calls,
because the old root is still mounted around the new one.

pivot_root(2) exchanges the mounts themselves: the stacked layers become the
root of the mount namespace, the old root is hung up in it, and then umount(2)
takes that away. After this no path leads out. Not the permission is missing
but the place: the host's files have no name in here.

tare does it with pivot_root(\".\", \".\"): the old root ends up over the new one
and is unmounted from there, so that no directory for it is needed. Whatever
is to be mounted from the host (-v) is opened before, as a file descriptor,
and hung up afterwards: a link in the image can lead nowhere else by then.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::EnterRoot),
        further: "man 2 pivot_root; cat /proc/PID/mountinfo; tare tree NAME",
    }
}

fn live(example: &Example) -> Vec<String> {
    if example.is_at_rest() {
        return example.at_rest();
    }
    let mounted = mounts::of(example.first);
    let hosts = mounts::of(process::own_pid()).len();
    let root = mounted.iter().find(|one| one.target == "/");
    let whose = if example.seen.is_some() { "its root: " } else { "this command's own root:" };
    let mut lines = vec![match root {
        Some(root) => match root.kind.as_str() {
            "overlay" => format!("{whose} an overlay of layers (tare explain overlay)"),
            kind => format!("{whose} {} of kind {kind}", root.source),
        },
        None => format!("{whose} it cannot be seen from here"),
    }];
    if example.seen.is_some() {
        lines.push(format!("mounts:    it sees {}, the host {hosts}: two lists, and no entry is in both", mounted.len()));
        lines.push(format!("from here: /proc/{}/root leads into it, for root of the host", example.first));
        let top = std::fs::read_dir(format!("/proc/{}/root", example.first)).into_iter().flatten().flatten();
        let mut names: Vec<String> = top.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        if !names.is_empty() {
            lines.push(format!("ls /:      {}", names.join(" ")));
        }
    } else {
        lines.push(format!("mounts:    this command sees {hosts}"));
    }
    lines
}
