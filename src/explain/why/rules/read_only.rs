//! "Read-only file system" in its output: which mount it was.

use super::super::{Evidence, Finding};
use crate::explain::live::mounts::{self, Mounted};

const WORDS: &str = "read-only file system";

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let Some(line) = evidence.line_with(&[WORDS]).filter(|_| !evidence.went_well()) else { return Vec::new() };
    let wrote = format!("it wrote: {}", line.trim());
    let path = path_in(line);
    let mounted = path.as_deref().and_then(|path| mounts::above(&evidence.mounts, path)).filter(|mounted| mounted.is_read_only());
    let finding = match (path, mounted) {
        (Some(path), Some(mounted)) => about(evidence, &path, mounted),
        (Some(path), None) => Finding::guess(format!("{path} could not be written: its file system is read-only"))
            .attempt(format!("tare inspect {} tells its mounts", evidence.name)),
        (None, _) => Finding::guess("it wanted to write where it may only read, and does not say where"),
    };
    vec![finding.shown(wrote)]
}

fn about(evidence: &Evidence, path: &str, mounted: &Mounted) -> Finding {
    let target = &mounted.target;
    let is_kernels = ["/proc", "/sys"].iter().any(|above| target == above || target.starts_with(&format!("{above}/")));
    let shown = format!("mounted read-only: {target} ({})", mounted.kind);
    match () {
        () if target == "/" => Finding::likely(format!("{path} is part of its root, which is read-only"))
            .shown(if evidence.wishes.read_only { "it was made with --read-only" } else { &shown })
            .attempt(format!("files in memory for what it must write: --tmpfs {}", directory_of(path)))
            .attempt("or a volume, if they are to stay: -v NAME:DIRECTORY"),
        () if is_kernels => {
            Finding::likely(format!("{path} belongs to the kernel, of which a container may change nothing that is the whole machine's"))
                .shown(shown)
                .attempt("a setting of its own namespaces: tare run --sysctl net.ipv4.ip_unprivileged_port_start=80 …")
        }
        () => Finding::likely(format!("{path} lies in the mount {target}, which is read-only"))
            .shown(shown)
            .attempt(format!("leave out :ro (or readonly) of the mount at {target}")),
    }
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map(|(directory, _)| directory).filter(|directory| !directory.is_empty()).unwrap_or("/tmp")
}

/// The last word that looks like a path: `touch: /data/x: Read-only file system`, `can't create directory '/a b'`.
pub fn path_in(line: &str) -> Option<String> {
    let quoted = ['\'', '"', '\u{2018}'].iter().find_map(|mark| {
        let (_, rest) = line.split_once(&format!("{mark}/"))?;
        let end = rest.find(['\'', '"', '\u{2019}'])?;
        Some(format!("/{}", &rest[..end]))
    });
    let plain = || {
        line.split([' ', '\t'])
            .map(|word| word.trim_matches(['\'', '"', ':', ',', '(', ')', '.']))
            .rfind(|word| word.starts_with('/') && word.len() > 1)
    };
    quoted.or_else(|| plain().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::wrote;

    fn mounted(target: &str, options: &str) -> Mounted {
        Mounted {
            root: "/".into(),
            target: target.into(),
            options: options.into(),
            kind: "ext4".into(),
            source: String::new(),
            of_file_system: String::new(),
        }
    }

    #[test]
    fn the_path_is_found_in_what_programs_write() {
        for (line, path) in [
            ("touch: /data/x: Read-only file system", Some("/data/x")),
            ("mkdir: can't create directory '/a b': Read-only file system", Some("/a b")),
            ("sh: can't create /x: Read-only file system", Some("/x")),
            ("cannot write: Read-only file system", None),
        ] {
            assert_eq!(path_in(line).as_deref(), path, "{line}");
        }
    }

    #[test]
    fn the_mount_that_forbids_it_is_named() {
        let mut evidence = wrote(1, &["touch: /data/x: Read-only file system"]);
        evidence.mounts = vec![mounted("/", "rw"), mounted("/data", "ro,relatime")];
        assert!(judge(&evidence)[0].what.contains("mount /data"));
        evidence.mounts = vec![mounted("/", "ro")];
        evidence.wishes.read_only = true;
        assert_eq!(judge(&evidence)[0].tries[0], "files in memory for what it must write: --tmpfs /data");
        let mut evidence = wrote(1, &["sysctl: error setting key: /proc/sys/vm/swappiness: Read-only file system"]);
        evidence.mounts = vec![mounted("/", "rw"), mounted("/proc/sys", "ro")];
        assert!(judge(&evidence)[0].what.contains("belongs to the kernel"));
        assert!(judge(&wrote(1, &["all is well"])).is_empty());
    }
}
