//! Running a command with a time limit, its two streams kept apart.

use super::patience;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    pub command: String,
    /// 128+n when a signal ended it, as a shell says.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub raw: Vec<u8>,
    pub took: Duration,
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.story())
    }
}

impl Ran {
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "expected success, got {}", self.story());
        self.stdout.trim_end().to_string()
    }

    /// The whole of it, for a failed assertion.
    pub fn story(&self) -> String {
        format!("exit {} after {:?} of: {}\n--- stdout\n{}--- stderr\n{}---", self.code, self.took, self.command, self.stdout, self.stderr)
    }

    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "expected exit {code}, got {}", self.story());
        self
    }
}

/// Collects a stream on a thread of its own; tells when it has ended.
fn collect(mut stream: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, Receiver<()>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (ended, receiver) = channel();
    let writer = seen.clone();
    std::thread::spawn(move || {
        let mut block = [0; 65536];
        while let Ok(count) = stream.read(&mut block) {
            if count == 0 {
                break;
            }
            writer.lock().expect("the collector's lock").extend_from_slice(&block[..count]);
        }
        let _ = ended.send(());
    });
    (seen, receiver)
}

/// A command that runs beside the test. Ended when dropped.
pub struct Running {
    pub child: Child,
    command: String,
    started: Instant,
    stdout: (Arc<Mutex<Vec<u8>>>, Receiver<()>),
    stderr: (Arc<Mutex<Vec<u8>>>, Receiver<()>),
}

impl Running {
    /// Standard input is a pipe if the command asks for one, else closed for reading at once.
    pub fn spawn(mut command: Command) -> Self {
        let words = format!("{command:?}");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {words}: {e}"));
        let stdout = collect(child.stdout.take().expect("a pipe"));
        let stderr = collect(child.stderr.take().expect("a pipe"));
        Running { child, command: words, started: Instant::now(), stdout, stderr }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.stdout.0.lock().expect("the collector's lock")).into_owned()
    }

    pub fn seen_err(&self) -> String {
        String::from_utf8_lossy(&self.stderr.0.lock().expect("the collector's lock")).into_owned()
    }

    /// Waits until standard output holds `text`.
    pub fn expect(&mut self, text: &str) {
        let end = Instant::now() + patience();
        while !self.seen().contains(text) {
            let over = self.child.try_wait().expect("wait");
            // What was written last may still be on its way from the pipe.
            if over.is_some() {
                std::thread::sleep(Duration::from_millis(200));
                if self.seen().contains(text) {
                    return;
                }
            }
            let why = over.map_or("still runs".to_string(), |status| format!("ended with {status}"));
            assert!(
                Instant::now() < end && over.is_none(),
                "{text:?} never came; {} {why}\n--- stdout\n{}--- stderr\n{}---",
                self.command,
                self.seen(),
                self.seen_err()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn send(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe for standard input");
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).expect("write to the command");
    }

    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).expect("kill");
    }

    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_some()
    }

    pub fn wait(mut self) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let end = Instant::now() + patience();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            assert!(
                Instant::now() < end,
                "hung for {:?}: {}\n--- stdout\n{}--- stderr\n{}---",
                patience(),
                self.command,
                self.seen(),
                self.seen_err()
            );
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = self.started.elapsed();
        for (name, (_, ended)) in [("standard output", &self.stdout), ("standard error", &self.stderr)] {
            // A monitor or container that keeps the caller's pipe open makes `$(tare run -d …)` hang.
            let closed = ended.recv_timeout(Duration::from_secs(if super::in_vm() { 60 } else { 10 }));
            assert!(closed.is_ok(), "the command is over, but something still holds its {name}: {}", self.command);
        }
        let raw = self.stdout.0.lock().expect("the collector's lock").clone();
        Ran {
            command: std::mem::take(&mut self.command),
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&raw).into_owned(),
            stderr: self.seen_err(),
            raw,
            took,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs to the end; `input` is written to standard input, which is empty otherwise.
pub fn run(mut command: Command, input: Option<Vec<u8>>) -> Ran {
    match input {
        None => Running::spawn(within(command, Stdio::null())).wait(),
        Some(bytes) => {
            command.stdin(Stdio::piped());
            let mut running = Running::spawn(command);
            let mut stdin = running.child.stdin.take().expect("a pipe for standard input");
            // A command that refuses its input early closes the pipe: no failure of the test.
            let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
            let ran = running.wait();
            writer.join().expect("the writer");
            ran
        }
    }
}

fn within(mut command: Command, stdin: Stdio) -> Command {
    command.stdin(stdin);
    command
}

/// Another program of this machine, for setting a scene.
pub fn tool(words: &[&str]) -> Ran {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    run(command, None)
}
