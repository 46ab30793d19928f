//! A person at a terminal: a pty with the command as its session leader, typed into and read from.

use super::patience;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{ControlFlags, InputFlags, LocalFlags, OutputFlags, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Terminal {
    keyboard: File,
    /// Kept open, so that what was written last can be read after the command's end, and the settings be looked at.
    screen: OwnedFd,
    pub child: Child,
    /// Everything shown so far.
    pub shown: String,
    /// How much of it was looked at.
    read: usize,
}

/// ctrl-p ctrl-q.
pub const DETACH: &str = "\x10\x11";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_Z: &str = "\x1a";

impl Terminal {
    pub fn spawn(mut command: Command, rows: u16, columns: u16) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).expect("a pty");
        let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("dup"));
        command.stdin(end(&pair.slave)).stdout(end(&pair.slave)).stderr(end(&pair.slave)).env("TERM", "xterm");
        let (master, slave) = (pair.master.as_raw_fd(), pair.slave.as_raw_fd());
        // SAFETY: only async-signal-safe calls between fork and exec.
        unsafe {
            command.pre_exec(move || {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                // std marks what it opens close-on-exec; openpty does not.
                libc::close(master);
                libc::close(slave);
                Ok(())
            });
        }
        let child = command.spawn().expect("spawn on a terminal");
        Terminal { keyboard: File::from(pair.master), screen: pair.slave, child, shown: String::new(), read: 0 }
    }

    pub fn send(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("type");
    }

    /// Reads what has come within `wait`; false when nothing came.
    fn look(&mut self, wait: Duration) -> bool {
        let mut ready = [PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        if poll(&mut ready, limit).unwrap_or(0) == 0 {
            return false;
        }
        let mut block = [0; 4096];
        match self.keyboard.read(&mut block) {
            Ok(count) if count > 0 => self.shown.push_str(&String::from_utf8_lossy(&block[..count])),
            _ => return false,
        }
        true
    }

    /// Waits for `text` in what was not looked at yet; gives what came before it.
    pub fn expect(&mut self, text: &str) -> String {
        let end = Instant::now() + patience();
        loop {
            if let Some(at) = self.shown[self.read..].find(text) {
                let before = self.shown[self.read..self.read + at].to_string();
                self.read += at + text.len();
                return before;
            }
            assert!(Instant::now() < end, "{text:?} never came to the terminal; shown so far:\n{}\n---", self.shown);
            self.look(Duration::from_millis(100));
        }
    }

    /// Sends a line to a shell and gives what it answers; the shell must print its own marks, so the echo is told apart.
    pub fn ask(&mut self, line: &str) -> String {
        self.send(&format!("echo be''gin; {line}; echo en''d\n"));
        self.expect("begin\r\n");
        self.expect("end\r\n").replace('\r', "").trim_end().to_string()
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the kernel reads one winsize.
        let result = unsafe { libc::ioctl(self.keyboard.as_raw_fd(), libc::TIOCSWINSZ, &size) };
        assert_eq!(result, 0, "TIOCSWINSZ");
    }

    /// All that the kernel fills in: the rest of the structure is whatever was there.
    pub fn settings(&self) -> (InputFlags, OutputFlags, ControlFlags, LocalFlags, Vec<u8>) {
        let all = tcgetattr(self.screen.as_fd()).expect("tcgetattr");
        (all.input_flags, all.output_flags, all.control_flags, all.local_flags, all.control_chars[..17].to_vec())
    }

    /// Raw mode as a person would notice it: no echo, no lines.
    pub fn is_raw(&self) -> bool {
        !self.settings().3.intersects(LocalFlags::ECHO | LocalFlags::ICANON)
    }

    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_some()
    }

    /// The exit code; 128+n for a signal.
    pub fn wait(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let end = Instant::now() + patience();
        loop {
            while self.look(Duration::from_millis(5)) {}
            if let Some(status) = self.child.try_wait().expect("wait") {
                while self.look(Duration::from_millis(50)) {}
                return status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            }
            assert!(Instant::now() < end, "the command on the terminal does not end; shown so far:\n{}\n---", self.shown);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
