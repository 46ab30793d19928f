//! The root: the layers become one tree, and that tree becomes all there is.

use super::{Deed, Subject, nothing, quote};
use crate::options::without::Part;

/// Beside what is written at the start, as in `runtime/root/small_files.rs`.
const ROOM: usize = 256 << 10;

pub fn cut_mounts() -> Vec<Deed> {
    vec![Deed::new("what is mounted here does not reach the host; what the host mounts still comes here").lines("mount --make-rslave /")]
}

pub fn gather(subject: &Subject) -> Vec<Deed> {
    let files = &subject.outline.etc_files;
    let mut deeds = Vec::new();
    if !files.is_empty() {
        let names: Vec<String> = files.iter().map(|(name, _)| format!("/etc/{name}")).collect();
        let size = ROOM + files.iter().map(|(_, content)| content.len()).sum::<usize>();
        let mut lines = format!("mkdir \"$work/etc\"\nmount -t tmpfs -o nosuid,nodev,noexec,mode=755,size={size} tmpfs \"$work/etc\"");
        for (name, content) in files {
            lines.push_str(&format!("\ncat >\"$work/etc/{name}\" {}", quote::document(content)));
        }
        deeds.push(Deed::new(format!("write {} into a little file system in memory", names.join(", "))).lines(lines));
    }
    let binds: Vec<&str> = subject.runtime.mounts.iter().filter(|planned| planned.is_bind()).map(|planned| planned.source).collect();
    let count = binds.len() - files.len().min(binds.len());
    deeds.push(
        Deed::new(format!("open the source of each mount on the host as a detached mount (open_tree): these files, and {count} more"))
            .cannot("it knows mounts by their paths only; so it mounts before it enters the root, and tare after it"),
    );
    deeds
}

pub fn stack_layers(subject: &Subject) -> Vec<Deed> {
    let Some(overlay) = subject.runtime.layers() else { return nothing("there are no layers") };
    let of_place = |option: &&String| ["lowerdir=", "upperdir=", "workdir="].iter().any(|name| option.starts_with(name));
    let more: String = overlay.options.data.iter().filter(|option| !of_place(option)).map(|option| format!(",{option}")).collect();
    let lines = format!(
        "# From here the layers have short names: mount(2) takes one page of options.\n(cd \"$layers\" &&\n    mount -t overlay -o \"lowerdir=$lower,upperdir=$work/upper,workdir=$work/work{more}\" overlay \"$root\")"
    );
    let upper = subject.outline.files.upper();
    vec![Deed::new(format!("mount overlay: {} below, {} on top{}", "the layers", upper.display(), options(&more))).lines(lines)]
}

fn options(more: &str) -> String {
    if more.is_empty() { String::new() } else { format!(" ({})", more.trim_start_matches(',').replace(',', ", ")) }
}

/// It comes after everything that is mounted: see the words.
pub fn enter(subject: &Subject) -> Vec<Deed> {
    if subject.outline.record.wishes.without.contains(&Part::Mount) {
        return vec![
            Deed::new("only chroot, with --without=mount: the host's files are out of sight, and not gone").lines("cd \"$root\"\nroot=."),
        ];
    }
    vec![
        Deed::new("pivot_root swaps the roots, and the old one is taken away as a whole (umount -l)").cannot(
            "behind pivot_root(8) there would be neither mount nor capsh. So the new root is moved over the old one, which is \
             what switch_root(8) does, and tare itself where pivot_root does not work. The old one lies below it then instead of \
             being gone: no path leads there, but whoever may unmount (CAP_SYS_ADMIN) could take the new one away",
        ),
        Deed::new("go to the new root")
            .lines("# -n: nobody notes it down in /run/mount of the host.\ncd \"$root\"\nmount -n --move . /\nroot=."),
    ]
}

pub fn close(subject: &Subject) -> Vec<Deed> {
    match subject.runtime.read_only_root {
        true => vec![Deed::new("remount / read-only").clear("mount -o remount,bind,ro \"$root\"")],
        false => nothing("--read-only was not asked for"),
    }
}
