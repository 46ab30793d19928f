//! A build context beside a store: a Dockerfile and what lies around it.

use crate::common::{Ran, Store, fresh_directory};
use std::path::{Path, PathBuf};

pub struct Context<'a> {
    store: &'a Store,
    pub directory: PathBuf,
}

impl<'a> Context<'a> {
    pub fn new(store: &'a Store, dockerfile: &str) -> Context<'a> {
        let context = Context { store, directory: fresh_directory(&store.dir, "context") };
        context.owned(&context.directory);
        context.file("Dockerfile", dockerfile)
    }

    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Context<'a> {
        self.write(name, content);
        self
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.directory.join(name);
        let above = path.parent().expect("a parent");
        std::fs::create_dir_all(above).expect("a directory of the context");
        std::fs::write(&path, content).expect("a file of the context");
        // Whoever builds can read it, whoever runs the tests.
        for path in path.ancestors().take_while(|path| path.starts_with(&self.directory)) {
            self.owned(path);
        }
    }

    fn owned(&self, path: &Path) {
        if let Some(person) = &self.store.person {
            person.owns(path);
        }
    }

    /// `tare build -t made` with these flags.
    pub fn build(&self, flags: &[&str]) -> Ran {
        let directory = self.directory.to_str().expect("utf-8");
        self.store.tare(&[&["build", "--progress", "plain", "-t", "made"], flags, &[directory]].concat())
    }

    /// Must succeed; gives what it told.
    pub fn ok(&self, flags: &[&str]) -> String {
        let ran = self.build(flags);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stderr
    }

    /// Must fail with code 1 and an error of ours.
    pub fn fails(&self, flags: &[&str]) -> String {
        let ran = self.build(flags);
        assert_eq!(ran.code, 1, "{ran:?}");
        ran.stderr
    }
}
