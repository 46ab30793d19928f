//! The text of systemd's units (systemd.unit(5), systemd.service(5)).

use std::path::{Path, PathBuf};

/// What the unit's commands are called with.
pub struct Unit {
    pub program: PathBuf,
    pub root: PathBuf,
    pub run: PathBuf,
}

impl Unit {
    /// All that should be running. The containers do not live in the unit's group, so nothing but `ExecStop` ends them.
    pub fn of_all(&self) -> String {
        format!(
            "\
# Made by tare generate systemd.
[Unit]
Description=Containers that should be running
Wants=network-online.target
After=network-online.target
RequiresMountsFor={root} {run}

[Service]
Type=oneshot
RemainAfterExit=yes
# With a dash: one that cannot start must not keep the others from being stopped in order.
ExecStart=-{tare} system start
ExecStop={tare} system stop
# Each container has its own time to end.
TimeoutStopSec=5min

[Install]
WantedBy=multi-user.target
",
            root = place(&self.root),
            run = place(&self.run),
            tare = self.tare(),
        )
    }

    /// One, whose output goes to the journal, and whose end systemd sees.
    pub fn of_one(&self, name: &str, stop_signal: i32, stop_timeout: Option<u32>) -> String {
        let patience = match stop_timeout {
            Some(u32::MAX) => "infinity".to_owned(),
            seconds => (u64::from(seconds.unwrap_or(10)) + 30).to_string(),
        };
        format!(
            "\
# Made by tare generate systemd.
[Unit]
Description=Container {name}
Wants=network-online.target
After=network-online.target
RequiresMountsFor={root} {run}

[Service]
Type=exec
# One that runs already, without us.
ExecStartPre=-{tare} stop {name}
ExecStart={tare} start --attach {name}
ExecStop={tare} stop {name}
Restart=on-failure
# Ended as it was asked to.
SuccessExitStatus={code}
TimeoutStopSec={patience}

[Install]
WantedBy=multi-user.target
",
            root = place(&self.root),
            run = place(&self.run),
            tare = self.tare(),
            code = 128 + stop_signal,
        )
    }

    fn tare(&self) -> String {
        let [program, root, run] = [&self.program, &self.root, &self.run].map(|path| place(path).replace('$', "$$"));
        format!("{program} --root {root} --run-dir {run}")
    }
}

/// A path as one word: blanks and quotes divide words, `%` is replaced; in command lines `$` is, too.
fn place(path: &Path) -> String {
    let text = path.display().to_string();
    let escaped: String = text
        .chars()
        .map(|letter| match letter {
            '%' => "%%".to_owned(),
            '"' | '\\' => format!("\\{letter}"),
            '\n' => "\\n".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-+:@%".contains(letter));
    if is_plain { escaped } else { format!("\"{escaped}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_would_read_otherwise_is_escaped() {
        let words = ["/var/lib/tare", "/a b", "/50%", "/\"x\"", "/$HOME"].map(|path| place(Path::new(path)));
        let unit = Unit { program: "/bin/tare".into(), root: "/$x".into(), run: "/r".into() };
        assert!(unit.of_all().contains("ExecStop=/bin/tare --root \"/$$x\" --run-dir /r system stop\n"), "{}", unit.of_all());
        assert_eq!(words, ["/var/lib/tare", "\"/a b\"", "/50%%", "\"/\\\"x\\\"\"", "\"/$HOME\""]);
    }
}
