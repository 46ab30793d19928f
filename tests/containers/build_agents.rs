//! `RUN --mount=type=ssh`: a step may ask the user's agent, and gets to see no key and no path of the host.

use crate::common::{Context, Store, eventually, installed, lacking};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A real agent with one key, of whoever builds.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(store: &Store) -> Option<Agent> {
        if !(installed("ssh-agent") && installed("ssh-add")) && lacking("ssh-agent: openssh-client") {
            return None;
        }
        let (socket, key) = (store.dir.join("agent"), store.dir.join("key"));
        let his = |program: &str, words: &[&str]| {
            let mut command = Command::new(program);
            command.args(words).env("SSH_AUTH_SOCK", &socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some(person) = &store.person {
                person.takes(&mut command, &store.dir.join("home"), &store.scenery);
            }
            command
        };
        let path = |path: &PathBuf| path.to_str().expect("utf-8").to_owned();
        let process = his("ssh-agent", &["-D", "-a", &path(&socket)]).spawn().expect("ssh-agent");
        eventually("the agent listens", || socket.exists());
        assert!(
            his("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "the-key-of-a-test", "-f", &path(&key)])
                .status()
                .expect("ssh-keygen")
                .success()
        );
        assert!(his("ssh-add", &["-q", &path(&key)]).status().expect("ssh-add").success());
        Some(Agent { process, socket })
    }

    fn flag(&self, id: &str) -> String {
        format!("{id}={}", self.socket.display())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_step_asks_the_agent_and_nobody_else_does() {
    let store = Store::new();
    let Some(agent) = Agent::start(&store) else { return };
    let context = Context::new(
        &store,
        "FROM box\nRUN --mount=type=ssh /probe ask-agent > /asked; echo $SSH_AUTH_SOCK >> /asked\nRUN --mount=type=ssh,id=other,target=/there.sock,required=true SSH_AUTH_SOCK=/there.sock /probe ask-agent >> /asked\nRUN /probe ask-agent >> /asked; test ! -e /there.sock && test ! -e /run/buildkit && echo nothing left >> /asked\n",
    );
    context.ok(&["--ssh", &agent.flag("default"), "--ssh", &agent.flag("other")]);
    let asked = store.ok(&["run", "--rm", "made", "cat", "/asked"]);
    assert_eq!(asked, "1 keys\nthe-key-of-a-test\n/run/buildkit/ssh_agent.0\n1 keys\nthe-key-of-a-test\nno agent\nnothing left");
    // As the environment says it.
    context.write("Dockerfile", "FROM box\nRUN --mount=type=ssh /probe ask-agent\n");
    let directory = context.directory.to_str().expect("utf-8");
    let mut command = store.command(&["build", "--progress", "plain", "--ssh", "default", directory]);
    let ran = command.env("SSH_AUTH_SOCK", &agent.socket).output().expect("it runs");
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success() && told.contains("the-key-of-a-test"), "{told}");
    drop(agent);
    store.assert_nothing_left();
}

/// An agent answers its owner and root alone, and a step may be neither.
#[test]
fn a_step_of_an_ordinary_user_may_ask_where_the_file_says_so() {
    let store = Store::new();
    let Some(agent) = Agent::start(&store) else { return };
    let context = Context::new(
        &store,
        "FROM box\nUSER 1000\nRUN --mount=type=ssh,uid=1000,gid=1001,mode=0640 ls -ln $SSH_AUTH_SOCK; /probe ask-agent && /probe ask-agent\nRUN --mount=type=ssh /probe ask-agent; true\n",
    );
    let told = context.ok(&["--ssh", &agent.flag("default")]);
    assert!(told.contains("srw-r-----    1 1000     1001"), "{told}");
    assert_eq!(told.matches("the-key-of-a-test").count(), 2, "{told}");
    assert!(told.contains("agent: EACCES"), "who is not named may not: {told}");
    drop(agent);
    store.assert_nothing_left();
}

#[test]
fn what_is_no_agent_is_refused() {
    let store = Store::new();
    let Some(agent) = Agent::start(&store) else { return };
    let context = Context::new(&store, "FROM box\nRUN --mount=type=ssh,required=true true\n");
    assert!(context.fails(&[]).contains("there is no ssh agent default"));
    assert!(context.fails(&["--ssh", &agent.flag("other")]).contains("hint: give it: --ssh default=SOCKET, or --ssh default"));
    let key = format!("default={}", store.dir.join("key").display());
    let told = context.fails(&["--ssh", &key]);
    assert!(told.contains("is no socket of an agent: a key itself is never given to a build"), "{told}");
    let directory = context.directory.to_str().expect("utf-8");
    let mut command = store.command(&["build", "--ssh", "default", directory]);
    let ran = command.env_remove("SSH_AUTH_SOCK").output().expect("it runs");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("no agent runs: SSH_AUTH_SOCK is not set"));
    // Nobody need have one who does not insist.
    context.write("Dockerfile", "FROM box\nRUN --mount=type=ssh /probe ask-agent; test -z \"$SSH_AUTH_SOCK\"\n");
    context.ok(&[]);
    drop(agent);
    store.assert_nothing_left();
}
