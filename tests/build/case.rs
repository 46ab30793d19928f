//! The pages of `table/`: Dockerfiles, what lies around them, and what is special about them.
//!
//! ```text
//! # A line before the first case is a comment.
//! === a name, that no other case of the page has
//! FROM scratch
//! COPY a /
//! --- file a 0640
//! what is in it
//! --- script
//! ln -s a b
//! --- flags --build-arg COLOUR=blue
//! ```
//!
//! The image of this one is `PAGE:a-name-that-no-other-case-of-the-page-has`; those that follow may begin with it.
//!
//! | heading | what follows it |
//! |---|---|
//! | `--- file NAME [MODE]` | a file of the context; with the name `Dockerfile` it takes the first one's place |
//! | `--- script` | a shell script that goes on in the context, where files would say too little |
//! | `--- flags WORDS` | flags of `build`, for everybody |
//! | `--- fails WORDS` | nobody builds it, and tare's error holds these words; a reason may follow why we do not, though the peer does |
//! | `--- with buildah` | compared with buildah, because of the reason that follows |
//! | `--- differs FACT` | a wanted difference: in the first line what is tare's fact (empty: it has none), then the reason |
//! | `--- expect` | `FACT: VALUE` lines: what must come out, whoever else may think what |

use crate::common::Store;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A difference that is meant.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub fact: String,
    /// What tare says instead.
    pub ours: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Case {
    pub page: String,
    pub name: String,
    dockerfile: String,
    files: Vec<(String, u32, String)>,
    script: String,
    pub flags: Vec<String>,
    pub fails: Option<String>,
    /// The peer builds it all the same, and why.
    pub only_ours_fails: bool,
    pub with_buildah: bool,
    pub differs: Vec<Wanted>,
    pub expect: Vec<(String, String)>,
}

/// All cases of a page.
pub fn page(name: &str, text: &str) -> Vec<Case> {
    let cases: Vec<Case> =
        text.split("\n=== ").skip(1).map(|text| Case::parse(name, &format!("{}\n", text.trim_end_matches('\n')))).collect();
    for (index, case) in cases.iter().enumerate() {
        assert!(cases[..index].iter().all(|other| other.name != case.name), "two cases of {name} are called {:?}", case.name);
    }
    cases
}

impl Case {
    fn parse(page: &str, text: &str) -> Case {
        let (name, text) = text.split_once('\n').expect("a name and a Dockerfile");
        let mut parts = text.split("--- ").map(str::to_owned);
        // A part begins only where a line does; anything else is put together again.
        let mut whole: Vec<String> = vec![parts.next().expect("the first part")];
        for part in parts {
            match whole.last_mut().expect("a part") {
                last if !last.ends_with('\n') => *last += &format!("--- {part}"),
                _ => whole.push(part),
            }
        }
        let mut parts = whole.into_iter();
        let mut case = Case { page: page.into(), name: name.into(), dockerfile: parts.next().unwrap_or_default(), ..Case::default() };
        for part in parts {
            let (heading, body) = part.split_once('\n').unwrap_or((&part, ""));
            case.take(heading.trim(), body);
        }
        case
    }

    fn take(&mut self, heading: &str, body: &str) {
        let (kind, rest) = heading.split_once(' ').unwrap_or((heading, ""));
        match kind {
            "file" => {
                let (path, mode) = rest.rsplit_once(' ').filter(|(_, mode)| mode.starts_with('0')).unwrap_or((rest, "0644"));
                let mode = u32::from_str_radix(mode, 8).unwrap_or_else(|_| panic!("{}: no mode: {mode}", self.name));
                self.files.push((path.into(), mode, body.into()));
            }
            "script" => self.script = body.into(),
            "flags" => self.flags = rest.split(' ').map(str::to_owned).collect(),
            "fails" => (self.fails, self.only_ours_fails) = (Some(rest.into()), !body.trim().is_empty()),
            "with" => {
                assert!(rest == "buildah" && !body.trim().is_empty(), "{}: with buildah, and why", self.name);
                self.with_buildah = true;
            }
            "differs" => {
                let (ours, why) = body.split_once('\n').unwrap_or((body, ""));
                assert!(!why.trim().is_empty(), "{}: a difference without a reason: {rest}", self.name);
                self.differs.push(Wanted { fact: rest.into(), ours: Some(ours.to_owned()).filter(|ours| !ours.is_empty()) });
            }
            "expect" => {
                let lines = body.lines().filter(|line| !line.is_empty());
                let pair = |line: &str| {
                    let (fact, value) = line.split_once(": ").unwrap_or_else(|| panic!("{}: {line:?} is no FACT: VALUE", self.name));
                    (fact.to_owned(), value.to_owned())
                };
                self.expect = lines.map(pair).collect();
            }
            other => panic!("{}: no such heading: {other}", self.name),
        }
    }

    /// Whether it begins with the image of one before.
    pub fn follows(&self) -> bool {
        self.dockerfile.contains(&format!("FROM {}:", self.page)) || self.dockerfile.contains(&format!("--from={}:", self.page))
    }

    /// Puts the context down. All of it is old, so that times which are taken over can be told from those that a build makes.
    pub fn lay_out(&self, store: &Store) -> PathBuf {
        let place = |name: &str| format!("contexts/{}/{name}", self.image().replace(':', "/"));
        let context = store.dir.join(place("").trim_end_matches('/'));
        store.file(&place("Dockerfile"), &self.dockerfile);
        for (name, mode, text) in &self.files {
            let path = store.file(&place(name), text);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).expect("a mode");
        }
        age(&context);
        if !self.script.is_empty() {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-euc", &format!("umask 022\n{}", self.script)]).current_dir(&context);
            crate::common::process::run(shell, None).ok();
        }
        context
    }

    /// The image that it makes; cases further down on the page may begin with it.
    pub fn image(&self) -> String {
        let words = self.name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        format!("{}:{}", self.page, words.collect::<Vec<_>>().join("-").to_lowercase())
    }
}

fn age(path: &Path) {
    crate::common::process::tool(&["find", &path.to_string_lossy(), "-exec", "touch", "-h", "-d", "2020-02-02 02:02:02Z", "{}", "+"]).ok();
}
