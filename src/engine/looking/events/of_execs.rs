//! A further process in a container, from its beginning to its end. It has an id of its own, by which the three deeds belong together.

use super::of_container;
use crate::paths::Paths;
use crate::record::Container;
use crate::sys::file;

pub struct Told<'a> {
    paths: &'a Paths,
    record: &'a Container,
    id: String,
}

impl<'a> Told<'a> {
    /// The process is there, and waits for its start.
    pub fn created(paths: &'a Paths, record: &'a Container, command: &[String]) -> Told<'a> {
        let told = Told { paths, record, id: file::random_id().unwrap_or_default() };
        told.tell(&format!("exec_create: {}", command.join(" ")), &[]);
        told
    }

    pub fn started(&self, command: &[String]) {
        self.tell(&format!("exec_start: {}", command.join(" ")), &[]);
    }

    pub fn detached(&self) {
        self.tell("exec_detach", &[]);
    }

    /// `None`: only its parent knows with which code, and that has left.
    pub fn died(&self, code: Option<i32>) {
        let code = code.map(|code| ("exitCode", code.to_string()));
        self.tell("exec_die", code.as_slice());
    }

    fn tell(&self, action: &str, more: &[(&str, String)]) {
        let id = [("execID", self.id.clone())];
        of_container(self.paths, self.record, action, &[&id, more].concat());
    }
}
