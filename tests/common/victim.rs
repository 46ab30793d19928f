//! What attacks aim at: files of the host that must stay as they are.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A directory of the host that a hostile image aims at; it must stay as it is.
pub struct Victim(std::path::PathBuf, Vec<String>);

impl Victim {
    pub fn new(above: &Path) -> Self {
        let dir = above.join("victim");
        std::fs::create_dir_all(&dir).expect("a directory");
        for name in ["hosts", "hostname", "resolv.conf", "ptmx", "null", "console", "file"] {
            std::fs::write(dir.join(name), "untouched").expect("a file");
        }
        let before = Self::look(&dir);
        Victim(dir, before)
    }
    fn look(dir: &Path) -> Vec<String> {
        let mut lines: Vec<String> = std::fs::read_dir(dir)
            .expect("the victim")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let about = entry.metadata().expect("a file");
                let content = if about.is_file() { std::fs::read_to_string(entry.path()).expect("text") } else { String::new() };
                format!("{} {:o} {}:{} {content}", entry.file_name().to_string_lossy(), about.mode(), about.uid(), about.gid())
            })
            .collect();
        lines.sort();
        lines
    }
    pub fn assert_untouched(&self, what: &str) {
        assert_eq!(Self::look(&self.0), self.1, "{what}: the host's files were touched");
    }
    pub fn path(&self) -> &str {
        self.0.to_str().expect("utf-8")
    }
}

/// This test aims at the host itself; what it breaks in a broken engine is mended.
pub struct Mend;

impl Drop for Mend {
    fn drop(&mut self) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions("/dev/null", mode).expect("mend /dev/null");
        std::os::unix::fs::chown("/dev/null", Some(0), Some(0)).expect("mend /dev/null");
    }
}
