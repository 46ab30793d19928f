//! What a Dockerfile says, instruction by instruction, as it is written: variables are not yet replaced.

use crate::options::health::Check;

/// Where something stands, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dockerfile {
    /// What continues a line, and takes the meaning from the letter after it: a backslash, or what the directive `escape` names.
    pub escape: char,
    /// The directive `syntax`: ours is built in, so it is only told.
    pub syntax: Option<String>,
    /// The directive `check`: `skip=…;error=true`, as it stands there.
    pub check: Option<String>,
    /// ARG before the first FROM.
    pub arguments: Vec<Line>,
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// As it is written, with its place.
    pub from: Line,
    /// `AS name`, in small letters.
    pub name: Option<String>,
    pub base: String,
    pub platform: Option<String>,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub at: Place,
    /// The last line that belongs to it.
    pub end: usize,
    /// As people wrote it, on one line: continuations are joined, comments between them left out; heredocs not included.
    pub text: String,
    /// The lines of its heredocs, with the words that end them; empty: it has none.
    pub below: String,
    pub instruction: Instruction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Instruction {
    From,
    /// Without a value: from the command line, or from before the first FROM.
    Arg(Vec<(String, Option<String>)>),
    Env(Vec<(String, String)>),
    Label(Vec<(String, String)>),
    Run(Run),
    Cmd(Command),
    Entrypoint(Command),
    Copy(Copy),
    Add(Copy),
    Workdir(String),
    User(String),
    Volume(Vec<String>),
    Expose(Vec<String>),
    StopSignal(String),
    Shell(Vec<String>),
    /// Its shell is the image's, and not said here.
    Healthcheck(Check),
    Maintainer(String),
    /// The instruction that it triggers, already understood, and as it is written: the image keeps the text.
    OnBuild(Box<Line>),
}

impl Line {
    /// With its heredocs, as an image keeps a trigger and as `parse_line` reads it.
    pub fn whole(&self) -> String {
        match self.below.trim_end_matches(['\r', '\n']) {
            "" => self.text.clone(),
            below => format!("{}\n{below}", self.text),
        }
    }
}

impl Instruction {
    /// As it is called in Dockerfiles.
    pub fn name(&self) -> &'static str {
        match self {
            Instruction::From => "FROM",
            Instruction::Arg(_) => "ARG",
            Instruction::Env(_) => "ENV",
            Instruction::Label(_) => "LABEL",
            Instruction::Run(_) => "RUN",
            Instruction::Cmd(_) => "CMD",
            Instruction::Entrypoint(_) => "ENTRYPOINT",
            Instruction::Copy(_) => "COPY",
            Instruction::Add(_) => "ADD",
            Instruction::Workdir(_) => "WORKDIR",
            Instruction::User(_) => "USER",
            Instruction::Volume(_) => "VOLUME",
            Instruction::Expose(_) => "EXPOSE",
            Instruction::StopSignal(_) => "STOPSIGNAL",
            Instruction::Shell(_) => "SHELL",
            Instruction::Healthcheck(_) => "HEALTHCHECK",
            Instruction::Maintainer(_) => "MAINTAINER",
            Instruction::OnBuild(_) => "ONBUILD",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `["a", "b"]`
    Exec(Vec<String>),
    /// For the shell, as it is written.
    Shell(String),
}

/// The text between `<<WORD` and `WORD`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heredoc {
    pub name: String,
    /// Its tabs are taken away already where it began with `<<-`.
    pub content: String,
    /// `<<WORD`, not `<<"WORD"`: variables in it are replaced (where it becomes a file; a shell does it itself).
    pub expand: bool,
    /// The file descriptor of `3<<WORD`; 0.
    pub descriptor: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub command: Command,
    pub heredocs: Vec<Heredoc>,
    pub mounts: Vec<RunMount>,
    /// `default`, `none` or `host`.
    pub network: Option<String>,
    /// `sandbox` or `insecure`.
    pub security: Option<String>,
}

/// `--mount=…`. Fields that name variables are not said here: `expanded` understands all of them, with the variables' values.
/// A `from` never names one, so which stages a RUN needs is known at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunMount {
    /// As it is written.
    pub text: String,
    pub at: Place,
    pub escape: char,
    pub kind: MountKind,
    /// `from=`: a stage, an image or a named context.
    pub from: Option<String>,
    /// Also `src`.
    pub source: Option<String>,
    /// Also `dst` and `destination`.
    pub target: Option<String>,
    pub id: Option<String>,
    /// `rw`, `readwrite`, `ro`, `readonly`; `None`: as is usual for its kind.
    pub read_only: Option<bool>,
    /// `None`: shared.
    pub sharing: Option<Sharing>,
    pub required: Option<bool>,
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Of a tmpfs, in bytes.
    pub size: Option<u64>,
    /// Of a secret: the environment variable that it becomes.
    pub env: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MountKind {
    #[default]
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

impl MountKind {
    pub fn name(self) -> &'static str {
        match self {
            MountKind::Bind => "bind",
            MountKind::Cache => "cache",
            MountKind::Tmpfs => "tmpfs",
            MountKind::Secret => "secret",
            MountKind::Ssh => "ssh",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    #[default]
    Shared,
    Private,
    Locked,
}

/// COPY, and ADD with what it can do beside that.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Copy {
    /// Without the heredocs among them.
    pub sources: Vec<String>,
    /// Each becomes a file of its name.
    pub heredocs: Vec<Heredoc>,
    pub target: String,
    pub from: Option<String>,
    pub chown: Option<String>,
    pub chmod: Option<String>,
    pub link: bool,
    pub parents: bool,
    pub exclude: Vec<String>,
    pub checksum: Option<String>,
    /// `None`: archives of the context are unpacked, fetched ones are not.
    pub unpack: Option<bool>,
    pub keep_git_dir: bool,
}
