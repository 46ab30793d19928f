//! What the probe says, taken apart.

use serde_json::Value;
use std::collections::BTreeMap;

/// One report of `/probe` (tests/probe/describe.c).
#[derive(Clone, Debug)]
pub struct Report(pub Value);

/// A line of /proc/self/mountinfo, proc_pid_mountinfo(5).
#[derive(Clone, Debug)]
pub struct Mount {
    pub root: String,
    pub target: String,
    pub options: Vec<String>,
    pub propagation: Vec<String>,
    pub kind: String,
    pub source: String,
    pub super_options: String,
}

impl Report {
    pub fn parse(text: &str) -> Self {
        Report(serde_json::from_str(text).unwrap_or_else(|e| panic!("the probe's report is no JSON ({e}):\n{text}")))
    }

    pub fn number(&self, name: &str) -> i64 {
        self.0[name].as_i64().unwrap_or_else(|| panic!("no number {name} in the report"))
    }

    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("no text {name} in the report"))
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self.0[name].as_array().unwrap_or_else(|| panic!("no list {name} in the report"));
        list.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_string)).collect()
    }

    /// A field of /proc/self/status.
    pub fn status(&self, name: &str) -> String {
        let lines = self.texts("status");
        let line = lines.iter().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_else(|| panic!("no {name} in status")).trim().to_string()
    }

    pub fn hex(&self, name: &str) -> u64 {
        u64::from_str_radix(&self.status(name), 16).expect("a set in hex")
    }

    pub fn fds(&self) -> BTreeMap<i32, String> {
        let all = self.0["fds"].as_object().expect("fds");
        all.iter().map(|(fd, target)| (fd.parse().expect("a number"), target.as_str().unwrap_or_default().to_string())).collect()
    }

    pub fn env(&self, name: &str) -> Option<String> {
        self.texts("env").iter().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_string)
    }

    pub fn namespace(&self, name: &str) -> String {
        self.0["namespaces"][name].as_str().expect("a namespace").to_string()
    }

    pub fn rlimit(&self, name: &str) -> (i64, i64) {
        let pair = &self.0["rlimits"][name];
        (pair[0].as_i64().expect("a limit"), pair[1].as_i64().expect("a limit"))
    }

    pub fn mounts(&self) -> Vec<Mount> {
        self.texts("mounts").iter().map(|line| Mount::parse(line)).collect()
    }

    /// The uppermost mount at a target.
    pub fn mount(&self, target: &str) -> Option<Mount> {
        self.mounts().into_iter().rev().find(|mount| mount.target == target)
    }
}

impl Mount {
    fn parse(line: &str) -> Self {
        let list = |text: &str| text.split(',').map(str::to_string).collect();
        let (front, back) = line.split_once(" - ").expect("a mountinfo line");
        let front: Vec<&str> = front.split(' ').collect();
        let back: Vec<&str> = back.split(' ').collect();
        Mount {
            root: front[3].into(),
            target: front[4].into(),
            options: list(front[5]),
            propagation: front[6..].iter().map(|word| word.to_string()).collect(),
            kind: back[0].into(),
            source: back[1].into(),
            super_options: back.get(2).copied().unwrap_or_default().into(),
        }
    }

    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|one| one == option)
    }
}
