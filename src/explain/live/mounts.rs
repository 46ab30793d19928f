//! What a process sees mounted: /proc/PID/mountinfo, line by line (proc_pid_mountinfo(5)).

use super::read;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// Which part of the file system it shows: `/` is all of it.
    pub root: String,
    pub target: String,
    /// Of this mount: `ro,nosuid`.
    pub options: String,
    pub kind: String,
    pub source: String,
    /// Of the file system, which all its mounts share: `rw,lowerdir=…`.
    pub of_file_system: String,
}

impl Mounted {
    pub fn is_read_only(&self) -> bool {
        [&self.options, &self.of_file_system].iter().any(|options| options.split(',').any(|option| option == "ro"))
    }

    /// Nothing that lies there may be executed: mount(2), MS_NOEXEC.
    pub fn is_closed_to_programs(&self) -> bool {
        self.options.split(',').any(|option| option == "noexec")
    }

    /// What stands behind `name=` among the options of the file system.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.of_file_system.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    }
}

/// In the order in which they were mounted; empty where it may not be read.
pub fn of(pid: i32) -> Vec<Mounted> {
    read(&format!("/proc/{pid}/mountinfo")).lines().filter_map(parse).collect()
}

/// The one that shows this path: the last whose target is above it.
pub fn above<'a>(mounts: &'a [Mounted], path: &str) -> Option<&'a Mounted> {
    let holds = |mounted: &&Mounted| match path.strip_prefix(mounted.target.trim_end_matches('/')) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    };
    mounts.iter().filter(holds).max_by_key(|mounted| mounted.target.trim_end_matches('/').len())
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn parse(line: &str) -> Option<Mounted> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, target, options) = (mount.next()?, mount.next()?, mount.next()?);
    let mut file_system = file_system.splitn(3, ' ');
    let (kind, source, of_file_system) = (file_system.next()?, file_system.next()?, file_system.next().unwrap_or(""));
    Some(Mounted {
        root: plain(root),
        target: plain(target),
        options: options.to_owned(),
        kind: kind.to_owned(),
        source: plain(source),
        of_file_system: of_file_system.to_owned(),
    })
}

/// The kernel writes blanks, line breaks and backslashes as octal numbers.
fn plain(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_s_is_read() {
        let line = "36 35 98:0 /part /mnt\\040one rw,noatime master:1 - overlay overlay ro,lowerdir=/a:/b,upperdir=/u";
        let mounted = parse(line).unwrap();
        assert_eq!((mounted.root.as_str(), mounted.target.as_str(), mounted.kind.as_str()), ("/part", "/mnt one", "overlay"));
        assert_eq!((mounted.option("lowerdir"), mounted.option("upper"), mounted.is_read_only()), (Some("/a:/b"), None, true));
        assert_eq!(parse("garbage"), None);
        assert_eq!(plain("a\\134b\\x"), "a\\b\\x");
    }

    #[test]
    fn the_nearest_mount_shows_a_path() {
        let at = |target: &str| Mounted {
            root: "/".into(),
            target: target.into(),
            options: String::new(),
            kind: String::new(),
            source: String::new(),
            of_file_system: String::new(),
        };
        let mounts = ["/", "/data", "/data/deep", "/dat"].map(at);
        let found = |path| above(&mounts, path).map(|mounted| mounted.target.as_str());
        assert_eq!(found("/data/x"), Some("/data"));
        assert_eq!((found("/database"), found("/data/deep"), found("/")), (Some("/"), Some("/data/deep"), Some("/")));
    }
}
